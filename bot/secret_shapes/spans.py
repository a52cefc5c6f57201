"""Where secrets stand in a text, and what stands there once they are masked."""

from __future__ import annotations

from collections.abc import Iterable

MASK = "[masked]"

# Where it begins, and where the next letter stands.
Span = tuple[int, int]


def merged(spans: list[Span]) -> list[Span]:
    """Join what touches; `spans` are in order, one at least."""
    whole = [spans[0]]
    for start, end in spans[1:]:
        if start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole


def any_in(words: Iterable[str], text: str) -> bool:
    """Tell whether one of the words is in the text."""
    return any(word in text for word in words)
