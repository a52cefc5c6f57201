"""The dialog that asks for the last words of a button's command: what travels with it, and its request. Pure.

Everybody who opens it can read what travels with it, so the private address of the press does not: with it a person
could edit the message in the bot's name. Who sends it is the payload's word alone.
"""

from __future__ import annotations

import json
from typing import Final

from bot.domain.forms import FieldKind, Form, FormField, Purpose
from bot.domain.requests import Place, Request, Surface
from bot.redaction import redact
from bot.slack import fields
from bot.slack.inbound.payloads import Payload, Pressed, actor_of, form_key, plain

WORDS: Final = "words"
LONGEST_WORDS: Final = 500
UNSAID: Final = "Say it in a few words."

_CARRIED: Final = ("command", "channel", "thread", "message")


def asking_form(pressed: Pressed) -> Form:
    """Return the dialog that a button opens."""
    request, name = pressed.request, plain(pressed.label).rstrip("… ") or pressed.asks
    carried = (request.text, request.place.channel, request.place.thread, request.message)
    asked = FormField(
        name=WORDS,
        label=pressed.asks,
        kind=FieldKind.WORDS,
        hint="Others will read it.",
        required=True,
        maximum=LONGEST_WORDS,
    )
    return Form(
        title=name,
        submit=name,
        fields=(asked,),
        state=json.dumps(dict(zip(_CARRIED, carried, strict=True)), separators=(",", ":")),
        purpose=Purpose.ASK,
    )


def is_asking(body: Payload) -> bool:
    """Tell whether a dialog is one of these."""
    return (body.get("view") or {}).get("callback_id") == fields.CALLBACKS[Purpose.ASK]


def asked_request(body: Payload) -> Request | None:
    """Make the request of such a dialog that was sent; None when nothing was said, or it is not of our making.

    Secrets that were pasted are masked: a command stays in the audit.
    """
    view = body.get("view") or {}
    carried = _carried(str(view.get("private_metadata", "")))
    values = fields.raw_values((view.get("state") or {}).get("values") or {})
    words = " ".join(redact(values.get(WORDS, "")[:LONGEST_WORDS]).split())
    if carried is None or not words:
        return None
    command, channel, thread, message = carried
    return Request(
        key=form_key(body),
        actor=actor_of(body),
        surface=Surface.BUTTON,
        text=f"{command} {words}",
        place=Place(channel, thread),
        message=message,
    )


def _carried(text: str) -> tuple[str, ...] | None:
    kept = fields.decode_state(text)
    try:
        carried = json.loads(kept[1]) if kept is not None else None
    except ValueError:
        return None
    if not isinstance(carried, dict) or set(carried) != set(_CARRIED):
        return None
    values = tuple(carried[name] for name in _CARRIED)
    return values if all(isinstance(value, str) for value in values) and values[0].strip() else None
