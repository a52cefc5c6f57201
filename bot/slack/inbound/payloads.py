"""Payloads of the platform -> requests. Pure.

The key of a request is the platform's own id of the delivery, so that a repeat is recognised however it comes:
a command by its trigger, a press by message, button, person and moment, an event by its event id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.people import Actor
from bot.domain.requests import Place, Request, Surface
from bot.redaction import redact
from bot.slack.buttons import ACTION_PREFIX, decode_button

Payload = Mapping[str, Any]
HOME_COMMAND = "home"
# As much of a message as is read; the platform cuts messages there, too.
LONGEST_READ = 40_000
# None looks beyond the next "<": of what is opened again and again and never closed, each part is looked at once.
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^<>]*)?>")
_TO_US = re.compile(r"^\s*(?:<@[A-Z0-9]+(?:\|[^<>]*)?>\s*)?(?:/rag\b\s*)?", re.IGNORECASE)
_LINK = re.compile(r"<(?:https?://|mailto:)[^<>|]*\|([^<>]*)>|<((?:https?://|mailto:)[^<>]*)>")


def plain(text: str) -> str:
    """Return what a person typed: escapes undone, automatic links back to words, controls removed, secrets masked.

    What is pasted by mistake would otherwise stay in the audit for good.
    """
    text = _LINK.sub(lambda match: match.group(1) or match.group(2), text)
    return redact(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).strip()


def command_request(body: Payload) -> Request:
    """Read a slash command. It has no thread: the platform does not offer commands in threads."""
    team = str(body.get("team_id", ""))
    return Request(
        key=f"command:{team}:{body.get('trigger_id', '')}",
        actor=Actor(str(body.get("user_id", "")), team),
        surface=Surface.COMMAND,
        text=plain(str(body.get("text", ""))),
        place=Place(str(body.get("channel_id", ""))),
        reply_to=str(body.get("response_url", "")),
    )


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of ours that was pressed: what it asks for, and under which label it stood.

    `replaces` tells that the answer takes the place of what the button stands in. `asks` is what its person must be
    asked first; empty where nothing is missing.
    """

    request: Request
    replaces: bool
    asks: str
    label: str


def press_request(body: Payload) -> Pressed | None:
    """Read the press of one of our buttons; None when it is not of our making, or not the only one in the payload.

    Only what its person alone sees is replaced (a private message, their Home tab): what others see is a record and
    stays.
    """
    action = only_action(body)
    ours = str(action.get("action_id", "")).startswith(ACTION_PREFIX)
    press = decode_button(str(action.get("value", ""))) if ours else None
    if press is None:
        return None
    container = body.get("container", {})
    at_home = is_home(body)
    channel = str(container.get("channel_id") or (body.get("channel") or {}).get("id", ""))
    request = Request(
        key=press_key(body, action),
        actor=actor_of(body),
        surface=Surface.HOME if at_home else Surface.BUTTON,
        text=press.command,
        place=Place(channel, str(container.get("thread_ts", "") or "")),
        reply_to=str(body.get("response_url", "")),
        message=str(container.get("message_ts", "") or ""),
    )
    replaces = at_home or (press.replaces and bool(container.get("is_ephemeral")))
    return Pressed(request, replaces, "" if at_home else press.asks, str((action.get("text") or {}).get("text", "")))


def only_action(body: Payload) -> Payload:
    """Return what was pressed or chosen; empty unless it is exactly one thing."""
    actions: Sequence[Payload] = body.get("actions") or ()
    return actions[0] if len(actions) == 1 else {}


def press_key(body: Payload, action: Payload) -> str:
    """Return the id of a press: where, what, who and when."""
    container = body.get("container", {})
    parts = (
        _team_of(body),
        container.get("message_ts") or container.get("view_id", ""),
        action.get("action_id", ""),
        (body.get("user") or {}).get("id", ""),
        action.get("action_ts", ""),
    )
    return "press:" + ":".join(str(part) for part in parts)


def is_home(body: Payload) -> bool:
    """Tell whether something happened on the bot's own page."""
    return str((body.get("view") or {}).get("type", "")) == "home"


def actor_of(body: Payload) -> Actor:
    """Return who did something in a dialog, with a shortcut or a button."""
    user = body.get("user") or {}
    return Actor(str(user.get("id", "")), str(user.get("team_id") or _team_of(body)))


def _team_of(body: Payload) -> str:
    return str((body.get("team") or {}).get("id", ""))


def mention_request(body: Payload) -> Request:
    """Read a mention of the bot. An answer goes into the thread, or makes one below the message."""
    event = body.get("event", {})
    ours = next((str(one.get("user_id", "")) for one in body.get("authorizations", ()) if one.get("is_bot")), "")
    text = str(event.get("text", ""))
    mention = re.compile(rf"<@{re.escape(ours)}(?:\|[^<>]*)?>") if ours and f"<@{ours}" in text else _MENTION
    return Request(
        key=f"event:{body.get('event_id', '')}",
        actor=_author(body),
        surface=Surface.MENTION,
        text=plain(mention.sub(" ", text, count=1)),
        place=Place(str(event.get("channel", "")), str(event.get("thread_ts") or event.get("ts", ""))),
        opens_thread=not event.get("thread_ts"),
    )


def direct_request(body: Payload) -> Request | None:
    """Read what a person typed to the bot directly; None for edits, joins, files, and what a bot said."""
    event = body.get("event", {})
    said_by_person = event.get("user") and not (event.get("bot_id") or event.get("subtype") or event.get("edited"))
    if event.get("channel_type") != "im" or not said_by_person:
        return None
    return Request(
        key=f"event:{body.get('event_id', '')}",
        actor=_author(body),
        surface=Surface.DIRECT,
        text=plain(_TO_US.sub("", str(event.get("text", "")), count=1)),
        place=Place(str(event.get("channel", "")), str(event.get("thread_ts", "") or "")),
    )


def home_request(body: Payload) -> Request | None:
    """Read that a person opened the bot's own page; None for the page's other tabs."""
    event = body.get("event", {})
    if event.get("tab") != "home":
        return None
    return Request(
        key=f"event:{body.get('event_id', '')}", actor=_author(body), surface=Surface.HOME, text=HOME_COMMAND
    )


def form_request(body: Payload, text: str, channel: str) -> Request:
    """Make the request of a dialog that built `text`; it is answered in the conversation that was chosen there."""
    answer_in: Payload = next(iter(body.get("response_urls") or ()), {})
    return Request(
        key=form_key(body),
        actor=actor_of(body),
        surface=Surface.FORM,
        text=text,
        place=Place(channel or str(answer_in.get("channel_id", ""))),
        reply_to=str(answer_in.get("response_url", "")),
    )


def form_key(body: Payload) -> str:
    """Return the id of a dialog that was sent: which one, in which version."""
    view = body.get("view") or {}
    return f"form:{_team_of(body)}:{view.get('id', '')}:{view.get('hash', '')}"


def shortcut_request(body: Payload, text: str) -> Request:
    """Make the request of a shortcut; that of a message is answered beside it."""
    message = body.get("message") or {}
    return Request(
        key=f"shortcut:{_team_of(body)}:{body.get('trigger_id', '')}",
        actor=actor_of(body),
        surface=Surface.BUTTON,
        text=text,
        place=Place(str((body.get("channel") or {}).get("id", "")), str(message.get("thread_ts", "") or "")),
        reply_to=str(body.get("response_url", "")),
    )


def message_words(message: Payload) -> str:
    """Return the words of a message, whatever they stand in: its text, its blocks, its attachments."""
    found = "\n".join(dict.fromkeys(_words(message)))
    return plain(found[:LONGEST_READ])


def _words(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        text = node.get("text")
        if isinstance(text, str):
            yield text
        elif text is not None:
            yield from _words(text)
        for part in ("blocks", "attachments", "elements", "fields", "rows"):
            yield from _words(node.get(part))
    elif isinstance(node, list):
        for item in node:
            yield from _words(item)


def _author(body: Payload) -> Actor:
    event = body.get("event", {})
    team = str(event.get("user_team") or event.get("team") or body.get("team_id", ""))
    return Actor(str(event.get("user", "")), team)
