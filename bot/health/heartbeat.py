"""A pulse of the event loop: how long it did nothing else for one piece of work."""

from __future__ import annotations

import asyncio
import math
from collections import deque

from bot.cancellation import was_cancelled
from bot.health.metrics import PrometheusMeter

REMEMBERED_S = 60.0


class Heartbeat:
    """Sleeps `every_s` again and again and notes how much later than that it woke up.

    The loop is alive while it beats and no lag of the last `forgiven_s` was longer than `limit_s`. So a single long
    stall fails two probes that are ten seconds apart and no third; a loop that stalls again and again fails them all.
    """

    def __init__(
        self,
        meter: PrometheusMeter,
        *,
        every_s: float = 0.5,
        limit_s: float = 10.0,
        forgiven_s: float = 20.0,
    ) -> None:
        self._meter = meter
        self._every_s = every_s
        self._limit_s = limit_s
        self._forgiven_s = forgiven_s
        self._lags: deque[tuple[float, float]] = deque()
        self._beat_at = math.nan

    async def run(self) -> None:
        """Beat until cancelled. It measures real time, so no other clock will do."""
        time = asyncio.get_running_loop().time
        self._beat_at = time()
        while not was_cancelled():
            await asyncio.sleep(self._every_s)
            now = time()
            self._lags.append((now, self._late(now)))
            self._beat_at = now
            while self._lags[0][0] < now - REMEMBERED_S:
                self._lags.popleft()
            self._meter.lagged(max(lag for _, lag in self._lags))

    def trouble(self) -> str:
        """Say why the loop is not alive; empty while it is, and before its first beat."""
        if math.isnan(self._beat_at):
            return ""
        now = asyncio.get_running_loop().time()
        remembered = [lag for at, lag in self._lags if at >= now - self._forgiven_s]
        worst = max([*remembered, self._late(now)])
        return f"the event loop stood still for {worst:.1f} s" if worst > self._limit_s else ""

    def _late(self, now: float) -> float:
        return max(0.0, now - self._beat_at - self._every_s)
