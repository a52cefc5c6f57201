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

_REPLACES: Final = "="
_ANSWERS: Final = "+"
_ENCODED: Final = str.maketrans({"%": "%25", "&": "%26", "<": "%3C", ">": "%3E", "\n": "%0A"})


@dataclass(frozen=True, slots=True)
class Press:
    """What a pressed button asks for: run `command`; `replaces` edits the message the button stands in."""

    command: str
    replaces: bool


def encode_button(command: str, *, replaces: bool) -> str | None:
    """Return the button's value, or None when the command does not fit or holds characters that a person cannot see."""
    if not command.strip() or clean(command) != command:
        return None
    value = (_REPLACES if replaces else _ANSWERS) + command.translate(_ENCODED)
    if len(value.encode("utf-16-le")) // 2 > VALUE_LIMIT:
        return None
    return value


def decode_button(value: str) -> Press | None:
    """Return what a value asks for, or None when it is not of our making."""
    kind, command = value[:1], value[1:]
    if kind not in {_REPLACES, _ANSWERS} or not command.strip():
        return None
    return Press(unquote(command), replaces=kind == _REPLACES)
