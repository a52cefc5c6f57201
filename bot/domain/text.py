"""Text that came from outside, marked by type.

`Redacted` is text whose secrets have been masked. Only `bot.redaction` makes it; every record that carries words of the
cluster (messages, log lines) asks for it, so unredacted text does not type-check its way in.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
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
