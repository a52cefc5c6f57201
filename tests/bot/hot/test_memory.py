"""The twin does not grow."""

from __future__ import annotations

from typing import Protocol

from bot.hot.memory import MemoryRateLimiter
from bot.ports import Clock


class MovableClock(Clock, Protocol):
    def advance(self, seconds: float) -> None: ...


async def test_only_the_present_window_is_kept(clock: MovableClock) -> None:
    """Keys of windows that are over are dropped at once."""
    limiter = MemoryRateLimiter(clock)
    for hour in range(50):
        for person in range(20):
            await limiter.allow(f"U{hour}-{person}", limit=1, window_s=60)
        clock.advance(3600)

    assert [len(window.counts) for window in limiter._windows.values()] == [20]
