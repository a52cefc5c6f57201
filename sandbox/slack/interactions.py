"""The payloads of what people do: commands, clicks, shortcuts, modals, events. Built here, delivered elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.slack.compose import interactive_elements
from sandbox.slack.elements import all_options
from sandbox.slack.errors import Impossible
from sandbox.slack.payloads import message_json, person_json, plain, view_json
from sandbox.slack.records import Channel, Json, Message, User, View
from sandbox.slack.world import Workspace


@dataclass(frozen=True, slots=True)
class Target:
    """An element that somebody is about to use, and the block it is in."""

    block_id: str
    element: Json


def frame(world: Workspace, kind: str, user: User) -> Json:
    """Return what every interactive payload has."""
    body: Json = {"type": kind, "token": "deprecated", "api_app_id": world.app_id, "is_enterprise_install": False}
    body |= {"team": {"id": world.team_id, "domain": world.domain}, "enterprise": None}
    return body | {"user": person_json(user)}


def slash_payload(world: Workspace, user: User, channel: Channel, text: str, origin: str) -> Json:
    """Return the payload of a slash command; it knows of no thread and no message."""
    hook = world.issue_hook(channel, user)
    body: Json = {"token": "deprecated", "team_id": user.team_id, "team_domain": world.domain}
    body |= {"channel_id": channel.id, "channel_name": "directmessage" if channel.is_im else channel.name}
    body |= {"user_id": user.id, "user_name": user.name, "command": world.command, "text": text}
    body |= {"api_app_id": world.app_id, "is_enterprise_install": "false"}
    return body | {
        "response_url": f"{origin}/response/{hook.secret}",
        "trigger_id": world.issue_trigger(user, channel=channel),
    }


def click_payload(
    world: Workspace, user: User, message: Message, target: Target, action: Json, *, origin: str, revision: int | None
) -> Json:
    """Return the payload of a click in a message, as the client's revision of it would send it."""
    channel = world.place(message.channel_id)
    hook = world.issue_hook(channel, user, message)
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = message.is_ephemeral
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    body = frame(world, "block_actions", user)
    body |= {"container": container, "channel": {"id": channel.id, "name": channel.name}}
    trigger = world.issue_trigger(user, channel=channel)
    body |= {"trigger_id": trigger, "response_url": f"{origin}/response/{hook.secret}"}
    if not message.is_ephemeral:
        body["message"] = message_json(world, message, revision=revision)
    return body | {"state": {"values": {}}, "actions": [_stamped(world, target, action)]}


def view_click_payload(
    world: Workspace, user: User, view: View, target: Target, action: Json, *, state: Json | None = None
) -> Json:
    """Return the payload of a click in a modal or on the Home tab, with what is filled in there."""
    body = frame(world, "block_actions", user)
    in_modal = view.body["type"] == "modal"
    body |= {"container": {"type": "view", "view_id": view.id}, "view": view_json(world, view, state)}
    body["trigger_id"] = world.issue_trigger(user, from_modal=in_modal)
    return body | {"actions": [_stamped(world, target, action)]}


def suggestion_payload(world: Workspace, user: User, where: View | Message, target: Target, typed: str) -> Json:
    """Return the payload that asks for the options of an external select."""
    body = frame(world, "block_suggestion", user)
    body |= {"action_id": target.element["action_id"], "block_id": target.block_id, "value": typed}
    if isinstance(where, View):
        return body | {"container": {"type": "view", "view_id": where.id}, "view": view_json(world, where)}
    place = world.place(where.channel_id)
    container: Json = {"type": "message", "message_ts": where.ts, "channel_id": place.id}
    container["is_ephemeral"] = where.is_ephemeral
    return body | {"container": container, "channel": {"id": place.id, "name": place.name}}


def _stamped(world: Workspace, target: Target, action: Json) -> Json:
    base = {"type": target.element["type"], "action_id": target.element["action_id"], "block_id": target.block_id}
    return base | action | {"action_ts": world.ids.stamp(world.clock())}


def direct_event(world: Workspace, channel: Channel, message: Message) -> Json:
    """Return the event of something said, or edited, in a direct message with the bot; the bot's own words come too."""
    said = message_json(world, message) | {"channel": channel.id, "channel_type": "im", "event_ts": message.ts}
    if len(message.revisions) == 1:
        return said if message.bot_id else said | {"client_msg_id": world.ids.secret()}
    stamp = world.ids.stamp(world.clock())
    changed: Json = {"type": "message", "subtype": "message_changed", "hidden": True, "channel": channel.id}
    changed |= {"channel_type": "im", "ts": stamp, "event_ts": stamp, "message": message_json(world, message)}
    before = len(message.revisions) - 2
    return changed | {"previous_message": message_json(world, message, revision=before)}


def event_payload(world: Workspace, event: Json) -> Json:
    """Wrap an event the way the Events API does."""
    body: Json = {"token": "deprecated", "team_id": world.team_id, "api_app_id": world.app_id, "event": event}
    body |= {"type": "event_callback", "event_id": world.ids.mint("Ev"), "event_time": int(world.clock())}
    authorization = {"enterprise_id": None, "team_id": world.team_id, "user_id": world.bot.id, "is_bot": True}
    return body | {"authorizations": [authorization | {"is_enterprise_install": False}], "is_ext_shared_channel": False}


def find_target(blocks: list[Json] | tuple[Json, ...], label: str) -> Target | None:
    """Return the element with that label: its text, placeholder, action_id, or one of its options."""
    for block in blocks:
        for element in interactive_elements(block):
            if label in _labels(element):
                return Target(str(block.get("block_id", "")), element)
    return None


def _labels(element: Mapping[str, Any]) -> list[str]:
    names = [plain(element.get("text")), plain(element.get("placeholder")), str(element.get("action_id", ""))]
    return [name for name in [*names, *(plain(option.get("text")) for option in all_options(element))] if name]


def action_for(element: Mapping[str, Any], label: str, value: str | list[str] | None) -> Json:
    """Return what an element reports once it was pressed, or a value was chosen in it."""
    kind = str(element["type"])
    if kind == "button":
        pressed: Json = {"text": element["text"]}
        return pressed | ({"value": element["value"]} if "value" in element else {})
    return element_state(element, label if value is None else value)


def element_state(element: Mapping[str, Any], value: str | list[str] | None) -> Json:
    """Return an element's state for a value given by a person: option texts or values, names, or typed text."""
    kind = str(element["type"])
    if kind == "checkboxes" or kind in {"multi_static_select", "multi_external_select"}:
        wanted = [value] if isinstance(value, str) else value or []
        return {"selected_options": [_option(element, item) for item in wanted]}
    if kind in _ONE_OPTION:
        return {"selected_option": None if value is None else _option(element, str(value))}
    if kind in _STATE_KEYS:
        return {_STATE_KEYS[kind]: value}
    return {"value": value}


def _option(element: Mapping[str, Any], wanted: str) -> Json:
    for option in all_options(element):
        if wanted in {option.get("value"), plain(option.get("text"))}:
            return dict(option)
    raise Impossible(f"there is no option {wanted!r}")


_ONE_OPTION = frozenset({"static_select", "external_select", "radio_buttons", "overflow"})
_STATE_KEYS = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
