"""The words of an error -> the codes of findings that may be meant. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from bot.diagnosis import Code, all_codes
from bot.diagnosis.crash_reasons import read
from bot.redaction import redact

MOST: Final = 4

# A program's last words stand at the end.
_MOST_LINES: Final = 500
_CAPITALS: Final = 2
_KINDS: Final = frozenset({"ReplicaSet", "StatefulSet", "DaemonSet"})
# Kubernetes' own words for reasons: at least two capitals, such as ImagePullBackOff or OOMKilled.
_REASON: Final = re.compile(r"\b[A-Z][A-Za-z]*[a-z][A-Za-z]*\b")
_QUOTED: Final = re.compile(r"`([^`]+)`")
_LEAST_QUOTED: Final = 8


def codes_in(text: str) -> tuple[str, ...]:
    """Return the names of the codes that a text speaks of, the likeliest first; at most four.

    Named codes come before reasons that Kubernetes gives, those before what a program said when it ended.
    """
    found = dict.fromkeys([*_named(text), *_reasons(text), *_last_words(text)])
    return tuple(found)[:MOST]


def _named(text: str) -> Iterator[str]:
    names = {code.name for code in all_codes()}
    words = re.findall(r"\b[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)+\b|\b[A-Z]{6,}\b", text)
    yield from (name for word in words if (name := word.replace("-", "_")) in names)


def _reasons(text: str) -> Iterator[str]:
    lowered = text.lower()
    scores: dict[str, float] = {}
    for code in all_codes():
        for sign in _signs(code):
            if sign.lower() in lowered:
                likeness = difflib.SequenceMatcher(None, sign.lower(), code.name.replace("_", "").lower()).ratio()
                scores[code.name] = max(scores.get(code.name, 0.0), likeness)
    best = max(scores.values(), default=0.0)
    # Many codes tell of one reason and part by something else; those whose name is far from it are a guess.
    yield from sorted((name for name, score in scores.items() if score >= best - 0.05), key=lambda name: -scores[name])


@cache
def _signs(code: Code) -> tuple[str, ...]:
    """Return the words by which a code is recognised literally."""
    words = set(_REASON.findall(code.recognised)) - _KINDS
    reasons = sorted(word for word in words if sum(map(str.isupper, word)) >= _CAPITALS)
    quoted = (part.strip() for text in _QUOTED.findall(code.recognised) for part in text.split("…"))
    return tuple(dict.fromkeys([*reasons, *(part for part in quoted if len(part) >= _LEAST_QUOTED)]))


def _last_words(text: str) -> Iterator[str]:
    names = {code.name for code in all_codes()}
    for line in reversed(text.splitlines()[-_MOST_LINES:]):
        reason = read(redact(line))
        name = f"CRASH_{reason.cause.name}" if reason is not None else ""
        if name in names:
            yield name
