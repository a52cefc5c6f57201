"""What a label may say.

A metric keeps one series for each combination of values for as long as the process lives, so words that come from
people, clusters or Slack must not become values without a bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

OTHER = "other"


class Known:
    """A closed list of words; any other word becomes `other`."""

    def __init__(self, words: Iterable[str], *, other: str = OTHER) -> None:
        self.words = tuple(dict.fromkeys(words))
        self._words = frozenset(self.words)
        self._other = other

    def value(self, word: str) -> str:
        """Return the word itself, or what stands for every word that is not in the list."""
        return word if word in self._words else self._other


class Capped:
    """Words that nobody can list beforehand: those of a shape, and of them the first `most`; the rest are `other`."""

    def __init__(self, shape: str, *, most: int) -> None:
        self._shape = re.compile(shape)
        self._most = most
        self._met: set[str] = set()

    def value(self, word: str) -> str:
        """Return the word itself while there is room for it."""
        if word in self._met:
            return word
        if len(self._met) >= self._most or self._shape.fullmatch(word) is None:
            return OTHER
        self._met.add(word)
        return word
