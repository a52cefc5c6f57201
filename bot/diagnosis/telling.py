"""The line of a log that says most of why a program ended, where neither a known reason nor a trace is found."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.text import Redacted

_ERROR_WORDS = (
    "error", "exception", "fatal", "panic", "not set", "refused", "denied", "cannot", "can't", "could not", "failed",
    "missing", "no such", "not found", "invalid", "undefined", "unable", "in use",
)  # fmt: skip


def telling_line(lines: Sequence[Redacted]) -> Redacted | None:
    """Return the line of a crash's log that says most: the last that names an error, else the last one not blank."""
    filled = [line for line in lines if line.strip()]
    for line in reversed(filled[-30:]):
        lowered = line.lower()
        if any(word in lowered for word in _ERROR_WORDS):
            return line
    return filled[-1] if filled else None
