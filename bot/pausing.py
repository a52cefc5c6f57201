"""For how long something is to be quiet, and why, as people type it behind `silence` and `schedule pause`. Pure."""

from __future__ import annotations

import shlex
from datetime import timedelta

from bot.domain.durations import parse_span
from bot.domain.text import Redacted, first_line
from bot.errors import UsageError
from bot.redaction import redact

LONGEST_WHY = 200


def span_of(text: str, longest: timedelta, *, such_as: str) -> timedelta:
    """Return the span that `--for` was given. Raises `UsageError` with what it takes when it is none or too long."""
    span = parse_span(text)
    if span is None or not timedelta() < span <= longest:
        raise UsageError(f'--for takes a span such as {such_as}, not "{text}".')
    return span


def why_of(text: str, *, usage: str) -> Redacted:
    """Return the reason on one line. Raises `UsageError` for an option behind it, no part of it."""
    words = _words(text)
    if any(word == "--for" or word.startswith("--for=") for word in words):
        raise UsageError(f"--for stands before the reason: {usage}.")
    return redact(first_line(" ".join(words), LONGEST_WHY))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
