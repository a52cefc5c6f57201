"""Runs of containers: which one a log request means, and the logs of those that have ended.

What a request gives depends on the container's state: while it runs, `previous` is the run before; while it waits in
back-off, both are the run that crashed; while it is terminated, the current log is.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.objects import Container, Pod, Running, Terminated
from bot.domain.snapshot import LogKey, LogLine, LogRead
from bot.domain.targets import Scope

KEPT_LINES = 100
MOST_RUNS = 500
MOST_CHARACTERS = 8 * 1024 * 1024
_CLOCKS = timedelta(seconds=3)  # `finishedAt` is cut to seconds, and the two clocks are not one


@dataclass(frozen=True, slots=True)
class RunId:
    """One run of a container: its number from 0, as restarts are counted, and when it ended if it has and is known."""

    pod_uid: str
    container: str
    number: int
    finished_at: datetime | None = None


def last_ended(pod: Pod, container: Container) -> RunId | None:
    """Return the newest run that has ended, as far as the status tells."""
    count, last = container.restart_count, container.last_state
    match container.state:
        case Terminated(finished_at=finished_at):
            return RunId(pod.meta.uid, container.name, count, finished_at)
        case Running() if last is not None or count > 0:
            return RunId(pod.meta.uid, container.name, count - 1, None if last is None else last.finished_at)
        case _ if last is not None:
            return RunId(pod.meta.uid, container.name, count, last.finished_at)
        case _:
            return None


def run_now(pod: Pod, key: LogKey) -> RunId | None:
    """Return the run whose log `key` asks for while it goes on; None when it has ended, or is not known."""
    container = next((each for each in pod.containers if each.name == key.container), None)
    if container is None or key.previous or not isinstance(container.state, Running):
        return None
    return RunId(pod.meta.uid, container.name, container.restart_count)


def run_meant(pod: Pod, key: LogKey) -> RunId | None:
    """Return the ended run whose log `key` asks for; None while it runs, or when it is not known."""
    container = next((each for each in pod.containers if each.name == key.container), None)
    if container is None:
        return None
    if isinstance(container.state, Running):
        return last_ended(pod, container) if key.previous else None
    if key.previous and isinstance(container.state, Terminated):
        last = container.last_state
        return (
            None if last is None else RunId(pod.meta.uid, key.container, container.restart_count - 1, last.finished_at)
        )
    return last_ended(pod, container)


def can_be_of(run: RunId, read: LogRead) -> bool:
    """Tell whether lines can be of a run: a container that restarted meanwhile answers with its new run."""
    newest = max((line.at for line in read.lines if line.at is not None), default=None)
    return run.finished_at is None or newest is None or newest <= run.finished_at + _CLOCKS


@dataclass(frozen=True, slots=True)
class _Kept:
    lines: tuple[LogLine, ...]
    is_whole: bool
    finished_at: datetime | None
    characters: int


class EndedRuns:
    """The ends of the logs of runs that have ended: they never change, and the kubelet soon forgets them.

    Bounded in runs and in characters; the one that was not asked for the longest goes first.
    """

    def __init__(self, *, most_runs: int = MOST_RUNS, most_characters: int = MOST_CHARACTERS) -> None:
        self._kept: OrderedDict[tuple[Scope, str, str, int], _Kept] = OrderedDict()
        self._most_runs = most_runs
        self._most_characters = most_characters
        self._characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, scope: Scope, run: RunId, lines: tuple[LogLine, ...], *, asked: int) -> None:
        """Remember the end of a log of which `asked` lines were asked for."""
        self._drop((scope, run.pod_uid, run.container, run.number))
        kept = lines[-KEPT_LINES:]
        size = sum(len(line.text) for line in kept)
        is_whole = len(lines) < asked and len(kept) == len(lines)
        self._kept[scope, run.pod_uid, run.container, run.number] = _Kept(kept, is_whole, run.finished_at, size)
        self._characters += size
        while len(self._kept) > self._most_runs or (self._characters > self._most_characters and len(self._kept) > 1):
            self._drop(next(iter(self._kept)))

    def find(self, scope: Scope, run: RunId, *, lines: int) -> tuple[LogLine, ...] | None:
        """Return the last `lines` lines; None unless all of these are known."""
        kept = self._find(scope, run)
        return None if kept is None or (lines > len(kept.lines) and not kept.is_whole) else kept.lines[-lines:]

    def find_any(self, scope: Scope, run: RunId, *, lines: int) -> tuple[LogLine, ...] | None:
        """Return at most `lines` lines, fewer when fewer are known; None when the log is not known."""
        kept = self._find(scope, run)
        return None if kept is None else kept.lines[-lines:]

    def _find(self, scope: Scope, run: RunId) -> _Kept | None:
        key = (scope, run.pod_uid, run.container, run.number)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if run.finished_at is not None and kept.finished_at is not None and run.finished_at != kept.finished_at:
            return None  # the kubelet began to count anew
        self._kept.move_to_end(key)
        return kept

    def _drop(self, key: tuple[Scope, str, str, int]) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._characters -= kept.characters
