"""Words of targets, made fit to be shown; and numbers as people say them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.text import Redacted
from bot.redaction import MASK, redact

LONGEST_WORDS = 240
_LONGEST_READ = 8 * 1024
_SHORTEST_SECRET = 4  # a shorter one would mask letters everywhere, and masks of it would tell where it stands


def spoken(text: str, *, secrets: Iterable[str] = (), limit: int = LONGEST_WORDS) -> Redacted:
    """Mask secrets, put the text on one line and cut it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    line = " ".join(redact(text[:_LONGEST_READ]).split())
    return Redacted(line if len(line) <= limit else line[: limit - 1] + "…")


def lasting(seconds: float) -> str:
    """Say how long in its largest unit: `40 s`, `12 min`, `5 h`, `3 days`."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def sized(size: float) -> str:
    """Say a number of bytes: `3.2 GiB`."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def percent(part: float, whole: float) -> float:
    """Return a share in percent; 0 of nothing."""
    return 100.0 * part / whole if whole > 0 else 0.0
