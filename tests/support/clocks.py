"""Clocks for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class WallClock:
    """The real time; a `Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SteppedClock:
    """A time that moves only when told, or when somebody sleeps; it keeps the list of sleeps. A `Clock`."""

    def __init__(self, start: datetime = datetime(2026, 11, 24, 22, tzinfo=UTC)) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    def step(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.step(seconds)
        await asyncio.sleep(0)


class ShiftedClock:
    """The real time, moved by as much as a test says; it lets nobody sleep longer than `longest_s`. A `Clock`."""

    def __init__(self, *, longest_s: float = 0.3) -> None:
        self._longest_s = longest_s
        self._shift = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def shift(self, seconds: float) -> None:
        self._shift += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, self._longest_s))


@contextmanager
def leaping_loop() -> Iterator[Callable[[float], None]]:
    """Yield what lets the running event loop's own time leap by seconds, as if the loop had stood still for so long."""
    loop, leapt = asyncio.get_running_loop(), 0.0
    real = loop.time

    def leap(seconds: float) -> None:
        nonlocal leapt
        leapt += seconds

    loop.time = lambda: real() + leapt  # type: ignore[method-assign]
    try:
        yield leap
    finally:
        loop.time = real  # type: ignore[method-assign]
