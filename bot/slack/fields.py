"""The form of a dialog's answers: what the outbound side draws and the inbound side reads back.

A field's block and action ids stay the same over updates, so that the platform keeps what was typed. An option carries
its value where the platform takes it, else its number; `fingerprint` tells whether that still means the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.domain.forms import Choice, FieldKind, Form, FormField, Purpose
from bot.redaction import clean

CALLBACKS: Final[Mapping[Purpose, str]] = {Purpose.BUILD: "rag_form", Purpose.ASK: "rag_ask"}
FIELD_PREFIX: Final = "form:"
STATE_LIMIT: Final = 2_900
SWITCHED_ON: Final = "yes"
MOST_CHOICES: Final = 100

_OPTION_LIMIT: Final = 150
_VALUE: Final = "="
_NUMBER: Final = "#"


def block_id(name: str) -> str:
    """Return the id of the block in which a field stands."""
    return FIELD_PREFIX + name


def action_id(kind: FieldKind) -> str:
    """Return the id of a field's element: another kind of field does not inherit what was typed."""
    return FIELD_PREFIX + kind.value


def option_value(choices: Sequence[Choice], index: int) -> str:
    """Return what stands for a choice: its value, or its number when it is too long or cannot be sent as it is."""
    value = _VALUE + choices[index].value
    fits = len(value.encode("utf-16-le", "surrogatepass")) // 2 <= _OPTION_LIMIT
    return value if fits and clean(value) == value else f"{_NUMBER}{index}"


def chosen(choices: Sequence[Choice], value: str) -> str:
    """Return the value that was chosen; empty when it is none of the choices."""
    for index, choice in enumerate(choices[:MOST_CHOICES]):
        if option_value(choices, index) == value:
            return choice.value
    return ""


def raw_values(state: Mapping[str, Any]) -> dict[str, str]:
    """Read `view.state.values`: what was filled in by the field's name, choices as they were drawn."""
    values: dict[str, str] = {}
    for block, elements in state.items():
        if not block.startswith(FIELD_PREFIX) or not isinstance(elements, Mapping):
            continue
        for element in elements.values():
            values[block.removeprefix(FIELD_PREFIX)] = _raw(element if isinstance(element, Mapping) else {})
    return values


def meant(fields: Sequence[FormField], values: Mapping[str, str]) -> dict[str, str]:
    """Return the values with every choice as the form means it."""
    choices = {field.name: field.choices for field in fields if field.kind is FieldKind.CHOICE}
    return {name: chosen(choices[name], value) if name in choices else value for name, value in values.items()}


def fingerprint(form: Form) -> str:
    """Return a short text that differs when other fields, or other choices, are asked for."""
    asked = [[field.name, field.kind.value, [choice.value for choice in field.choices]] for field in form.fields]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def encode_state(form: Form) -> str:
    """Return what travels with a dialog and comes back; everybody who opens it can read it."""
    return json.dumps({"form": fingerprint(form), "state": form.state}, separators=(",", ":"))


def decode_state(text: str) -> tuple[str, str] | None:
    """Return the fingerprint and the state that came back, or None when they are not of our making."""
    try:
        kept = json.loads(text)
    except ValueError:
        return None
    if not isinstance(kept, dict) or set(kept) != {"form", "state"}:
        return None
    mark, state = kept["form"], kept["state"]
    return (mark, state) if isinstance(mark, str) and isinstance(state, str) else None


def _raw(element: Mapping[str, Any]) -> str:
    match element.get("type"):
        case "static_select" | "radio_buttons":
            return str((element.get("selected_option") or {}).get("value") or "")
        case "checkboxes":
            return SWITCHED_ON if element.get("selected_options") else ""
        case "conversations_select":
            return str(element.get("selected_conversation") or "")
    return str(element.get("value") or "")
