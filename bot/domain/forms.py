"""Dialogs, neutral: what is asked, with which choices. The chat adapter draws them and hands back what is filled in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FieldKind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    WORDS = "words"
    """A text that may have several lines; `maximum` is how many characters it may have."""
    NUMBER = "number"
    CHOICE = "choice"
    SWITCH = "switch"
    CHANNEL = "channel"
    """Where the answer goes; the platform offers the conversation that the person comes from."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers to choose from."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One question. `redraws`: a change of it asks for another form. Numbers keep to `minimum` and `maximum`."""

    name: str
    label: str
    kind: FieldKind
    hint: str = ""
    value: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    redraws: bool = False
    minimum: int | None = None
    maximum: int | None = None


class Purpose(StrEnum):
    """What a dialog is for, by which it is known again when it comes back."""

    BUILD = "build"
    """It builds a command."""
    ASK = "ask"
    """It asks for the last words of a command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A dialog. Without fields it only says that something is being looked up. `state` comes back as it was sent."""

    title: str
    submit: str = ""
    words: str = ""
    fields: tuple[FormField, ...] = ()
    state: str = ""
    purpose: Purpose = Purpose.BUILD


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledForm:
    """What a person filled in, by the field's name: texts as typed, a switch as "yes" or an empty text.

    `command` is the beginning of a command for which the dialog was opened: what it says is filled in already.
    """

    values: dict[str, str]
    state: str = ""
    command: str = ""
