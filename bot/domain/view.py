"""An answer in neutral blocks, written once; Slack and the terminal differ only in marks.

Text in a view is plain: whoever renders it escapes it. Words of the cluster need no care here, and markup in them stays
text. A `Button` carries a command line, so a click runs through the same parser and the same rights as a typed one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from bot.domain.charts import Chart


class Mark(StrEnum):
    """A status mark; the word next to it carries the meaning, the mark only helps the eye."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text. `code` for names and commands, `bold` for what the eye should find."""

    text: str
    bold: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """A person, or a channel, by id, from a platform payload or the configuration, never from text."""

    user_id: str
    is_channel: bool = False

    @property
    def plain(self) -> str:
        """What stands for it where nothing makes a name of an id."""
        return f"{'#' if self.is_channel else '@'}{self.user_id}"


Line = tuple[Span | Mention, ...]


def line(*parts: str | Span | Mention) -> Line:
    """Build a line from strings and spans."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def mention_channel(channel_id: str) -> Mention:
    """Name a channel: by what people call it, where the platform knows."""
    return Mention(channel_id, is_channel=True)


def bold(text: str) -> Span:
    """Mark text to be found by the eye."""
    return Span(text, bold=True)


def code(text: str) -> Span:
    """Mark a name or a command."""
    return Span(text, code=True)


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict: first, one line."""

    text: str
    mark: Mark = Mark.INFO


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of prose; an empty tuple in `lines` is a blank line."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A numbered or marked entry with a title line, a right-hand note, and lines below it."""

    title: Line
    note: str = ""
    mark: Mark | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """Pairs of label and value."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A small table; every row has as many cells as `header`."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text: logs, differences. Shown literally. `title` becomes the file's name when it must be a file."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Where, how fresh, who sees it: the small print at the end."""

    lines: tuple[Line, ...]


class ButtonStyle(StrEnum):
    """How loud a button is."""

    DEFAULT = "default"
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Confirm:
    """A question that is asked before a button counts: what would happen, and the words of yes."""

    title: str
    text: str
    yes: str


@dataclass(frozen=True, slots=True)
class Button:
    """A button that runs `command` (a command line without the bot's name) as the person who presses it.

    `asks` is what the person is asked for in a dialog first (`Why do you deny it?`); the answer is the command's last
    words. `confirm` is asked on the spot.
    """

    label: str
    command: str
    style: ButtonStyle = ButtonStyle.DEFAULT
    replaces: bool = False
    asks: str = ""
    confirm: Confirm | None = None


@dataclass(frozen=True, slots=True)
class Buttons:
    """A row of buttons."""

    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Figures over time: an image in chat, a few characters at a terminal."""

    chart: Chart


Block = Headline | Paragraph | Item | Fields | Table | Code | Context | Buttons | Picture


@dataclass(frozen=True, slots=True)
class View:
    """A whole answer. `summary` is one line of plain text for notifications and screen readers.

    `data` is the same content for programs (`--output json`), and `exit_code` what a script gets to see.
    """

    summary: str
    blocks: tuple[Block, ...]
    data: object = None
    exit_code: int = 0


# What a text may be when it is kept to be posted. It is about as much as the chat platform takes as one snippet.
LONGEST_POSTED = 1_000_000


def posted(view: View, *, longest: int = LONGEST_POSTED) -> View:
    """Return an answer as it is kept to be posted: without the data for programs, and preformatted texts bounded.

    What is left out of a text is its beginning, whole lines where it has them: the end of a log is its newest part.
    """
    blocks = tuple(part for block in view.blocks for part in _bounded(block, longest))
    return replace(view, blocks=blocks, data=None)


def _bounded(block: Block, longest: int) -> tuple[Block, ...]:
    if not isinstance(block, Code) or len(block.text) <= longest:
        return (block,)
    start = len(block.text) - longest
    # The first line that is whole; a text without one is cut within its line.
    line_end = block.text.find("\n", start - 1, len(block.text) - 1)
    start = line_end + 1 if line_end >= 0 else start
    note = Context((line(f"The first {start:,} characters of {len(block.text):,} were left out."),))
    return note, replace(block, text=block.text[start:])
