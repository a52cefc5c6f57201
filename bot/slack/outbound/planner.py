"""A view -> messages and files within every limit, nothing lost silently.

Long literal texts show their ends and become files. Whatever does not fit into the allowed number of messages goes into
a file of the whole answer (where files are possible), and a note says how much. Small print and buttons at the end of a
view stay at the end of the last message. The same view gives the same plan, so that a second try of a delivery can post
just the parts that are missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.charts import Chart
from bot.domain.view import Paragraph, View, line
from bot.slack.outbound import escape, limits
from bot.slack.outbound.excerpt import File, amount, bounded, make_file
from bot.slack.outbound.flatten import blocks_text, view_text
from bot.slack.outbound.pieces import WHOLE, Cutter, Piece, note_piece
from bot.slack.outbound.render import Json

_FRAME_WEIGHT = 100
_NOTE_WEIGHT = 500
_CLOSING_BLOCKS = 20
_EMPTY = "(nothing to show)"


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its blocks and the line that notifications and screen readers get, escaped.

    `charts` are what its image blocks show, in their order; see `pictures`.
    """

    text: str
    blocks: tuple[Json, ...]
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, in order: at least one message; files go into the thread after them."""

    messages: tuple[Message, ...]
    files: tuple[File, ...] = ()

    @property
    def several(self) -> bool:
        """Say whether this is more than one message."""
        return len(self.messages) > 1 or bool(self.files)


def plan_view(view: View, *, nonce: str, files_allowed: bool) -> Plan:
    """Lay a view out in messages. Block ids derive from `nonce`; give a new one whenever a message is replaced."""
    cutter = Cutter(files_allowed)
    pieces = cutter.cut(view) or cutter.cut(View(view.summary, (Paragraph((line(view.summary),)),)))
    most = limits.PUBLIC_MESSAGES if files_allowed else limits.PRIVATE_MESSAGES
    pages = _pack(pieces)
    fits = len(pages) <= most
    files = tuple(cutter.files)
    if files_allowed and (cutter.whole or not fits):
        content, left_out = bounded(view_text(view))
        files += (make_file(WHOLE, content, [file.filename for file in files]),)
        where = f"in the file {WHOLE}" + (f" ({left_out})" if left_out else "")
    else:
        where = "more: share the answer to get all of it as a file"
    if not fits:
        pages = _shortened(pieces, most, where)
    return Plan(tuple(_messages(view.summary, pages, nonce)), files)


def text_only(message: Message) -> Message:
    """Return the message without blocks, its words as text, for when blocks are refused."""
    words = blocks_text(message.blocks)
    room = limits.MESSAGE_TEXT - 200
    end = escape.prefix(words, room)
    note = f"\n… {amount(words[end:])} more could not be shown" if end < len(words) else ""
    return Message(escape.mrkdwn(words[:end] + note) or message.text, ())


def _pack(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Fill messages in order."""
    pages: list[list[Piece]] = [[]]
    used = _FRAME_WEIGHT
    for piece in pieces:
        weight = piece.weight
        page = pages[-1]
        if page and (len(page) == limits.MESSAGE_BLOCKS or used + weight > limits.ALL_BLOCKS):
            page, used = [], _FRAME_WEIGHT
            pages.append(page)
        page.append(piece)
        used += weight
    return pages


def _shortened(pieces: Sequence[Piece], most: int, where: str) -> list[list[Piece]]:
    """Keep the beginning and the closing rows; put a note in place of what lies between."""
    closing = _closing(pieces)
    body = pieces[: len(pieces) - len(closing)]
    room = limits.ALL_BLOCKS - _FRAME_WEIGHT - _NOTE_WEIGHT - sum(piece.weight for piece in closing)
    pages = _pack(body)[:most]
    last = pages[-1]
    while last and (sum(piece.weight for piece in last) > room or len(last) + len(closing) >= limits.MESSAGE_BLOCKS):
        last.pop()
    omitted = body[sum(map(len, pages)) :]
    note = note_piece(f"… {amount(blocks_text([piece.block for piece in omitted]))} {where}")
    return [*pages[:-1], [*last, note, *closing]]


def _closing(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Return the small print and the buttons at the end, as much as may stay."""
    start, weight = len(pieces), 0
    while start > 0 and pieces[start - 1].closing and len(pieces) - start < _CLOSING_BLOCKS:
        weight += pieces[start - 1].weight
        if weight > limits.TAIL_WEIGHT:
            break
        start -= 1
    return pieces[start:]


def _messages(summary: str, pages: Sequence[Sequence[Piece]], nonce: str) -> Iterator[Message]:
    fingerprint = hashlib.sha256(nonce.encode("utf-8", "replace")).hexdigest()[:12]
    for number, page in enumerate(pages, 1):
        blocks = tuple(
            {**piece.block, "block_id": f"{fingerprint}-{number}-{index}"} for index, piece in enumerate(page)
        )
        title = escape.one_line(summary) or escape.one_line(blocks_text(blocks)) or _EMPTY
        part = f" ({number} of {len(pages)})" if len(pages) > 1 else ""
        charts = tuple(piece.chart for piece in page if piece.chart is not None)
        yield Message(escape.mrkdwn(escape.cut(title, limits.SUMMARY) + part), blocks, charts)
