"""Neutral blocks -> leaves and Block Kit dictionaries: how each piece looks. No limits here; the planner owns those.

Prose is rich text, whose leaves are data; logs, differences and tables are preformatted rich text, which phones show
best; small print and headlines are plain text with emoji names switched off. No input ever stands in markup.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.charts import Chart
from bot.domain.sparklines import sparklines
from bot.domain.view import ButtonStyle, Confirm, Fields, Headline, Item, Line, Mark, Mention, Table
from bot.slack.buttons import ACTION_PREFIX
from bot.slack.outbound import escape, limits

Json = dict[str, Any]

MARKS: Final[Mapping[Mark, str]] = {
    Mark.OK: "✔",
    Mark.WARNING: "⚠",
    Mark.CRITICAL: "✖",
    Mark.UNKNOWN: "❔",
    Mark.INFO: "",
}
# Stands where a picture's file will be named; no file has this name, so a message with it is refused.
NO_FILE: Final = "F00000000000"
_USER_ID: Final = re.compile(r"[UW][A-Z0-9]{2,30}")
_CHANNEL_ID: Final = re.compile(r"[CG][A-Z0-9]{2,30}")
_WIDEST_COLUMN: Final = 40


@dataclass(frozen=True, slots=True)
class Leaf:
    """A run of text in one style, or who is meant (`user`; `channel` when that is one), of a rich-text section."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    user: bool = False
    channel: bool = False

    @property
    def plain(self) -> str:
        """How it reads without markup: an id with its sign, else the text."""
        sign = "#" if self.channel else "@" if self.user else ""
        return f"{sign}{self.text}"


Leaves = tuple[Leaf, ...]


def line_leaves(line: Line, *, bold: bool = False) -> Leaves:
    """Return a line of a view as leaves; a person or a channel whose id is not one is shown as text."""
    leaves = []
    for part in line:
        if not isinstance(part, Mention):
            leaves.append(Leaf(escape.leaf(part.text), bold=bold or part.bold, code=part.code))
        elif (_CHANNEL_ID if part.is_channel else _USER_ID).fullmatch(part.user_id):
            leaves.append(Leaf(part.user_id, user=True, channel=part.is_channel))
        else:
            leaves.append(Leaf(escape.leaf(part.plain)))
    return tuple(leaf for leaf in leaves if leaf.text)


def headline_text(headline: Headline) -> str:
    """Return the verdict with its mark in front; empty when there is no verdict."""
    text = escape.one_line(headline.text)
    mark = MARKS[headline.mark]
    return f"{mark} {text}" if mark and text else text


def item_lines(item: Item, number: int) -> Iterator[Leaves]:
    """Return an entry's lines: mark or number, title and note, then what stands below."""
    note = escape.one_line(item.note)
    lead = str(number) if item.mark is None else MARKS[item.mark]
    yield (
        *((Leaf(f"{lead}  "),) if lead else ()),
        *line_leaves(item.title, bold=True),
        *((Leaf(f"  ·  {note}"),) if note else ()),
    )
    yield from map(line_leaves, item.lines)


def field_lines(fields: Fields) -> Iterator[Leaves]:
    """Return one line for each pair, the label bold."""
    for label, value in fields.pairs:
        yield tuple(
            leaf for leaf in (Leaf(escape.leaf(label), bold=True), Leaf("  "), Leaf(escape.leaf(value))) if leaf.text
        )


def table_text(table: Table) -> str:
    """Return a table in aligned columns; a cell wider than the widest column pushes its row, nothing is cut."""
    rows = [[escape.one_line(cell) for cell in row] for row in (table.header, *table.rows)]
    columns = max(map(len, rows))
    widths = [
        max(
            (width(row[column]) for row in rows if column < len(row) and width(row[column]) <= _WIDEST_COLUMN),
            default=0,
        )
        for column in range(columns)
    ]
    return "\n".join("  ".join(map(_padded, row, widths)).rstrip() for row in rows)


def width(text: str) -> int:
    """Return how many columns a text takes in a fixed-width font."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _padded(cell: str, columns: int) -> str:
    return cell + " " * (columns - width(cell))


# --- dictionaries -----------------------------------------------------------------------------------------------------


def header(text: str) -> Json:
    """Return a header block."""
    return {"type": "header", "text": plain_text(text)}


def plain_text(text: str) -> Json:
    """Return a plain_text object; names between colons stay text."""
    return {"type": "plain_text", "text": escape.plain(text), "emoji": False}


def section(leaves: Iterable[Leaf]) -> Json:
    """Return a rich-text section, an element of `rich_text`."""
    return {"type": "rich_text_section", "elements": [leaf_element(leaf) for leaf in leaves]}


def preformatted(text: str) -> Json:
    """Return preformatted text, an element of `rich_text`."""
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": escape.preformatted(text)}]}


def rich_text(*elements: Json) -> Json:
    """Return a rich_text block."""
    return {"type": "rich_text", "elements": list(elements)}


def context(elements: Sequence[Json]) -> Json:
    """Return a row of small print."""
    return {"type": "context", "elements": list(elements)}


def mention(leaf: Leaf) -> Json:
    """Return a mention for small print; the only markup we ever write, and it holds a checked id alone."""
    return {"type": "mrkdwn", "text": f"<{leaf.plain}>", "verbatim": True}


def image(chart: Chart) -> Json:
    """Return a picture's block, its words for those who do not see it; its file's id is filled in once there is one."""
    alt = escape.one_line(chart.alt) or escape.one_line(chart.title) or "a picture"
    return {"type": "image", "slack_file": {"id": NO_FILE}, "alt_text": escape.cut(alt, limits.IMAGE_ALT)}


def spelled(chart: Chart) -> Json:
    """Return a picture in characters, as preformatted text."""
    text = escape.plain("\n".join(sparklines(chart, width=limits.SPARKLINES)))
    return rich_text(preformatted(escape.cut(text.rstrip("\n"), limits.TEXT)))


def actions(buttons: Sequence[Json]) -> Json:
    """Return a row of buttons, their action ids unique in the row."""
    numbered = [{**button, "action_id": f"{ACTION_PREFIX}{index}"} for index, button in enumerate(buttons)]
    return {"type": "actions", "elements": numbered}


def button(label: str, value: str, style: ButtonStyle, question: Confirm | None = None) -> Json:
    """Return a button; its action id is set by the row. The platform asks `question` before it tells of a press."""
    shown: Json = {"type": "button", "text": plain_text(label), "value": value}
    if style is not ButtonStyle.DEFAULT:
        shown["style"] = style.value
    if question is not None:
        shown["confirm"] = confirm(question, label, style)
    return shown


def confirm(question: Confirm, label: str, style: ButtonStyle) -> Json:
    """Return what the platform asks before a press counts, each part cut to its limit; `label` stands for no words."""
    shown: Json = {
        "title": plain_text(escape.cut(escape.one_line(question.title) or label, limits.CONFIRM_TITLE)),
        "text": plain_text(escape.cut(escape.plain(question.text).strip() or label, limits.CONFIRM_TEXT)),
        "confirm": plain_text(escape.cut(escape.one_line(question.yes) or label, limits.CONFIRM_BUTTON)),
        "deny": plain_text("Back"),
    }
    if style is ButtonStyle.DANGER:
        shown["style"] = style.value
    return shown


def leaf_element(leaf: Leaf) -> Json:
    """Return a leaf of a rich-text section."""
    if leaf.channel:
        return {"type": "channel", "channel_id": leaf.text}
    if leaf.user:
        return {"type": "user", "user_id": leaf.text}
    style = {name: True for name in ("bold", "italic", "code") if getattr(leaf, name)}
    return {"type": "text", "text": leaf.text, **({"style": style} if style else {})}


def weight(value: object) -> int:
    """Return what a piece counts against the limit of all blocks: its JSON, escaped; the strictest reading."""
    return escape.size(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
