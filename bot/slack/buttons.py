"""The form of a button's value: what the outbound side writes and the inbound side reads back.

The platform's own markup characters and controls are percent-encoded, so that the command comes back the same whether
or not the platform decodes entities in values. Values of posted messages live on: a change here must still read the old
form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from bot.redaction import clean

ACTION_PREFIX: Final = "rag:"
VALUE_LIMIT: Final = 2_000

# A question is the label of one field in a dialog.
LONGEST_QUESTION: Final = 150

_REPLACES: Final = "="
_ANSWERS: Final = "+"
_ASKS: Final = "?"
_END_OF_QUESTION: Final = "|"
_ENCODED: Final = str.maketrans({"%": "%25", "&": "%26", "<": "%3C", ">": "%3E", "\n": "%0A"})
_QUESTION: Final = _ENCODED | str.maketrans({_END_OF_QUESTION: "%7C"})


@dataclass(frozen=True, slots=True)
class Press:
    """What a pressed button asks for: run `command`; `replaces` edits the message the button stands in.

    With `asks` its person is asked that first, and the answer is the command's last words.
    """

    command: str
    replaces: bool
    asks: str = ""


def encode_button(command: str, *, replaces: bool, asks: str = "") -> str | None:
    """Return the button's value, or None when the command does not fit or holds characters that a person cannot see.

    A question is cut to what fits on one line, and what cannot be seen of it is left out.
    """
    if not command.strip() or clean(command) != command:
        return None
    kind = _REPLACES if replaces else _ANSWERS
    question = " ".join(clean(asks).split())[:LONGEST_QUESTION]
    if question:
        kind = _ASKS + question.translate(_QUESTION) + _END_OF_QUESTION
    value = kind + command.translate(_ENCODED)
    if len(value.encode("utf-16-le")) // 2 > VALUE_LIMIT:
        return None
    return value


def decode_button(value: str) -> Press | None:
    """Return what a value asks for, or None when it is not of our making."""
    kind, command = value[:1], value[1:]
    question = ""
    if kind == _ASKS:
        question, _, command = command.partition(_END_OF_QUESTION)
    if kind not in {_REPLACES, _ANSWERS, _ASKS} or not command.strip() or (kind == _ASKS and not question.strip()):
        return None
    return Press(unquote(command), replaces=kind == _REPLACES, asks=unquote(question))
