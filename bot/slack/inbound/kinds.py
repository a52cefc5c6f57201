"""What a payload of the platform is: one kind each, with the request it carries. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.forms import Purpose
from bot.domain.requests import Request, Surface
from bot.slack import fields
from bot.slack.inbound.asking import asked_request, is_asking
from bot.slack.inbound.payloads import (
    HOME_COMMAND,
    Payload,
    Pressed,
    command_request,
    direct_request,
    home_request,
    mention_request,
    only_action,
    press_key,
    press_request,
    shortcut_request,
)
from bot.slack.shortcuts import BUILD_SHORTCUT, EXPLAIN_SHORTCUT

COMMAND = "/rag"
# The command that opens the dialog, alone or before what it is to be filled with. It is no verb: it needs a trigger,
# which only Slack gives.
BUILD = "build"
GROUP_EVENTS = ("subteam_created", "subteam_members_changed", "subteam_updated")
REVOKED_EVENTS = ("app_uninstalled", "tokens_revoked")


class Kind(StrEnum):
    """What came in, as it is counted."""

    COMMAND = "command"
    BUTTON = "button"
    MENTION = "mention"
    DIRECT = "direct"
    HOME = "home"
    OPEN = "open_form"
    REDRAW = "redraw_form"
    SUBMIT = "form"
    EXPLAIN = "shortcut"
    GROUP = "group"
    REVOKED = "revoked"
    QUIET = "quiet"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One payload, understood.

    `key` is the platform's id of the delivery, empty where a repeat does no harm. `trigger` lets a dialog be opened;
    `version` is that of the page it came from; `asks` is the button whose person is asked something first.
    """

    kind: Kind
    body: Payload
    key: str = ""
    request: Request | None = None
    replaces: bool = False
    trigger: str = ""
    version: str = ""
    asks: Pressed | None = None


def read_delivery(body: Payload) -> Delivery:
    """Understand a payload."""
    if body.get("command") == COMMAND:
        return _of_request(Kind.COMMAND, body, command_request(body))
    match body.get("type"):
        case "event_callback":
            return _event(body)
        case "block_actions":
            return _action(body)
        case "view_submission" if is_asking(body):
            return Delivery(kind=Kind.SUBMIT, body=body, request=asked_request(body))
        case "view_submission" if _is_building(body):
            return Delivery(kind=Kind.SUBMIT, body=body)
        case "shortcut" if body.get("callback_id") == BUILD_SHORTCUT:
            return _of_request(Kind.OPEN, body, shortcut_request(body, BUILD))
        case "message_action" if body.get("callback_id") == EXPLAIN_SHORTCUT:
            return _of_request(Kind.EXPLAIN, body, shortcut_request(body, "explain"))
    return Delivery(kind=Kind.OTHER, body=body)


def is_build(request: Request) -> bool:
    """Tell whether somebody wants the dialog that builds a command."""
    words = request.text.split(maxsplit=1)
    return bool(words) and words[0].lower() == BUILD


def to_build(request: Request) -> str:
    """Return what that dialog is to be filled with: the beginning of a command, or nothing."""
    return request.text.strip()[len(BUILD) :].strip()


def _event(body: Payload) -> Delivery:
    kind = str((body.get("event") or {}).get("type", ""))
    match kind:
        case "app_mention":
            return _of_request(Kind.MENTION, body, mention_request(body))
        case "message":
            direct = direct_request(body)
            return _of_request(Kind.DIRECT, body, direct) if direct else Delivery(kind=Kind.QUIET, body=body)
        case "app_home_opened":
            opened = home_request(body)
            return _of_request(Kind.HOME, body, opened) if opened else Delivery(kind=Kind.QUIET, body=body)
    if kind in GROUP_EVENTS:
        return Delivery(kind=Kind.GROUP, body=body)
    return Delivery(kind=Kind.REVOKED if kind in REVOKED_EVENTS else Kind.OTHER, body=body)


def _action(body: Payload) -> Delivery:
    pressed = press_request(body)
    if pressed is not None:
        request = pressed.request
        if pressed.asks:
            return Delivery(
                kind=Kind.OPEN, body=body, key=request.key, request=request, trigger=_trigger(body), asks=pressed
            )
        kind = Kind.HOME if request.surface is Surface.HOME else Kind.BUTTON
        return _of_request(kind, body, request, replaces=pressed.replaces)
    action = only_action(body)
    if _is_building(body) and str(action.get("action_id", "")).startswith(fields.FIELD_PREFIX):
        return Delivery(kind=Kind.REDRAW, body=body, key=press_key(body, action))
    return Delivery(kind=Kind.OTHER, body=body)


def _is_building(body: Payload) -> bool:
    return (body.get("view") or {}).get("callback_id") == fields.CALLBACKS[Purpose.BUILD]


def _trigger(body: Payload) -> str:
    return str(body.get("trigger_id", "") or "")


def _of_request(kind: Kind, body: Payload, request: Request, *, replaces: bool = False) -> Delivery:
    trigger = _trigger(body)
    view = body.get("view") or (body.get("event") or {}).get("view") or {}
    # Only a page that is drawn anew must not undo a newer one; another answer was asked for and is shown in any case.
    version = str(view.get("hash", "")) if kind is Kind.HOME and request.text == HOME_COMMAND else ""
    opens = bool(trigger) and is_build(request)
    return Delivery(
        kind=Kind.OPEN if opens else kind,
        body=body,
        key=request.key,
        request=request,
        replaces=replaces,
        trigger=trigger,
        version=version,
    )
