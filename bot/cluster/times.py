"""Times as the API writes them (RFC 3339, up to nanoseconds) -> aware UTC datetimes; durations -> seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_SHAPE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DURATION = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,9})?)(?P<unit>h|ms|m|s|us|µs|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def parse_duration(text: str) -> float:
    """Return the seconds of a duration as Go writes it (`1m30.5s`); 0 where there is none."""
    found = list(_DURATION.finditer(text))
    if "".join(match[0] for match in found) != text:
        return 0.0
    return sum(float(match["number"]) * _SECONDS[match["unit"]] for match in found)


@lru_cache(maxsize=4096)
def parse_time(text: str | None) -> datetime | None:
    """Return the moment, or None where there is none.

    None are: null, what is not RFC 3339, the zero time of Go (year 1), and 1970-01-01, which the kubelet writes as
    `startedAt` of a container that never started.
    """
    if not text or _SHAPE.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > 1970 else None
