"""The bytes of a log -> lines, each with its time, bounded and redacted. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.cluster.times import parse_time
from bot.domain.snapshot import LogLine, LogRead
from bot.domain.text import Redacted
from bot.redaction import MASK, clean, redact, redact_counted

LONGEST_LINE = 2_000
GONE = "the container of that run was removed, and its log with it"

_GONE = "unable to retrieve container logs for "
_STAMP = re.compile(r"(?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})) ")

Stamped = tuple[datetime | None, str]


def read_of(body: bytes, lines: int, *, problem: str = "") -> LogRead:
    """Turn the bytes of a log into its last lines, each at most `LONGEST_LINE` characters long.

    The server puts a time before each line when it is asked to; a line without one keeps all its words.
    """
    text = body.decode("utf-8", "replace")
    if text.startswith(_GONE) and text.count("\n") <= 1:
        return LogRead(problem=GONE)
    raw = text.split("\n")
    if not raw[-1]:
        raw.pop()
    # Cut well behind what will be kept, then redact all lines at once: a private key spans several.
    stamped = [piece for line in raw[-lines:] for piece in _pieces(line[: 4 * LONGEST_LINE])]
    redacted, masked = redact_counted("\n".join(words for _, words in stamped))
    kept = redacted.split("\n") if stamped else []
    times = [at for at, _ in stamped] if len(kept) == len(stamped) else _times(stamped, kept)
    told = tuple(LogLine(at, _shorten(line)) for at, line in zip(times, kept, strict=True))
    return LogRead(told[-lines:], problem, masked)


def masks(lines: Sequence[LogLine]) -> int:
    """Count the secrets that were masked in some lines."""
    return sum(line.text.count(MASK) for line in lines)


def _pieces(line: str) -> list[Stamped]:
    """Split off the time; what cleaning breaks into several lines has a time on the first only."""
    stamp = _STAMP.match(line)
    at = parse_time(stamp["at"]) if stamp is not None else None
    first, *rest = clean(line[stamp.end() :] if stamp is not None and at is not None else line).split("\n")
    return [(at, first), *((None, piece) for piece in rest)]


def _times(stamped: Sequence[Stamped], kept: Sequence[str]) -> list[datetime | None]:
    """Find the times of redacted lines where masking has joined several into one: each has that of its first."""
    times: list[datetime | None] = []
    place, joined = 0, len(stamped) - len(kept)
    for number, line in enumerate(kept):
        times.append(stamped[place][0])
        place += 1
        following = kept[number + 1] if number + 1 < len(kept) else None
        while joined > 0 and MASK in line and (following is None or redact(stamped[place][1]) != following):
            place += 1
            joined -= 1
    return times


def _shorten(line: str) -> Redacted:
    return Redacted(line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…")
