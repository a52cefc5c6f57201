"""Where things stand in a TOML text: the line of every key and of every value in an array.

`tomllib` reads values but keeps no places. This scanner does the opposite: it walks a text that `tomllib` has accepted,
keeps the places and skips the values, so it never has to judge whether the text is TOML.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}' r"|'''(?:[^']|'(?!''))*'{3,5}" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


class TomlSyntaxError(ValueError):
    """The text is not TOML; `line` counts from one."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


def parse_toml(text: str) -> tuple[dict[str, Any], Mapping[KeyPath, int]]:
    """Return the values and the line of each key path; an array's items are counted from 0. Raises `TomlSyntaxError`.

    A table that is only implied (`a` in `[a.b]`) has the line where it is first implied.
    """
    text = text.replace("\r\n", "\n")
    try:
        return tomllib.loads(text), _Scanner(text).scan()
    except tomllib.TOMLDecodeError as error:
        what, line = _syntax_fault(str(error), text)
        raise TomlSyntaxError(what, line) from error
    except RecursionError as error:
        raise TomlSyntaxError("nested too deeply", 1) from error


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a path, or of what is nearest above it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _syntax_fault(message: str, text: str) -> tuple[str, int]:
    """Take `tomllib`'s message apart: its words, and the line (the last one when the text ended too early)."""
    placed = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)\Z", message)
    what = message[: placed.start()] if placed else message
    declared = re.fullmatch(r"Cannot declare \((.*)\) twice", what)
    if declared:
        name = ".".join(re.findall(r"'([^']*)'", declared[1]))
        what = f"the table [{name}] stands here a second time"
    elif what == "Cannot overwrite a value":
        what = "this key has a value already"
    line = int(placed[1]) if placed and placed[1] else text.rstrip("\n").count("\n") + 1
    return what, line


class _Scanner:
    """Walks a valid TOML text once and keeps the line of each key path."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}

    def scan(self) -> Mapping[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self) -> KeyPath:
        """Read `[a.b]` or `[[a.b]]` and return the path of the table that it opens."""
        start = self._at
        brackets = 2 if self._text.startswith("[[", start) else 1
        self._at += brackets
        parts = self._dotted()
        self._at += brackets
        path: KeyPath = ()
        for part in parts[:-1]:
            path = self._last_item((*path, part))
        path = (*path, parts[-1])
        if brackets == 2:
            self._keep(path, start, explicit=False)
            self._counts[path] = self._counts.get(path, 0) + 1
            path = self._last_item(path)
        self._keep(path, start)
        return path

    def _last_item(self, path: KeyPath) -> KeyPath:
        """Return the path of the newest table where `path` is an array of tables, else the path itself."""
        count = self._counts.get(path)
        return path if count is None else (*path, count - 1)

    def _pair(self, table: KeyPath) -> None:
        """Read `key = value`."""
        start = self._at
        path = (*table, *self._dotted())
        self._keep(path, start)
        self._at += 1  # the sign of equality
        self._skip(_SPACE)
        self._value(path)

    def _dotted(self) -> tuple[str, ...]:
        """Read a key with its dots and the space around it."""
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            parts.append(_plain_key(self._skip(_KEY)))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        match self._text[self._at]:
            case "[":
                self._items(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_SCALAR)

    def _items(self, path: KeyPath) -> None:
        self._at += 1
        self._skip(_BLANK)
        index = 0
        while self._text[self._at] != "]":
            self._keep((*path, index), self._at)
            self._value((*path, index))
            index += 1
            self._past_comma()
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._text[self._at] != "}":
            self._pair(path)
            self._past_comma()
        self._at += 1

    def _past_comma(self) -> None:
        self._skip(_BLANK)
        if self._text[self._at] == ",":
            self._at += 1
            self._skip(_BLANK)

    def _skip(self, what: re.Pattern[str]) -> str:
        """Move past what the pattern matches here and return it."""
        match = what.match(self._text, self._at)
        if match is None:  # tomllib accepted the text, so this is a fault of the scanner
            raise TomlSyntaxError("cannot be read", self._line(self._at))
        self._at = match.end()
        return match[0]

    def _keep(self, path: KeyPath, at: int, *, explicit: bool = True) -> None:
        line = self._line(at)
        for length in range(1, len(path)):
            self._lines.setdefault(path[:length], line)
        if explicit:
            self._lines[path] = line
        else:
            self._lines.setdefault(path, line)

    def _line(self, at: int) -> int:
        return bisect_right(self._line_starts, at)


def _plain_key(written: str) -> str:
    """Return a key without its quotes; escapes are left to `tomllib`."""
    if written[0] not in "\"'":
        return written
    return next(iter(tomllib.loads(f"{written} = 0")))
