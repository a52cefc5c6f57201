"""Text of any origin -> text that the platform shows literally: one function for each kind of place, and the scissors.

Whether the platform decodes entities in plain text and in rich-text leaves is not documented; should it turn out that
it does, `plain`, `leaf` or `preformatted` change by one line. Lengths always count as if it did.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from bot.redaction import clean
from bot.slack.markup import escaped
from bot.slack.outbound import limits

ELLIPSIS = "…"
_LONGEST_CLUSTER = 32  # how far a cut moves back to keep combining marks with their letter


def mrkdwn(text: str) -> str:
    """Escape for places that read markup: mentions, links and dates cannot be formed."""
    return escaped(text)


def plain(text: str) -> str:
    """Prepare for a plain_text object."""
    return clean(text)


def leaf(text: str) -> str:
    """Prepare for a text leaf of rich text, which is data and never markup."""
    return clean(text)


def preformatted(text: str) -> str:
    """Prepare for a preformatted leaf."""
    return clean(text)


def units(text: str) -> int:
    """Return the larger of code points and UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def size(text: str) -> int:
    """Return the length that counts against a limit: that of the escaped text."""
    return units(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


def prefix(text: str, limit: int) -> int:
    """Return how many characters from the start fit into `limit`, combining marks kept with their letter."""
    end = _fitting(text[:limit], limit)
    if end >= len(text):
        return end
    moved = end
    while moved > max(0, end - _LONGEST_CLUSTER) and _joins(text[moved]):
        moved -= 1
    return moved if moved > 0 and not _joins(text[moved]) else end


def suffix(text: str, limit: int) -> int:
    """Return where the longest ending that fits into `limit` starts."""
    start = len(text) - _fitting(text[-limit:][::-1] if limit else "", limit)
    moved = start
    while moved < min(len(text), start + _LONGEST_CLUSTER) and _joins(text[moved]):
        moved += 1
    return moved


def cut(text: str, limit: int) -> str:
    """Return the text, or its beginning with an ellipsis when it is longer than `limit`."""
    if size(text) <= limit:
        return text
    return text[: prefix(text, limit - 1)] + ELLIPSIS


def pieces(text: str, limit: int = limits.TEXT) -> Iterator[str]:
    """Split at line ends, else at spaces, else anywhere; a line end or nothing is dropped between two pieces."""
    start = 0
    while start < len(text):
        window = text[start : start + limit + 1]
        end = prefix(window, limit)
        if end >= len(window):
            yield window
            return
        line_end = window.rfind("\n", 1, end + 1)
        space = window.rfind(" ", end // 2, end)
        if line_end > 0:
            yield window[:line_end]
            start += line_end + 1
        else:
            end = space + 1 if space > 0 else end
            yield window[:end]
            start += end


def one_line(text: str) -> str:
    """Clean a text and fold its line ends into spaces."""
    return clean(text).replace("\n", " ").strip()


def _fitting(window: str, limit: int) -> int:
    if size(window) <= limit:
        return len(window)
    used = 0
    for index, character in enumerate(window):
        used += size(character)
        if used > limit:
            return index
    return len(window)


def _joins(character: str) -> bool:
    """Say whether a character belongs to the one before it."""
    return character > "\u02ff" and (
        unicodedata.combining(character) != 0
        or unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
