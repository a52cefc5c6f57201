"""Where the clock is read: round hours of the chart's own time zone. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.domain.charts import Chart

_MOST_TICKS: Final = 7
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS: Final = (
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 4, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 14, 30, 90, 365)),
)


def span_s(chart: Chart) -> float:
    """Return how many seconds a chart covers; at least one step."""
    return float(max(1, chart.step_s) * max(1, chart.steps))


def clock_ticks(chart: Chart) -> list[tuple[float, str]]:
    """Return places (seconds from the chart's beginning) and what the clock says there; at midnight the day.

    In a zone that changes its clock meanwhile the hours stay those that the clock shows.
    """
    span = span_s(chart)
    step = next((step for step in _STEPS if span / step <= _MOST_TICKS), _STEPS[-1])
    start = chart.starts_at.astimezone(chart.clock)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    # Wall clock time is counted without its zone, and put into the zone again where it is a moment.
    wall, found = midnight.replace(tzinfo=None), []
    for _ in range(int((span + 2 * _DAY) // step) + 2):
        moment = wall.replace(tzinfo=chart.clock)
        place = (moment - chart.starts_at).total_seconds()
        if 0 <= place <= span:
            found.append((place, _words(wall, step)))
        wall += timedelta(seconds=step)
    return found


def _words(wall: datetime, step: int) -> str:
    if step >= _DAY:
        return f"{wall:%-d %b}"
    return f"{wall:%a %-d}" if (wall.hour, wall.minute) == (0, 0) else f"{wall:%H:%M}"
