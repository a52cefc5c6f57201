"""The log of a container: which one is meant, whether there is one, which part of it, and following it."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.cluster.api.calls import Answer, Call, StreamAnswer, TextAnswer
from sandbox.cluster.api.errors import Cause, Refusal, bad_request, invalid
from sandbox.cluster.api.reads import find_object
from sandbox.cluster.sources import LogLine, LogSource, LogUnavailable
from sandbox.cluster.store import Json, ObjectStore

_PULLING = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


@dataclass(frozen=True, slots=True)
class FollowTiming:
    """How often a followed file is looked at, and how long after its container's end the stream ends, in seconds."""

    poll_s: float = 0.2
    linger_s: float = 1.0


@dataclass(frozen=True, slots=True)
class _Options:
    previous: bool
    follow: bool
    timestamps: bool
    since: datetime | None
    tail_lines: int | None
    limit_bytes: int | None


def pod_log(call: Call, store: ObjectStore, source: LogSource, timing: FollowTiming) -> Answer:
    """Answer with the log of one container. Raises Refusal."""
    pod = find_object(call, store)
    options = _parse(call, store.now())
    container = _choose_container(pod, call.query.get("container", ""))
    if not pod.get("spec", {}).get("nodeName"):
        return TextAnswer("", 204)
    _check_state(pod, container, previous=options.previous)
    follower = _Follower(call, store, source, container, options)
    try:
        first = follower.read()
    except LogUnavailable as error:
        if error.code in {200, 204}:
            return TextAnswer(error.message if error.code == 200 else "", error.code)
        raise Refusal(error.code, error.reason, error.message) from None
    return StreamAnswer(follower.chunks(first, timing), "text/plain")


def _parse(call: Call, now: datetime) -> _Options:
    tail, limit, seconds = call.number("tailLines"), call.number("limitBytes"), call.number("sinceSeconds")
    since_text = call.query.get("sinceTime", "")
    causes = [
        _out_of_range(name, value, lowest)
        for name, value, lowest in (("tailLines", tail, 0), ("limitBytes", limit, 1), ("sinceSeconds", seconds, 1))
        if value is not None and value < lowest
    ]
    if seconds is not None and since_text:
        message = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        causes = [Cause("FieldValueForbidden", message, "[]")]
    if causes:
        name = call.target.name
        raise invalid("PodLogOptions", name, *causes, details={"name": name, "kind": "PodLogOptions"})
    since = _parse_since(since_text) if since_text else None
    if seconds is not None:
        since = now - timedelta(seconds=seconds)
    flags = {name: call.flag(name) for name in ("previous", "follow", "timestamps")}
    return _Options(**flags, since=since, tail_lines=tail, limit_bytes=limit)


def _out_of_range(name: str, value: int, lowest: int) -> Cause:
    rule = "must be greater than 0" if lowest else "must be greater than or equal to 0"
    return Cause("FieldValueInvalid", f"Invalid value: {value}: {rule}", name)


def _parse_since(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        reason = f'cannot parse "{text}" as "2006"'
        raise bad_request(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": {reason}') from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _choose_container(pod: Json, asked: str) -> str:
    """Return the container that is meant: the named one, or the only regular one."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    regular, init, ephemeral = (
        [container["name"] for container in spec.get(field) or []]
        for field in ("containers", "initContainers", "ephemeralContainers")
    )
    if asked:
        if asked not in {*regular, *init, *ephemeral}:
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(regular) == 1:
        return str(regular[0])
    choice = f"choose one of: [{' '.join(regular)}]"
    choice += f" or one of the init containers: [{' '.join(init)}]" if init else ""
    choice += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]" if ephemeral else ""
    raise bad_request(f"a container name must be specified for pod {name}, {choice}")


def _check_state(pod: Json, container: str, *, previous: bool) -> None:
    """Refuse what the kubelet refuses by looking at the container's status (validateContainerLogStatus)."""
    status = _container_status(pod, container)
    state, last = status.get("state") or {}, status.get("lastState") or {}
    named = f'container "{container}" in pod "{pod["metadata"]["name"]}"'
    # While a crashed container waits for its restart, previous and current are the same log.
    if previous:
        if not last.get("terminated"):
            raise bad_request(f"previous terminated {named} not found")
        return
    if state.get("running") is not None or state.get("terminated") or last.get("terminated"):
        return
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    raise bad_request(f"{named} is waiting to start: {_PULLING.get(reason, reason)}")


def _container_status(pod: Json, container: str) -> Json:
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for entry in status.get(field) or []:
            if entry["name"] == container:
                found: Json = entry
                return found
    return {}


class _Follower:
    """Reads one log file, and goes on reading while its container writes."""

    def __init__(self, call: Call, store: ObjectStore, source: LogSource, container: str, options: _Options) -> None:
        self._namespace, self._pod = call.target.namespace, call.target.name
        self._store = store
        self._source = source
        self._container = container
        self._options = options
        self._left = options.limit_bytes
        self._last: datetime | None = None
        self._at_last = 0  # lines that bear the time of the last one

    def read(self, *, is_over: bool = False) -> Sequence[LogLine]:
        """Return the whole file as it is now; of a run that is over it is the previous one. Raises LogUnavailable."""
        previous = self._options.previous or is_over
        return self._source.lines(self._namespace, self._pod, self._container, previous=previous)

    async def chunks(self, first: Sequence[LogLine], timing: FollowTiming) -> AsyncIterator[bytes]:
        """Yield the chosen part of the file, then what is added to it, until its container has ended.

        A follower does not go on into the next run.
        """
        followed = self._run()
        self._newer(first)
        if text := self._render(self._select(first)):
            yield text
        lingers_s = timing.linger_s if self._options.follow and not self._options.previous else 0.0
        while self._left != 0 and lingers_s > 0:
            is_running, is_over = self._is_running(), self._run() != followed
            try:
                lines = self.read(is_over=is_over)
            except LogUnavailable:
                return
            if text := self._render(self._since(self._newer(lines))):
                yield text
            if is_over:
                return
            if not is_running:
                lingers_s -= timing.poll_s
            await asyncio.sleep(timing.poll_s)

    def _run(self) -> tuple[str, int] | None:
        """Return what tells one run of the container from the next, None once the pod is gone."""
        pod = self._store.get("pods", self._namespace, self._pod)
        if pod is None:
            return None
        status = _container_status(pod, self._container)
        return pod["metadata"]["uid"], status.get("restartCount", 0)

    def _is_running(self) -> bool:
        if self._store.get("pods", self._namespace, self._pod) is None:
            return False
        return self._source.is_running(self._namespace, self._pod, self._container)

    def _newer(self, lines: Sequence[LogLine]) -> Sequence[LogLine]:
        """Return the lines added since the last look. Their times tell: the oldest lines may be gone meanwhile."""
        start = 0
        if self._last is not None:
            start = bisect_left(lines, self._last, key=lambda line: line.at) + self._at_last
        if start < len(lines):
            self._last = lines[-1].at
            self._at_last = len(lines) - bisect_left(lines, self._last, key=lambda line: line.at)
        return lines[start:]

    def _since(self, lines: Sequence[LogLine]) -> Sequence[LogLine]:
        since = self._options.since
        return lines if since is None else [line for line in lines if line.at >= since]

    def _select(self, lines: Sequence[LogLine]) -> Sequence[LogLine]:
        kept = self._since(lines)
        tail = self._options.tail_lines
        return kept if tail is None else kept[max(len(kept) - tail, 0) :]

    def _render(self, lines: Sequence[LogLine]) -> bytes:
        """Return the bytes of some lines; limitBytes cuts the end, the newest lines."""
        stamped = self._options.timestamps
        text = "".join(f"{_stamp(line.at)} {line.text}\n" if stamped else f"{line.text}\n" for line in lines)
        data = text.encode("utf-8", "surrogateescape")
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return data


def _stamp(at: datetime) -> str:
    """Write a time with nine digits of fraction, as the kubelet does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
