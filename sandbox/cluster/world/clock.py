"""The time of the simulated cluster: it moves only when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache


class WorldClock:
    """Tell an adjustable time. ``start`` is the present that a scenario tells its history up to."""

    def __init__(self, start: datetime) -> None:
        self._start = start.astimezone(UTC).replace(microsecond=0)
        self._seconds = self._start.timestamp()

    @property
    def start(self) -> datetime:
        """The time that was given when the clock was made."""
        return self._start

    @property
    def seconds(self) -> float:
        """The time as POSIX seconds."""
        return self._seconds

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(self._seconds, UTC)

    def advance(self, seconds: float) -> None:
        """Move the time forward."""
        if seconds < 0:
            raise ValueError("time does not run backwards; rewind before anything has happened")
        self._seconds += seconds

    def advance_to(self, seconds: float) -> None:
        """Move the time forward to a moment in POSIX seconds; an earlier one changes nothing."""
        self._seconds = max(self._seconds, seconds)

    def rewind(self, span: timedelta) -> None:
        """Go back, to let a history happen first; only sensible while the world is still empty."""
        self._seconds -= span.total_seconds()


def stamp(seconds: float) -> str:
    """Write a time as the API writes metadata: whole seconds."""
    return _stamp(int(seconds))


@lru_cache(maxsize=256)  # every controller writes the same moment down, over and over
def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fine_stamp(seconds: float) -> str:
    """Write a time as the API writes a MicroTime."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> float:
    """Read a time of the API as POSIX seconds."""
    return datetime.fromisoformat(text).timestamp()
