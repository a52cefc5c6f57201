"""A long text -> what a message shows of it, and what a file holds of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bot.redaction import clean
from bot.slack.outbound import escape, limits

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._]+")
_LONGEST_STEM: Final = 80


@dataclass(frozen=True, slots=True)
class File:
    """A text that goes into the thread as a file. `title` is the name that people see."""

    filename: str
    title: str
    content: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning and the end of a text, and how much lies between, in words."""

    head: str
    tail: str
    omitted: str


def excerpt(text: str) -> Excerpt:
    """Return head and tail, whole lines where lines are short enough."""
    head_end = escape.prefix(text, limits.HEAD_TEXT)
    line_end = text.rfind("\n", 1, head_end + 1)
    if line_end > 0:
        head_end = _nth_line_end(text[:line_end], limits.HEAD_LINES)
    tail_start = max(escape.suffix(text, limits.TAIL_TEXT), head_end)
    next_line = text.find("\n", tail_start, len(text) - 1)
    if next_line >= 0:
        tail_start = next_line + 1
        ending = text[tail_start:].split("\n")
        tail_start += sum(len(line) + 1 for line in ending[: -limits.TAIL_LINES])
    return Excerpt(text[:head_end], text[tail_start:], amount(text[head_end:tail_start]))


def amount(text: str) -> str:
    """Say how much a text is: in lines, or in characters when it is part of one line."""
    lines = text.strip("\n").count("\n") + 1
    if lines > 1:
        return f"{lines:,} lines"
    return f"{len(text):,} characters"


def bounded(text: str) -> tuple[str, str]:
    """Return what of a text fits into one snippet, and a note on what was left out (empty when nothing was)."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limits.SNIPPET_BYTES:
        return text, ""
    half = limits.SNIPPET_BYTES // 2 - 200
    head = data[:half].decode("utf-8", "ignore")
    tail = data[-half:].decode("utf-8", "ignore")
    left_out = f"{len(data) - 2 * half:,} of {len(data):,} bytes"
    return f"{head}\n\n… {left_out} left out here …\n\n{tail}", f"{left_out} left out in its middle"


def make_file(title: str, content: str, taken: Collection[str]) -> File:
    """Return a file with a harmless name made from `title`, different from those `taken`."""
    stem, dot, extension = _NOT_IN_NAMES.sub("-", clean(title)).strip("-.").rpartition(".")
    if not dot or not stem or not 1 <= len(extension) <= 5:
        stem, extension = (stem + dot + extension) or "output", "txt"
    stem = stem[:_LONGEST_STEM]
    name, copy = f"{stem}.{extension}", 2
    while name in taken:
        name, copy = f"{stem}-{copy}.{extension}", copy + 1
    return File(filename=name, title=name, content=content)


def _nth_line_end(text: str, lines: int) -> int:
    end = -1
    for _ in range(lines):
        found = text.find("\n", end + 1)
        if found < 0:
            return len(text)
        end = found
    return end
