"""Times as the API writes them (RFC 3339, up to nanoseconds) -> aware UTC datetimes, to the microsecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SHAPE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


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
