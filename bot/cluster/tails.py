"""The ends of the logs of containers that run, remembered for a short while.

While something is wrong, many ask for the same at once and again. A container that runs writes on, so its log is never
known for good: for some seconds what was read counts as new; for a minute it is given at once, with its age said, while
it is read again in the background; what is older is read before it is given.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cluster.runs import RunId
from bot.domain.snapshot import LogKey, LogRead
from bot.domain.targets import Scope
from bot.ports import Clock

FRESH_FOR = timedelta(seconds=15)
KEPT_FOR = timedelta(seconds=60)
MOST_TAILS = 200
MOST_CHARACTERS = 4 * 1024 * 1024
AT_ONCE = 2

RunningOf = Callable[[Scope, LogKey], RunId | None]
"""Says which run that goes on a request means; None when it has ended, or when nobody knows."""
Fetch = Callable[[], Awaitable[LogRead]]


@dataclass(frozen=True, slots=True)
class _Tail:
    """So many lines of the log of a run that goes on: once it has ended, nobody asks for it by this."""

    scope: Scope
    run: RunId
    lines: int


@dataclass(frozen=True, slots=True)
class _Kept:
    read: LogRead
    asked_at: datetime
    characters: int


class RunningTails:
    """Remembers what was read of logs that go on. Run `run()` in a task group: without it nothing old is given.

    Bounded in number and in characters; the one that was not asked for the longest goes first. Of many who ask for the
    same at once, one reads. A log that could not be read is not remembered.
    """

    def __init__(
        self,
        running_of: RunningOf,
        clock: Clock,
        *,
        most_tails: int = MOST_TAILS,
        most_characters: int = MOST_CHARACTERS,
    ) -> None:
        self._running_of = running_of
        self._clock = clock
        self._most_tails = most_tails
        self._most_characters = most_characters
        self._kept: OrderedDict[_Tail, _Kept] = OrderedDict()
        self._characters = 0
        self._flights: dict[_Tail, asyncio.Future[LogRead | None]] = {}
        self._due: asyncio.Queue[tuple[_Tail, Fetch]] = asyncio.Queue()
        self._refreshed: set[_Tail] = set()
        self._is_running = False

    def __len__(self) -> int:
        return len(self._kept)

    def known(self, scope: Scope, key: LogKey, lines: int) -> LogRead | None:
        """Return the end of a log that still counts as new; None when it must be read."""
        run = self._running_of(scope, key)
        tail = None if run is None else _Tail(scope, run, lines)
        kept = None if tail is None else self._kept.get(tail)
        if tail is None or kept is None or self._clock.now() - kept.asked_at >= FRESH_FOR:
            return None
        self._kept.move_to_end(tail)
        return kept.read

    async def read(self, scope: Scope, key: LogKey, lines: int, fetch: Fetch) -> LogRead:
        """Return the end of a log as it is remembered, else as `fetch` reads it now."""
        run = self._running_of(scope, key)
        if run is None:
            return await fetch()
        tail = _Tail(scope, run, lines)
        known = self._kept.get(tail)
        age = self._clock.now() - known.asked_at if known is not None else KEPT_FOR
        if known is None or age >= KEPT_FOR:
            return await self._read_once(tail, fetch)
        self._kept.move_to_end(tail)
        if age < FRESH_FOR:
            return known.read
        if not self._is_running or not known.read.lines:  # "it wrote nothing" is said of now alone
            return await self._read_once(tail, fetch)
        self._refresh(tail, fetch)
        return replace(known.read, problem=f"as it was {age.total_seconds():.0f} s ago")

    async def run(self) -> None:
        """Read again what is asked for and no longer new, until cancelled."""
        self._is_running = True
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._work())
        finally:
            self._is_running = False

    async def _work(self) -> None:
        while True:
            tail, fetch = await self._due.get()
            try:
                await self._read_once(tail, fetch)
            finally:
                self._refreshed.discard(tail)

    def _refresh(self, tail: _Tail, fetch: Fetch) -> None:
        if tail not in self._refreshed and tail not in self._flights:
            self._refreshed.add(tail)
            self._due.put_nowait((tail, fetch))

    async def _read_once(self, tail: _Tail, fetch: Fetch) -> LogRead:
        """Read, or wait for whoever reads the same; one that gave up leaves it to the next."""
        while (flight := self._flights.get(tail)) is not None:
            read = await asyncio.shield(flight)  # who stops waiting does not stop the others
            if read is not None:
                return read
        flight = self._flights[tail] = asyncio.get_running_loop().create_future()
        asked_at, read = self._clock.now(), None
        try:
            read = await fetch()
        finally:
            del self._flights[tail]
            flight.set_result(read)
        if not read.problem:
            self._keep(tail, read, asked_at)
        return read

    def _keep(self, tail: _Tail, read: LogRead, asked_at: datetime) -> None:
        self._drop(tail)
        size = sum(len(line.text) for line in read.lines)
        self._kept[tail] = _Kept(read, asked_at, size)
        self._characters += size
        now = self._clock.now()
        for old in [each for each, kept in self._kept.items() if now - kept.asked_at >= KEPT_FOR]:
            self._drop(old)
        while len(self._kept) > self._most_tails or self._characters > self._most_characters:
            self._drop(next(iter(self._kept)))

    def _drop(self, tail: _Tail) -> None:
        kept = self._kept.pop(tail, None)
        if kept is not None:
            self._characters -= kept.characters
