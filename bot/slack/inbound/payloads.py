"""Payloads of the platform -> requests. Pure.

The key of a request is the platform's own id of the delivery, so that a repeat is recognised however it comes:
a command by its trigger, a press by message, button, person and moment, an event by its event id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.domain.people import Actor
from bot.domain.requests import Place, Request, Surface
from bot.redaction import redact
from bot.slack.buttons import ACTION_PREFIX, decode_button

Payload = Mapping[str, Any]
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
_LINK = re.compile(r"<(?:https?://|mailto:)[^>|]*\|([^>]*)>|<((?:https?://|mailto:)[^>]*)>")


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


def press_request(body: Payload) -> tuple[Request, bool] | None:
    """Read the press of one of our buttons: the request, and whether the answer replaces the message.

    Only a message that its person alone sees is replaced: what others see is a record and stays. None when the button
    is not of our making.
    """
    action = next((a for a in body.get("actions", ()) if str(a.get("action_id", "")).startswith(ACTION_PREFIX)), None)
    press = decode_button(str(action.get("value", ""))) if action else None
    if action is None or press is None:
        return None
    container, user = body.get("container", {}), body.get("user", {})
    team = str((body.get("team") or {}).get("id", ""))
    channel = str(container.get("channel_id") or (body.get("channel") or {}).get("id", ""))
    message = str(container.get("message_ts", ""))
    parts = (team, message, action.get("action_id", ""), user.get("id", ""), action.get("action_ts", ""))
    request = Request(
        key="press:" + ":".join(str(part) for part in parts),
        actor=Actor(str(user.get("id", "")), str(user.get("team_id") or team)),
        surface=Surface.BUTTON,
        text=press.command,
        place=Place(channel, str(container.get("thread_ts", "") or "")),
        reply_to=str(body.get("response_url", "")),
    )
    return request, press.replaces and bool(container.get("is_ephemeral"))


def mention_request(body: Payload) -> Request:
    """Read a mention of the bot. An answer goes into the thread, or makes one below the message."""
    event = body.get("event", {})
    ours = next((str(one.get("user_id", "")) for one in body.get("authorizations", ()) if one.get("is_bot")), "")
    text = str(event.get("text", ""))
    mention = re.compile(rf"<@{re.escape(ours)}(?:\|[^>]*)?>") if ours and f"<@{ours}" in text else _MENTION
    team = str(body.get("team_id", ""))
    return Request(
        key=f"event:{body.get('event_id', '')}",
        actor=Actor(str(event.get("user", "")), str(event.get("user_team") or event.get("team") or team)),
        surface=Surface.MENTION,
        text=plain(mention.sub(" ", text, count=1)),
        place=Place(str(event.get("channel", "")), str(event.get("thread_ts") or event.get("ts", ""))),
        opens_thread=not event.get("thread_ts"),
    )
