"""The logs of containers, written when they are read: a pure function of the instance, so that they only ever grow.

Each instance has a log of its own; the kubelet keeps the current one and the one before. Lines older than two hours
are gone, as after a rotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from sandbox.cluster.sources import LogLine, LogUnavailable
from sandbox.cluster.world.containers import Container, Run, Stage
from sandbox.cluster.world.kubelet import Kubelet
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.pod_status import PodRuntime
from sandbox.cluster.world.voices import VOICES

RETENTION_SECONDS = 7200
_SLICE = 10  # seconds of log that are written at once
_OPENING_GAP = 0.12
_TRIM_SECONDS = 600
_KEPT = 256  # logs kept in memory


@dataclass(slots=True)
class _Written:
    """A log as far as it has been written."""

    until: int  # the slice that comes next
    lines: list[LogLine] = field(default_factory=list)


class Logs:
    """Answer what the kubelet's log files hold."""

    def __init__(self, machinery: Machinery, kubelet: Kubelet) -> None:
        self._machinery = machinery
        self._kubelet = kubelet
        self._written: dict[tuple[str, float], _Written] = {}

    def lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> Sequence[LogLine]:
        """Return the whole log of an instance as it is now. Raises LogUnavailable."""
        runtime = self._kubelet.runtime(namespace, pod)
        if runtime is None:
            raise LogUnavailable(204, "", "")  # no node has it yet
        known = next((entry for entry in runtime.containers if entry.name == container), None)
        if known is None:
            raise LogUnavailable(400, f"container {container} is not valid for pod {pod}", "BadRequest")
        run = _previous(known, pod) if previous else _current(known, runtime, pod)
        if run.failed_to_start:
            return []
        return self._read(run)

    def is_running(self, namespace: str, pod: str, container: str) -> bool:
        """Tell whether the container still writes."""
        runtime = self._kubelet.runtime(namespace, pod)
        return runtime is not None and any(entry.running for entry in runtime.containers if entry.name == container)

    def _read(self, run: Run) -> list[LogLine]:
        """Return the lines up to now: those of whole slices are kept, those of the last one are written anew."""
        now = self._machinery.now if run.finished is None else run.finished
        horizon, opening, closing = now - RETENTION_SECONDS, _opening(run), _closing(run)
        key = (run.container_id, run.origin)
        kept = self._written.setdefault(key, _Written(int(max(run.started, horizon)) // _SLICE))
        while len(self._written) > _KEPT:
            del self._written[next(iter(self._written))]
        while (kept.until + 1) * _SLICE <= now:
            kept.lines += _slice(run, kept.until)
            kept.until += 1
        if kept.lines and kept.lines[0].at.timestamp() < horizon - _TRIM_SECONDS:
            kept.lines = [line for line in kept.lines if line.at.timestamp() >= horizon]
        first = opening[-1].at.timestamp() if opening else run.started
        last = closing[0].at.timestamp() if closing else now
        steady = [line for line in (*kept.lines, *_slice(run, kept.until)) if first < line.at.timestamp() <= last]
        return [line for line in (*opening, *steady, *closing) if horizon <= line.at.timestamp() <= now]


def _previous(container: Container, pod: str) -> Run:
    """Return the instance that ``previous`` means in the container's stage, or what the kubelet says instead."""
    if container.stage is Stage.BACKOFF and container.current is not None:
        return container.current
    run = container.previous
    if run is None:
        message = f'previous terminated container "{container.name}" in pod "{pod}" not found'
        raise LogUnavailable(400, message, "BadRequest")
    if not container.running:
        message = f"unable to retrieve container logs for {run.container_id}"
        raise LogUnavailable(200, message, "")  # removed when the one after it ended
    return run


def _current(container: Container, runtime: PodRuntime, pod: str) -> Run:
    if container.current is not None and container.stage not in {Stage.CONFIG_ERROR, Stage.PULL_BACKOFF}:
        return container.current
    initializing = container.role == "regular" and not runtime.initialized
    reason = container.waiting(initializing=initializing)["reason"]
    words = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
    trouble = f'container "{container.name}" in pod "{pod}" is waiting to start: {words.get(reason, reason)}'
    raise LogUnavailable(400, trouble, "BadRequest")


def _opening(run: Run) -> list[LogLine]:
    first = run.started + 0.05
    return [_line(first + number * _OPENING_GAP, text) for number, text in enumerate(run.behaviour.opening)]


def _closing(run: Run) -> list[LogLine]:
    """Return the last words, written just before the end."""
    if run.finished is None:
        return []
    words = run.behaviour.closing
    return [_line(run.finished - 0.002 * (len(words) - number), text) for number, text in enumerate(words)]


def _slice(run: Run, number: int) -> list[LogLine]:
    voice = VOICES[run.behaviour.voice]
    random = Random(f"{run.container_id} {number}")
    expected = voice.rate * _SLICE
    count = int(expected) + (random.random() < expected % 1)
    moments = sorted(number * _SLICE + random.random() * _SLICE for _ in range(count))
    return [_line(moment, voice.speak(random, datetime.fromtimestamp(moment, UTC))) for moment in moments]


def _line(moment: float, text: str) -> LogLine:
    return LogLine(datetime.fromtimestamp(moment, UTC), text)
