"""Text that came from outside, marked by type.

`Redacted` is text whose secrets have been masked. Only `bot.redaction` makes it; every record that carries words of the
cluster (messages, log lines) asks for it, so unredacted text does not type-check its way in.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NewType

Redacted = NewType("Redacted", str)

NO_TEXT = Redacted("")


def first_line(text: str, limit: int = 200) -> str:
    """Return the first line that is not blank, cut to `limit` characters with an ellipsis."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def suggest(word: str, known: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """Return the known words nearest to `word`, nearest first."""
    known = sorted(set(known))
    starts = [candidate for candidate in known if word and candidate.startswith(word.lower())]
    close = difflib.get_close_matches(word.lower(), known, n=most, cutoff=0.6)
    return tuple(dict.fromkeys([*close, *starts]))[:most]


def listed(words: Sequence[str], most: int | None = None) -> str:
    """Join words as people do: `a, b and c`; with more than `most` of them `a, b and 3 more`."""
    return _joined(words, " and ") if most is None or len(words) <= most else in_short(words, most)


def in_short(words: Sequence[str], most: int) -> str:
    """Join the first words by commas, and count the others: `a, b`; `a, b and 3 more`."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")


def either(words: Sequence[str]) -> str:
    """Join words as people do: `a, b or c`."""
    return _joined(words, " or ")


def _joined(words: Sequence[str], last: str) -> str:
    return last.join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def count(number: int, word: str, plural: str = "") -> str:
    """Say a number with its word: `1 pod`, `3 pods`."""
    return f"{number} {word}" if number == 1 else f"{number} {plural or word + 's'}"
