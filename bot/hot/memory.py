"""The in-process twin: what one process keeps, for one replica and for the time that Redis is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.hot.bells import Bells
from bot.ports import Clock

MOST_KEYS: Final = 100_000
MOST_BYTES: Final = 32 * 1024 * 1024
LARGEST_BYTES: Final = 4 * 1024 * 1024
"""A larger value is not kept: handing it around would take longer than reading anew."""


@dataclass(slots=True)
class _Window:
    """The counts of one window."""

    number: int
    counts: dict[str, int] = field(default_factory=dict)


class Noted:
    """Keys that were met, each until its end. When it had to drop some, it knows that it no longer knows."""

    def __init__(self, clock: Clock, *, most: int = MOST_KEYS) -> None:
        self._clock = clock
        self._most = most
        self._ends: dict[str, datetime] = {}
        self._unsure_until: datetime | None = None

    def __len__(self) -> int:
        return len(self._ends)

    def __contains__(self, key: str) -> bool:
        end = self._ends.get(key)
        return end is not None and self._clock.now() < end

    def first(self, key: str, *, keep_s: int) -> bool | None:
        """Note a key; False when it was noted before, None when it may have been among those dropped."""
        if key in self:
            return False
        now = self._clock.now()
        self._make_room(now)
        self._ends.pop(key, None)
        self._ends[key] = now + timedelta(seconds=keep_s)
        return None if self._unsure_until is not None and now < self._unsure_until else True

    def _make_room(self, now: datetime) -> None:
        if len(self._ends) < self._most:
            return
        self._ends = {key: end for key, end in self._ends.items() if now < end}
        if len(self._ends) < self._most:
            return
        for key in tuple(self._ends)[: max(1, self._most // 10)]:
            end = self._ends.pop(key)
            self._unsure_until = end if self._unsure_until is None else max(end, self._unsure_until)


@dataclass(frozen=True, slots=True)
class _Value:
    """A value and the time in which it may be read."""

    data: bytes
    begin: datetime
    end: datetime


class Values:
    """Values, each until its end; the oldest leave when they are too many or too large together."""

    def __init__(self, clock: Clock, *, most: int = MOST_KEYS, most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most = most
        self._most_bytes = most_bytes
        self._values: dict[str, _Value] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> bytes | None:
        """Return what is kept. A clock that was set back before the writing ends the value: its age is unknown."""
        value = self._values.get(key)
        if value is None:
            return None
        if value.begin <= self._clock.now() < value.end:
            return value.data
        self.drop(key)
        return None

    def put(self, key: str, data: bytes, *, keep_s: int) -> None:
        """Keep a value instead of the one before."""
        self.drop(key)
        if len(data) > LARGEST_BYTES:
            return
        now = self._clock.now()
        self._values[key] = _Value(data, now, now + timedelta(seconds=keep_s))
        self._bytes += len(data)
        while len(self._values) > self._most or self._bytes > self._most_bytes:
            self.drop(next(iter(self._values)))

    def drop(self, key: str) -> None:
        """Remove a value if there is one."""
        value = self._values.pop(key, None)
        if value is not None:
            self._bytes -= len(value.data)


class MemoryHotState:
    """Implements `HotState` for one process.

    Uses are counted in fixed windows that begin at multiples of their length; of each length only the present window
    is kept. Memory is bounded: what is dropped early is a count, a value, or a key that is then unknown.
    """

    def __init__(self, clock: Clock) -> None:
        self.shared = False
        self.noted = Noted(clock)
        self.bells = Bells()
        self._clock = clock
        self._windows: dict[int, _Window] = {}
        self._values = Values(clock)

    async def allow(self, key: str, *, limit: int, window_s: int) -> bool:
        """Count one use of `key` in the present window; False when it is over `limit`."""
        number = window_number(self._clock, window_s)
        window = self._windows.get(window_s)
        if window is None or window.number != number:
            window = self._windows[window_s] = _Window(number)
        if key not in window.counts and len(window.counts) >= MOST_KEYS:
            del window.counts[next(iter(window.counts))]
        window.counts[key] = window.counts.get(key, 0) + 1
        return window.counts[key] <= limit

    async def first(self, key: str, *, keep_s: int) -> bool | None:
        """Note a key; False when it was noted before, None when that is no longer known."""
        return self.noted.first(key, keep_s=keep_s)

    async def read(self, key: str) -> bytes | None:
        """Return what was written; None when there is nothing."""
        return self._values.get(key)

    async def write(self, key: str, value: bytes, *, keep_s: int) -> None:
        """Keep a value for some time."""
        self._values.put(key, value, keep_s=keep_s)

    async def forget(self, key: str) -> None:
        """Remove a value."""
        self._values.drop(key)

    async def wake(self, name: str) -> None:
        """Wake whoever waits for `name`."""
        self.bells.ring(name)

    def wakes(self, name: str) -> AsyncIterator[None]:
        """Yield when `name` was woken, from this moment on; many wakes at once are one."""
        return self.bells.wakes(name)


def window_number(clock: Clock, window_s: int) -> int:
    """Return which window of this length it is now, counted from the epoch."""
    return int(clock.now().timestamp() // window_s)
