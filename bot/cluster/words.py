"""Cluster text into records: words are redacted, identifiers only cleaned.

Names, labels and images are identifiers: masking could make two of them equal or an image unreadable
(`registry/token:1.2`), so they only lose what could steer a terminal. Everything a program or a person may have written
freely is redacted. What many objects say alike (labels, images, types of conditions) is kept once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from bot.domain.objects import EMPTY
from bot.domain.text import NO_TEXT, Redacted
from bot.redaction import clean, redact

LONGEST = 4096
_SHORT = 64
_LOOKED_AT = 2 * LONGEST  # what is cut off before redaction lies well behind what is kept, so no secret is halved


def words(text: str | None) -> Redacted:
    """Redact a message and cut it to `LONGEST` characters."""
    if not text:
        return NO_TEXT
    seen = redact(text[:_LOOKED_AT])
    return seen if len(seen) <= LONGEST else Redacted(seen[: LONGEST - 1] + "…")


@lru_cache(maxsize=2048)
def _short_words(text: str) -> Redacted:
    return Redacted(sys.intern(redact(text)))


def word(text: str | None) -> Redacted:
    """Redact what is most often one word, the same in many objects: a reason."""
    if not text:
        return NO_TEXT
    return _short_words(text) if len(text) <= _SHORT else words(text)


def name(text: str | None) -> str:
    """Clean an identifier that one object has."""
    return clean(text) if text else ""


def shared(text: str | None) -> str:
    """Clean an identifier that many objects have; equal ones are one string in memory."""
    return sys.intern(clean(text)) if text else ""


def names(texts: Iterable[str]) -> tuple[str, ...]:
    """Clean identifiers."""
    return tuple(shared(text) for text in texts)


def labels(pairs: Mapping[str, str] | None) -> Mapping[str, str]:
    """Clean labels or a selector; equal ones are one map in memory."""
    return _labels(tuple(pairs.items())) if pairs else EMPTY


@lru_cache(maxsize=2048)
def _labels(pairs: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return MappingProxyType({shared(key): shared(value) for key, value in pairs})
