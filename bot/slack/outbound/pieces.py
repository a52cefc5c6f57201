"""A view -> pieces that each fit into a message on their own, and the files that go with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from bot.domain.charts import Chart
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
from bot.slack.buttons import encode_button
from bot.slack.outbound import escape, limits, render
from bot.slack.outbound.excerpt import File, bounded, excerpt, make_file
from bot.slack.outbound.render import Json, Leaf, Leaves

WHOLE: Final = "answer.txt"
_BLOCK_ID_WEIGHT: Final = 48


@dataclass(frozen=True, slots=True)
class Piece:
    """A block that fits; `closing` for small print and buttons, which stay at the end of the last message.

    With a `chart` it is that chart's picture.
    """

    block: Json
    closing: bool = False
    chart: Chart | None = None

    @property
    def weight(self) -> int:
        """What it counts against the limit of all blocks, its block id included; a picture may have to be spelled."""
        heaviest = render.weight(self.block)
        if self.chart is not None:
            heaviest = max(heaviest, render.weight(render.spelled(self.chart)))
        return heaviest + _BLOCK_ID_WEIGHT


@dataclass(slots=True)
class Cutter:
    """Cuts the blocks of one view; gathers the files its long texts become.

    `whole` turns true when a text got no file of its own, so that the whole answer must become one.
    """

    files_allowed: bool
    files: list[File] = field(default_factory=list)
    whole: bool = False
    _number: int = 0
    _pictures: int = 0

    def cut(self, view: View) -> list[Piece]:
        """Return the pieces of a view in its order."""
        return [piece for block in view.blocks for piece in self._pieces(block)]

    def _pieces(self, block: Block) -> Iterator[Piece]:
        match block:
            case Headline():
                yield from _headline(block)
            case Paragraph():
                yield from _prose(map(render.line_leaves, block.lines))
            case Item():
                self._number += block.mark is None
                yield from _prose(render.item_lines(block, self._number))
            case Fields():
                yield from _prose(render.field_lines(block))
            case Table():
                yield from self._literal(render.table_text(block), "table.txt")
            case Code():
                yield from self._literal(clean(block.text), block.title)
            case Context():
                yield from _small_print(block)
            case Buttons():
                yield from _buttons(block)
            case Picture():
                yield self._picture(block.chart)
            case _:
                assert_never(block)

    def _picture(self, chart: Chart) -> Piece:
        """Show a picture; in characters where there can be no files, and beyond as many pictures as one answer has."""
        if not self.files_allowed or self._pictures >= limits.PICTURES:
            return Piece(render.spelled(chart))
        self._pictures += 1
        return Piece(render.image(chart), chart=chart)

    def _literal(self, text: str, title: str) -> Iterator[Piece]:
        """Show a text literally: whole when it is short, else its ends and the place where the rest is."""
        text = text.rstrip("\n")
        if escape.size(text) <= (limits.TEXT if self.files_allowed else limits.PRIVATE_CODE):
            for piece in escape.pieces(text):
                if piece.strip():
                    yield Piece(render.rich_text(render.preformatted(piece)))
            return
        ends = excerpt(text)
        note = f"… {ends.omitted} {self._where(text, title)}"
        parts = (
            *((render.preformatted(ends.head),) if ends.head.strip() else ()),
            render.section([Leaf(note, italic=True)]),
            *((render.preformatted(ends.tail),) if ends.tail.strip() else ()),
        )
        yield Piece(render.rich_text(*parts))

    def _where(self, text: str, title: str) -> str:
        """Make a file of a text and say where to find it; say so when there can be none."""
        if not self.files_allowed:
            return "more: share the answer to get all of it as a file"
        content, left_out = bounded(text)
        if len(self.files) >= limits.FILES - 1:
            self.whole = True
            return f"in the file {WHOLE}"
        file = make_file(title, content, [WHOLE, *(file.filename for file in self.files)])
        self.files.append(file)
        return f"in the file {file.title}" + (f" ({left_out})" if left_out else "")


def note_piece(text: str) -> Piece:
    """Return a remark of ours about what is not shown."""
    return Piece(render.rich_text(render.section([Leaf(text, italic=True)])))


def _headline(block: Headline) -> Iterator[Piece]:
    text = render.headline_text(block)
    if text and escape.size(text) <= limits.HEADER:
        yield Piece(render.header(text))
    elif text:
        yield from _prose([(Leaf(text, bold=True),)])


def _prose(lines: Iterable[Leaves], *, closing: bool = False) -> Iterator[Piece]:
    for chunk in _chunks(lines):
        yield Piece(render.rich_text(render.section(chunk)), closing=closing)


def _chunks(lines: Iterable[Leaves]) -> Iterator[list[Leaf]]:
    """Fill sections with whole lines; a line that is too long alone is cut."""
    chunk: list[Leaf] = []
    length = heavy = 0
    for leaves in lines:
        for part in _parts(leaves):
            part_length, part_weight = _measure((*part, Leaf("\n")))
            if chunk and (length + part_length > limits.TEXT or heavy + part_weight > limits.PIECE_WEIGHT):
                yield from _finished(chunk)
                chunk, length, heavy = [], 0, 0
            chunk += [*part, Leaf("\n")]
            length, heavy = length + part_length, heavy + part_weight
    yield from _finished(chunk)


def _parts(leaves: Leaves) -> Iterator[Leaves]:
    """Return a line, or its parts when it is too long."""
    part: list[Leaf] = []
    length = heavy = 0
    for leaf in leaves:
        for text in (leaf.text,) if leaf.user else escape.pieces(leaf.text, limits.TEXT - 1):
            one = replace(leaf, text=text)
            one_length, one_weight = _measure((one,))
            if part and (length + one_length > limits.TEXT - 1 or heavy + one_weight > limits.PIECE_WEIGHT - 100):
                yield tuple(part)
                part, length, heavy = [], 0, 0
            part.append(one)
            length, heavy = length + one_length, heavy + one_weight
    yield tuple(part)


def _measure(leaves: Leaves) -> tuple[int, int]:
    return (
        sum(escape.size(leaf.text) for leaf in leaves),
        sum(render.weight(render.leaf_element(leaf)) + 1 for leaf in leaves),
    )


def _finished(chunk: Sequence[Leaf]) -> Iterator[list[Leaf]]:
    """Return a section's leaves, joined where the style is the same, without blank lines at its ends."""
    joined: list[Leaf] = []
    for leaf in chunk:
        last = joined[-1] if joined else Leaf("", user=True)
        same = (leaf.bold, leaf.italic, leaf.code) == (last.bold, last.italic, last.code)
        if same and not leaf.user and not last.user:
            joined[-1] = Leaf(last.text + leaf.text, bold=leaf.bold, italic=leaf.italic, code=leaf.code)
        else:
            joined.append(leaf)
    while joined and not joined[-1].user and not joined[-1].text.strip():
        joined.pop()
    if not joined:
        return
    if not joined[-1].user:
        last = joined[-1]
        joined[-1] = Leaf(last.text.rstrip("\n"), bold=last.bold, italic=last.italic, code=last.code)
    first = joined[0]
    if not first.user and not first.text.lstrip("\n"):
        joined = joined[1:]
    if any(leaf.user or leaf.text.strip() for leaf in joined):
        yield joined


def _small_print(block: Context) -> Iterator[Piece]:
    """Plain text, all lines in one; a line that names a person gets a row of its own, since a person needs markup."""
    quiet: list[str] = []
    for line in block.lines:
        if not any(isinstance(part, Mention) for part in line):
            quiet.append("".join(leaf.text for leaf in render.line_leaves(line)))
            continue
        yield from _quiet_rows(quiet)
        quiet = []
        elements = list(_line_elements(line))
        if 0 < len(elements) <= limits.CONTEXT_ELEMENTS and render.weight(elements) <= limits.PIECE_WEIGHT:
            yield Piece(render.context(elements), closing=True)
        else:
            yield from _prose([render.line_leaves(line)], closing=True)
    yield from _quiet_rows(quiet)


def _quiet_rows(lines: Sequence[str]) -> Iterator[Piece]:
    for piece in escape.pieces("\n".join(lines).strip("\n")):
        if piece.strip():
            yield Piece(render.context([render.plain_text(piece)]), closing=True)


def _line_elements(line: Line) -> Iterator[Json]:
    text = ""
    for leaf in (*render.line_leaves(line), None):
        if leaf is not None and not leaf.user:
            text += leaf.text
            continue
        yield from (render.plain_text(piece) for piece in escape.pieces(text) if piece.strip())
        text = ""
        if leaf is not None:
            yield render.mention(leaf)


def _buttons(block: Buttons) -> Iterator[Piece]:
    """Return rows of buttons; a command that no button can carry is shown to be typed."""
    row: list[Json] = []
    typed: list[Leaves] = []
    for one in block.buttons:
        label = escape.one_line(one.label) or escape.one_line(one.command) or escape.ELLIPSIS
        value = encode_button(one.command, replaces=one.replaces, asks=one.asks)
        if value is None:
            more = f" {escape.ELLIPSIS}" if one.asks else ""
            typed.append((Leaf(f"{label}: "), Leaf((clean(one.command) or escape.ELLIPSIS) + more, code=True)))
            continue
        shown = render.button(escape.cut(label, limits.BUTTON_LABEL), value, one.style, one.confirm)
        if len(row) == limits.ACTIONS_ELEMENTS or render.weight([*row, shown]) > limits.PIECE_WEIGHT:
            yield Piece(render.actions(row), closing=True)
            row = []
        row.append(shown)
    if row:
        yield Piece(render.actions(row), closing=True)
    yield from _prose(typed, closing=True)
