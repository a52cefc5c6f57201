"""A neutral form -> the platform's dialog, within its limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.domain.forms import Choice, FieldKind, Form, FormField
from bot.slack import fields
from bot.slack.outbound import escape, limits
from bot.slack.outbound.render import Json, plain_text

TITLE: Final = 24
VIEW_BLOCKS: Final = 100
OPTION: Final = 75
TYPED: Final = 2_000
_WORDS: Final = 300
_FEW_CHOICES: Final = 10
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}")
_SUBMIT: Final = "Continue"


def draw(form: Form) -> Json:
    """Return the dialog of a form. What does not fit is cut, and said to be."""
    blocks = [*_words(form.words), *(block for field in form.fields for block in _field(field))][:VIEW_BLOCKS]
    view: Json = {
        "type": "modal",
        "callback_id": fields.CALLBACKS[form.purpose],
        "title": plain_text(_short(form.title, TITLE) or escape.ELLIPSIS),
        "close": plain_text("Cancel" if form.fields else "Close"),
        "private_metadata": fields.encode_state(form),
        "blocks": blocks,
    }
    if any(block["type"] == "input" for block in blocks):
        view["submit"] = plain_text(_short(form.submit, TITLE) or _SUBMIT)
    return view


def _words(words: str) -> Iterator[Json]:
    text = escape.plain(words).strip()
    if text:
        yield {"type": "section", "text": plain_text(escape.cut(text, limits.TEXT))}


def _field(field: FormField) -> Iterator[Json]:
    label = _short(field.label, _WORDS) or field.name
    if field.kind is FieldKind.CHOICE and not field.choices:
        yield from _words(f"{label}: there is nothing to choose from.")
        return
    element = _element(field)
    element["action_id"] = fields.action_id(field.kind)
    block: Json = {
        "type": "input",
        "block_id": fields.block_id(field.name),
        "label": plain_text(label),
        "element": element,
        "optional": not field.required or field.kind is FieldKind.SWITCH,
    }
    hint = _short(_hint(field), _WORDS)
    if hint:
        block["hint"] = plain_text(hint)
    if field.redraws:
        block["dispatch_action"] = True
    yield block


def _hint(field: FormField) -> str:
    more = len(field.choices) - fields.MOST_CHOICES
    if field.kind is FieldKind.CHANNEL:
        return f"{field.hint} Channels shared with other organizations are not offered.".strip()
    return field.hint + (f" {more} more cannot be shown: type the command to use them." if more > 0 else "")


def _element(field: FormField) -> Json:
    match field.kind:
        case FieldKind.NUMBER:
            return _number(field)
        case FieldKind.CHOICE:
            return _choice(field)
        case FieldKind.SWITCH:
            return _switch(field)
        case FieldKind.CHANNEL:
            return _channel(field)
        case FieldKind.TEXT:
            return _text(escape.one_line(field.value), TYPED)
        case FieldKind.WORDS:
            most = TYPED if field.maximum is None else max(1, min(field.maximum, TYPED))
            return _text(escape.plain(field.value), most) | {"multiline": True}


def _text(typed: str, most: int) -> Json:
    element: Json = {"type": "plain_text_input", "max_length": most}
    typed = escape.cut(typed, most)
    return element | ({"initial_value": typed} if typed else {})


def _number(field: FormField) -> Json:
    element: Json = {"type": "number_input", "is_decimal_allowed": False}
    if field.minimum is not None:
        element["min_value"] = str(field.minimum)
    if field.maximum is not None:
        element["max_value"] = str(field.maximum)
    if _NUMBER.fullmatch(field.value):
        value = int(field.value)
        low = value if field.minimum is None else field.minimum
        high = value if field.maximum is None else field.maximum
        if low <= value <= high:
            element["initial_value"] = str(value)
    return element


def _choice(field: FormField) -> Json:
    """Few choices of which one must be made are all shown; otherwise they stand in a list, which can be left empty."""
    shown = field.choices[: fields.MOST_CHOICES]
    options = [_option(choice, fields.option_value(field.choices, index)) for index, choice in enumerate(shown)]
    few = field.required and len(shown) <= _FEW_CHOICES
    element: Json = {"type": "radio_buttons" if few else "static_select", "options": options}
    for option, choice in zip(options, shown, strict=True):
        if field.value and choice.value == field.value:
            element["initial_option"] = option
            break
    return element


def _switch(field: FormField) -> Json:
    option = _option(Choice("", "Yes"), fields.SWITCHED_ON)
    on = {"initial_options": [option]} if field.value == fields.SWITCHED_ON else {}
    return {"type": "checkboxes", "options": [option], **on}


def _channel(field: FormField) -> Json:
    where = {"initial_conversation": field.value} if field.value else {"default_to_current_conversation": True}
    return {
        "type": "conversations_select",
        "response_url_enabled": True,
        "filter": {"exclude_external_shared_channels": True, "exclude_bot_users": True},
        **where,
    }


def _option(choice: Choice, value: str) -> Json:
    option: Json = {"text": plain_text(_short(choice.label, OPTION) or escape.ELLIPSIS), "value": value}
    hint = _short(choice.hint, OPTION)
    return option | ({"description": plain_text(hint)} if hint else {})


def _short(text: str, limit: int) -> str:
    return escape.cut(escape.one_line(text), limit)
