"""Tails of container logs: side by side, bounded in bytes, redacted. A log that cannot be had says why.

Traps of the log API that are met here: a removed container answers 200 with a sentence instead of a log; a pod that is
not scheduled answers 204; waiting and missing runs answer 400; `limitBytes` cuts the newest lines, so that the tail is
bounded by `tailLines` and by keeping only its end.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import aiohttp

from bot.cluster.http import KubernetesHttp, one_of
from bot.cluster.log_text import masks, read_of
from bot.cluster.runs import KEPT_LINES, EndedRuns, RunId, can_be_of
from bot.cluster.tails import RunningTails
from bot.domain.snapshot import LogExcerpt, LogKey, LogQuery, LogRead
from bot.domain.targets import ClusterName, Scope
from bot.errors import ClusterError, ClusterNotFound

SIDE_BY_SIDE = 8
KEPT_BYTES = 1024 * 1024
READ_BYTES = 8 * 1024 * 1024
_BIG = 64 * 1024  # redacting more than this takes tens of milliseconds and leaves the event loop to others
_ONLY_END = f"only its last {KEPT_BYTES // 1024**2} MiB was read"
_TOO_LONG = f"the log is longer than {READ_BYTES // 1024**2} MiB; its newest lines were not read"

_WAITING = re.compile(r"waiting to start: (?P<why>[^:\"\n]+)")
_SAID = re.compile(r"answered 400: (?P<said>.*?)\.?\nTried: ", re.DOTALL)

RunOf = Callable[[Scope, LogKey], RunId | None]
"""Says which run that has ended a request means now; None while it runs, or when nobody knows."""


class ContainerLogs:
    """Logs of containers. A `LogStream`.

    With `run_of` the end of the log of a run that has ended is fetched once and remembered: the kubelet keeps only one
    dead container, asking again costs it a file read, and once it is removed the remembered end is all there is.
    With `running` the tail of one that goes on is remembered for a short while; `read` never gives such an old one.
    """

    def __init__(
        self,
        clusters: Mapping[ClusterName, KubernetesHttp],
        *,
        run_of: RunOf | None = None,
        running: RunningTails | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._clusters = clusters
        self._run_of = run_of
        self._running = running
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._ended = EndedRuns()

    async def tails(self, scope: Scope, keys: Sequence[LogKey], *, lines: int) -> Mapping[LogKey, LogExcerpt]:
        """Return the last `lines` lines of each log; the `problem` of one that is remembered says how old it is."""
        http = one_of(self._clusters, scope.cluster)
        reads = {key: self._remembered(scope, key, lines) for key in dict.fromkeys(keys)}
        unread = [LogQuery(key=key, tail=lines) for key, read in reads.items() if read is None]
        if unread:
            async with asyncio.TaskGroup() as group:
                tasks = {query.key: group.create_task(self._tail(http, scope, query)) for query in unread}
            reads |= {key: task.result() for key, task in tasks.items()}
        return {key: _excerpt(read) for key, read in reads.items() if read is not None}

    async def read(self, scope: Scope, queries: Sequence[LogQuery]) -> Mapping[LogKey, LogRead]:
        """Return lines with their times; of queries with equal keys the last one counts."""
        http = one_of(self._clusters, scope.cluster)
        wanted = {query.key: query for query in queries}
        async with asyncio.TaskGroup() as group:
            reads = {key: group.create_task(self._read(http, scope, query)) for key, query in wanted.items()}
        return {key: read.result() for key, read in reads.items()}

    def _remembered(self, scope: Scope, key: LogKey, lines: int) -> LogRead | None:
        """Return what need not be waited for."""
        run = self._run(scope, key)
        if run is None:
            return None if self._running is None else self._running.known(scope, key, lines)
        known = self._ended.find(scope, run, lines=lines)
        return None if known is None else LogRead(known, masked=masks(known))

    async def _tail(self, http: KubernetesHttp, scope: Scope, query: LogQuery) -> LogRead:
        fetch = partial(self._read, http, scope, query)
        if self._running is None:
            return await fetch()
        return await self._running.read(scope, query.key, query.tail, fetch)

    def remembers(self, scope: Scope, run: RunId) -> bool:
        """Tell whether the end of a run's log is known."""
        return self._ended.find_any(scope, run, lines=1) is not None

    async def _read(self, http: KubernetesHttp, scope: Scope, query: LogQuery) -> LogRead:
        run = self._run(scope, query.key)
        if run is None or query.since_s is not None:
            async with self._slots:
                return await self._fetch(http, scope, query)
        known = self._ended.find(scope, run, lines=query.tail)
        if known is not None:
            return LogRead(known, masked=masks(known))
        async with self._slots:
            return await self._read_ended(http, scope, query, run)

    async def _read_ended(self, http: KubernetesHttp, scope: Scope, query: LogQuery, run: RunId) -> LogRead:
        """Fetch as much as is remembered, and remember it if it is still, or can only be, the log of that run."""
        asked = max(query.tail, KEPT_LINES)
        read = await self._fetch(http, scope, LogQuery(key=query.key, tail=asked))
        has_end = read.problem in ("", _ONLY_END) and can_be_of(run, read)
        if has_end and self._run(scope, query.key) == run:
            # Of a log that was cut no more is known than these lines, so it is not remembered as whole.
            self._ended.keep(scope, run, read.lines, asked=len(read.lines) if read.problem else asked)
        elif not has_end:
            known = self._ended.find_any(scope, run, lines=query.tail)
            if known is not None:
                return LogRead(known, masked=masks(known))
        if len(read.lines) < query.tail:
            return read
        lines = read.lines[-query.tail :]
        return LogRead(lines, "" if read.problem == _ONLY_END else read.problem, masks(lines))

    def _run(self, scope: Scope, key: LogKey) -> RunId | None:
        return self._run_of(scope, key) if self._run_of is not None else None

    async def _fetch(self, http: KubernetesHttp, scope: Scope, query: LogQuery) -> LogRead:
        key = query.key
        path = f"/api/v1/namespaces/{scope.namespace}/pods/{key.pod}/log"
        asked = {"container": key.container, "tailLines": str(query.tail), "timestamps": "true"}
        if key.previous:
            asked["previous"] = "true"
        if query.since_s is not None:
            asked["sinceSeconds"] = str(max(1, query.since_s))
        try:
            async with http.stream(
                path, asked, accept="*/*", total_s=self._timeout_s, silence_s=self._timeout_s
            ) as response:
                if response.status == 204:
                    return LogRead(problem="the pod is not scheduled yet, so there is no log")
                body, problem = await _read_end(response)
        except ClusterError as error:
            return LogRead(problem=_problem(error, key))
        if len(body) < _BIG:
            return read_of(body, query.tail, problem=problem)
        return await asyncio.to_thread(read_of, body, query.tail, problem=problem)


def _excerpt(read: LogRead) -> LogExcerpt:
    return LogExcerpt(tuple(line.text for line in read.lines), read.problem, read.masked)


async def _read_end(response: aiohttp.ClientResponse) -> tuple[bytes, str]:
    """Read up to `READ_BYTES` and keep the last `KEPT_BYTES`; say what is missing, if anything.

    What is left of a line that was cut is dropped: it has no time, and may be the rest of a secret.
    """
    kept, read, problem = bytearray(), 0, ""
    async for chunk in response.content.iter_any():
        kept += chunk
        read += len(chunk)
        if len(kept) > 2 * KEPT_BYTES:
            del kept[: -KEPT_BYTES - 1]
        if read > READ_BYTES:
            problem = _TOO_LONG
            break
    if read <= KEPT_BYTES:
        return bytes(kept), ""
    # One byte more tells whether a line begins where the kept part does.
    _, _, lines = bytes(kept[-KEPT_BYTES - 1 :]).partition(b"\n")
    return lines, problem or _ONLY_END


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
