"""A view as text for a terminal: the same content in the same order as in chat, with colour where there is any.

Everything is cleaned once more here: whatever reaches a terminal must not be able to steer it.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import assert_never

from bot.domain.sparklines import sparklines
from bot.domain.view import (
    Block,
    Buttons,
    Code,
    Context,
    Fields,
    Headline,
    Item,
    Line,
    Mark,
    Mention,
    Paragraph,
    Picture,
    Table,
    View,
)
from bot.redaction import clean

_MARKS = {
    Mark.OK: ("✔", "32"),
    Mark.WARNING: ("▲", "33"),
    Mark.CRITICAL: ("✖", "31"),
    Mark.UNKNOWN: ("?", "35"),
    Mark.INFO: ("", "1"),
}


def as_json(view: View) -> str:
    """Return the view's data as JSON, one object; escapes everything that is not a printable character of ASCII."""
    return json.dumps(view.data, indent=2, sort_keys=False).replace("\x7f", "\\u007f")


class Terminal:
    """Renders views. `width` is in columns; `colour` switches the marks' and titles' escape codes on."""

    def __init__(self, *, width: int = 100, colour: bool = False) -> None:
        self._width = max(40, min(width, 120))
        self._colour = colour

    def text(self, view: View) -> str:
        """Return the whole view as text, without a trailing newline."""
        parts = ["\n".join(self._block(block)) for block in view.blocks]
        return "\n".join(part for part in parts if part).rstrip()

    def _block(self, block: Block) -> Iterable[str]:
        match block:
            case Headline():
                return self._headline(block)
            case Paragraph():
                return [row for line in block.lines for row in self._wrap(line)]
            case Item():
                return self._item(block)
            case Fields():
                return self._fields(block)
            case Table():
                return self._table(block)
            case Code():
                return [self._paint(f"   │ {clean(row)}", "2") for row in block.text.splitlines()]
            case Context():
                return ["", *(self._paint(row, "2") for line in block.lines for row in self._wrap(line))]
            case Buttons():
                return ()
            case Picture():
                return ["", *(clean(row) for row in sparklines(block.chart, width=self._width))]
            case _:
                assert_never(block)

    def _headline(self, block: Headline) -> list[str]:
        mark, colour = _MARKS[block.mark]
        return [self._paint(f"{mark} {clean(block.text)}".strip(), colour)]

    def _item(self, block: Item) -> list[str]:
        mark, colour = _MARKS[block.mark] if block.mark else ("", "1")
        title = f"{mark} {_plain(block.title)}".strip()
        note = f"  ({clean(block.note)})" if block.note else ""
        rows = ["", self._paint(title, colour) + note]
        return rows + [row for line in block.lines for row in self._wrap(line, indent="   ")]

    def _fields(self, block: Fields) -> list[str]:
        widest = max((len(clean(label)) for label, _ in block.pairs), default=0)
        return [f"{clean(label):<{widest}}  {clean(value)}" for label, value in block.pairs]

    def _table(self, block: Table) -> list[str]:
        rows = [tuple(clean(cell).replace("\n", " ") for cell in row) for row in (block.header, *block.rows)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(block.header))]
        return ["  ".join(f"{cell:<{widths[i]}}" for i, cell in enumerate(row)).rstrip() for row in rows]

    def _wrap(self, line: Line, indent: str = "") -> list[str]:
        text = _plain(line)
        if not text:
            return [""]
        return textwrap.wrap(
            text,
            self._width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,
        )

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and text else text


def _plain(line: Line) -> str:
    return clean("".join(part.plain if isinstance(part, Mention) else part.text for part in line))
