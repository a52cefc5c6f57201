"""A view, or blocks, as plain lines: for the file that holds a whole answer and for the message without blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never

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
    Mention,
    Paragraph,
    Picture,
    Table,
    View,
)
from bot.redaction import clean
from bot.slack.outbound.render import Json, headline_text, item_lines, table_text

_WIDTH = 120


def view_text(view: View) -> str:
    """Return everything a view says, in its order."""
    number = 0
    parts = []
    for block in view.blocks:
        if isinstance(block, Item) and block.mark is None:
            number += 1
        text = "\n".join(_block_lines(block, number))
        if text.strip():
            parts.append(text)
    return "\n\n".join(parts)


def blocks_text(blocks: Sequence[Json]) -> str:
    """Return the words of blocks, a line for each block or row, for a message that is sent without them."""
    return "\n".join(filter(None, ("".join(_words(block)).strip("\n") for block in blocks)))


_SIGNS = {"user": "@", "channel": "#"}


def _block_lines(block: Block, number: int) -> Iterator[str]:
    match block:
        case Headline():
            yield headline_text(block)
        case Paragraph() | Context():
            yield from map(_line_text, block.lines)
        case Item():
            for leaves in item_lines(block, number):
                yield "".join(leaf.plain for leaf in leaves)
        case Fields():
            yield from (f"{clean(label)}: {clean(value)}" for label, value in block.pairs)
        case Table():
            yield table_text(block)
        case Code():
            yield clean(block.text)
        case Buttons():
            yield from (f"[{clean(button.label)}] {clean(button.command)}" for button in block.buttons)
        case Picture():
            yield from (clean(row) for row in (block.chart.alt, *sparklines(block.chart, width=_WIDTH)))
        case _:
            assert_never(block)


def _line_text(line: Line) -> str:
    return "".join(clean(part.plain) if isinstance(part, Mention) else clean(part.text) for part in line)


def _words(node: Any) -> Iterator[str]:
    """Walk a block; each text is a word, a person its id, the end of a section a line end."""
    if isinstance(node, list):
        for item in node:
            yield from _words(item)
    elif isinstance(node, Mapping):
        kind = node.get("type")
        if kind in _SIGNS:
            yield _SIGNS[kind] + node[f"{kind}_id"]
        elif kind == "mrkdwn":
            yield node["text"].strip("<>") + " "
        elif kind == "button":
            yield f"[{node['text']['text']}] "
        elif kind == "image":
            yield node["alt_text"]
        elif isinstance(node.get("text"), str):
            yield node["text"]
        else:
            yield from _words(node.get("text"))
            yield from _words(node.get("elements"))
            if kind in {"rich_text_section", "rich_text_preformatted", "context", "header"}:
                yield "\n"
