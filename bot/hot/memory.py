"""The in-process twin: counts of one process, for one replica and for the time that Redis is away."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.ports import Clock


@dataclass(slots=True)
class _Window:
    """The counts of one window."""

    number: int
    counts: dict[str, int] = field(default_factory=dict)


class MemoryRateLimiter:
    """Counts uses in fixed windows that begin at multiples of their length.

    Of each length only the present window is kept, so memory is bounded by the keys of one window.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[int, _Window] = {}

    async def allow(self, key: str, *, limit: int, window_s: int) -> bool:
        """Count one use of `key` in the present window; False when it is over `limit`."""
        number = window_number(self._clock, window_s)
        window = self._windows.get(window_s)
        if window is None or window.number != number:
            window = self._windows[window_s] = _Window(number)
        window.counts[key] = window.counts.get(key, 0) + 1
        return window.counts[key] <= limit


def window_number(clock: Clock, window_s: int) -> int:
    """Return which window of this length it is now, counted from the epoch."""
    return int(clock.now().timestamp() // window_s)
