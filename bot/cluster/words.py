"""Cluster text into records: words are redacted, identifiers only cleaned.

Names, labels and images are identifiers: masking could make two of them equal or an image unreadable
(`registry/token:1.2`), so they only lose what could steer a terminal. Everything a program or a person may have written
freely is redacted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bot.domain.objects import EMPTY
from bot.domain.text import NO_TEXT, Redacted
from bot.redaction import clean, redact

LONGEST = 4096
_LOOKED_AT = 2 * LONGEST  # what is cut off before redaction lies well behind what is kept, so no secret is halved


def words(text: str | None) -> Redacted:
    """Redact a message and cut it to `LONGEST` characters."""
    if not text:
        return NO_TEXT
    seen = redact(text[:_LOOKED_AT])
    return seen if len(seen) <= LONGEST else Redacted(seen[: LONGEST - 1] + "…")


def name(text: str | None) -> str:
    """Clean an identifier."""
    return clean(text) if text else ""


def names(texts: Iterable[str]) -> tuple[str, ...]:
    """Clean identifiers."""
    return tuple(clean(text) for text in texts)


def labels(pairs: Mapping[str, str] | None) -> Mapping[str, str]:
    """Clean labels or a selector."""
    if not pairs:
        return EMPTY
    return MappingProxyType({clean(key): clean(value) for key, value in pairs.items()})
