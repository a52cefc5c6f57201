"""How long: spans of time as people type them (`90s`, `30m`, `2h`, `3d`, `1w`)."""

from __future__ import annotations

import re
from datetime import timedelta

_SPAN = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parse_span(text: str) -> timedelta | None:
    """Return how long is meant, nothing and very long included; None when that is no whole number with a unit."""
    found = _SPAN.fullmatch(text.lower())
    return None if found is None else int(found["number"]) * _UNITS[found["unit"]]
