"""Tails of container logs: side by side, bounded in bytes, redacted. A log that cannot be had says why.

Traps of the log API that are met here: a removed container answers 200 with a sentence instead of a log; a pod that is
not scheduled answers 204; waiting and missing runs answer 400; `limitBytes` cuts the newest lines, so that the tail is
bounded by `tailLines` and by keeping only its end.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from bot.cluster.http import KubernetesHttp
from bot.domain.snapshot import LogExcerpt, LogKey
from bot.domain.targets import ClusterName, Scope
from bot.domain.text import Redacted
from bot.errors import ClusterError, ClusterNotFound, UsageError
from bot.redaction import redact_counted

SIDE_BY_SIDE = 8
LONGEST_LINE = 2_000
KEPT_BYTES = 1024 * 1024
READ_BYTES = 8 * 1024 * 1024
_REMEMBERED = 256
_BIG = 64 * 1024  # redacting more than this takes tens of milliseconds and leaves the event loop to others

_GONE = "unable to retrieve container logs for "
_WAITING = re.compile(r"waiting to start: (?P<why>[^:\"\n]+)")
_SAID = re.compile(r"answered 400: (?P<said>.*?)\.?\nTried: ", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RunId:
    """Which run of a container is meant: the previous log of one run never changes."""

    pod_uid: str
    container: str
    restart_count: int


RunOf = Callable[[Scope, LogKey], RunId | None]


class ContainerLogs:
    """Logs of containers. A `LogStream`.

    With `run_of` (who knows which run a key means), the log of a run that has ended is fetched once and remembered:
    the kubelet keeps only one dead container, and asking again costs it a file read.
    """

    def __init__(
        self,
        clusters: Mapping[ClusterName, KubernetesHttp],
        *,
        run_of: RunOf | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._clusters = clusters
        self._run_of = run_of
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._ended: OrderedDict[tuple[Scope, RunId, int], LogExcerpt] = OrderedDict()

    async def tails(self, scope: Scope, keys: Sequence[LogKey], *, lines: int) -> Mapping[LogKey, LogExcerpt]:
        """Return the last `lines` lines of each log."""
        http = self._clusters.get(scope.cluster)
        if http is None:
            raise UsageError(f"There is no cluster {scope.cluster!r}.", suggestions=sorted(self._clusters))
        async with asyncio.TaskGroup() as group:
            reads = {key: group.create_task(self._tail(http, scope, key, lines)) for key in dict.fromkeys(keys)}
        return {key: read.result() for key, read in reads.items()}

    async def _tail(self, http: KubernetesHttp, scope: Scope, key: LogKey, lines: int) -> LogExcerpt:
        run = self._run_of(scope, key) if self._run_of is not None and key.previous else None
        if run is not None and (scope, run, lines) in self._ended:
            self._ended.move_to_end((scope, run, lines))
            return self._ended[scope, run, lines]
        async with self._slots:
            excerpt = await self._fetch(http, scope, key, lines)
        if run is not None and not excerpt.problem:
            self._ended[scope, run, lines] = excerpt
            if len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)
        return excerpt

    async def _fetch(self, http: KubernetesHttp, scope: Scope, key: LogKey, lines: int) -> LogExcerpt:
        path = f"/api/v1/namespaces/{scope.namespace}/pods/{key.pod}/log"
        query = {"container": key.container, "tailLines": str(lines)}
        if key.previous:
            query["previous"] = "true"
        try:
            async with http.stream(
                path, query, accept="*/*", total_s=self._timeout_s, silence_s=self._timeout_s
            ) as response:
                if response.status == 204:
                    return LogExcerpt(problem="the pod is not scheduled yet, so there is no log")
                body, is_whole = await _read_end(response)
        except ClusterError as error:
            return LogExcerpt(problem=_problem(error, key))
        if len(body) < _BIG:
            return excerpt_of(body, lines, is_whole=is_whole)
        return await asyncio.to_thread(excerpt_of, body, lines, is_whole=is_whole)


async def _read_end(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Read up to `READ_BYTES` and keep the last `KEPT_BYTES`; tell whether the end of the log was reached."""
    kept, read = bytearray(), 0
    async for chunk in response.content.iter_any():
        kept += chunk
        read += len(chunk)
        if len(kept) > 2 * KEPT_BYTES:
            del kept[:-KEPT_BYTES]
        if read > READ_BYTES:
            return bytes(kept[-KEPT_BYTES:]), False
    return bytes(kept[-KEPT_BYTES:]), True


def excerpt_of(body: bytes, lines: int, *, is_whole: bool = True) -> LogExcerpt:
    """Turn the bytes of a log into redacted lines, each at most `LONGEST_LINE` characters long."""
    text = body.decode("utf-8", "replace")
    if text.startswith(_GONE) and text.count("\n") <= 1:
        return LogExcerpt(problem="the container of that run was removed, and its log with it")
    # Cut well behind what will be kept, then redact all lines at once: a private key spans several.
    cut = (line[: 4 * LONGEST_LINE] for line in text.split("\n")[-lines - 1 :])
    redacted, masked = redact_counted("\n".join(cut))
    kept = redacted.removesuffix("\n").split("\n")[-lines:] if redacted else []
    problem = "" if is_whole else f"the log is longer than {READ_BYTES // 1024**2} MiB; its newest lines were not read"
    return LogExcerpt(tuple(_shorten(line) for line in kept), problem, masked)


def _shorten(line: str) -> Redacted:
    return Redacted(line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…")


def _problem(error: ClusterError, key: LogKey) -> str:
    """Say in plain words why there is no log; what the server says about a container is a 400."""
    message = error.message
    if isinstance(error, ClusterNotFound):
        return f"the pod {key.pod} is gone"
    if "previous terminated container" in message:
        return "there is no log of a run before this one"
    if "is not valid for pod" in message:
        return f"the pod has no container {key.container}"
    if "failing to pull image" in message:
        return "the container has not started: its image cannot be pulled"
    waiting = _WAITING.search(message)
    if waiting is not None:
        return f"the container has not started: {waiting['why'].rstrip('.')}"
    said = _SAID.search(message)
    return said["said"] if said is not None else message.rstrip(".")
