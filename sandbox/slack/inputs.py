"""The inputs of a modal as a person fills them in: what is offered, what the client itself refuses, what is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox.slack.errors import Impossible
from sandbox.slack.interactions import element_state
from sandbox.slack.payloads import plain
from sandbox.slack.records import Channel, Json, User, View
from sandbox.slack.world import Workspace

_REQUIRED: Final = "Please complete this required field."
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_CONVERSATIONS: Final = frozenset({"conversations_select", "channels_select"})


def read_inputs(
    world: Workspace, user: User, view: View, blocks: list[Json], values: Mapping[str, Any]
) -> tuple[Json, dict[str, str]]:
    """Return the state of all inputs (given now, typed before, or filled in by the app) and what the client refuses."""
    state: Json = {}
    errors: dict[str, str] = {}
    left = dict(values)
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        filled = typed_state(world, user, view, block, left)
        if filled is None:
            kept = view.typed.get(block["block_id"], {}).get(element["action_id"])
            filled = kept or {"type": element["type"], **element_state(element, _initial(world, user, view, element))}
        problem = _problem(block, element, filled)
        if problem:
            errors[block["block_id"]] = problem
        state[block["block_id"]] = {element["action_id"]: filled}
    if left:
        raise Impossible(f"this modal has no field {', '.join(left)}")
    return state, errors


def typed_state(world: Workspace, user: User, view: View, block: Json, left: dict[str, Any]) -> Json | None:
    """Take the value for one input out of what a person gives, and return its state; None when none is given."""
    if block["type"] != "input":
        return None
    for key in (block["block_id"], block["element"]["action_id"], plain(block["label"])):
        if key in left:
            element, value = block["element"], left.pop(key)
            if element["type"] in _CONVERSATIONS and value:
                value = _conversation(world, user, view, element, str(value)).id
            return {"type": element["type"], **element_state(element, value)}
    return None


def given(block: Json, left: dict[str, Any]) -> Any:
    """Return the value that a person gives for one input, or that the app filled in before."""
    element = block["element"]
    for key in (block["block_id"], element["action_id"], plain(block["label"])):
        if key in left:
            return left.pop(key)
    return _filled_in(element)


def kept_typing(before: View, body: Json) -> Json:
    """Return what a person typed as far as it survives an update: the same block, action and kind of element."""
    kept: Json = {}
    for block in body["blocks"]:
        element = block.get("element", {})
        typed = before.typed.get(block.get("block_id"), {}).get(element.get("action_id"))
        if typed is not None and typed["type"] == element["type"] and _still_offered(element, typed):
            kept[block["block_id"]] = {element["action_id"]: typed}
    return kept


def _still_offered(element: Json, typed: Json) -> bool:
    options = element.get("options")
    chosen = [typed["selected_option"]] if typed.get("selected_option") else typed.get("selected_options", [])
    return options is None or all(option in options for option in chosen)


def _initial(world: Workspace, user: User, view: View, element: Json) -> Any:
    """Return what the app filled in, or the conversation a person comes from where the select asks for it."""
    here = world.channel_by_id(view.channel_id) if view.channel_id else None
    wanted = element.get("default_to_current_conversation") and "initial_conversation" not in element
    if wanted and here is not None and _is_offered(world, user, element, here):
        return here.id
    return _filled_in(element)


def _filled_in(element: Json) -> Any:
    for key, initial in element.items():
        if key == "initial_option":
            return initial["value"]
        if key == "initial_options":
            return [option["value"] for option in initial]
        if key.startswith("initial_"):
            return initial
    return None


def _conversation(world: Workspace, user: User, view: View, element: Json, name: str) -> Channel:
    """Return the conversation that a person picks; raise Impossible when the select does not offer it."""
    del view
    found = world.direct_channel(user) if name == "@rag" else world.place(name)
    if not _is_offered(world, user, element, found):
        raise Impossible(f"the select does not offer #{found.name} to {user.name}")
    return found


def _is_offered(world: Workspace, user: User, element: Json, channel: Channel) -> bool:
    if channel.is_archived or (user.id not in channel.members and (channel.is_private or user.is_restricted)):
        return False
    wanted = element.get("filter") or {}
    kind = "im" if channel.is_im else "private" if channel.is_private else "public"
    if kind not in wanted.get("include", ("im", "mpim", "private", "public")):
        return False
    if wanted.get("exclude_external_shared_channels") and channel.is_shared:
        return False
    with_bot = channel.is_im and any(world.bot.id == member for member in channel.members)
    return not (wanted.get("exclude_bot_users") and with_bot)


def _problem(block: Json, element: Json, filled: Json) -> str:
    value = next((found for key, found in filled.items() if key != "type"), None)
    if value in (None, "", []):
        return "" if block.get("optional") else _REQUIRED
    if element["type"] == "number_input":
        return _number_problem(element, str(value))
    if element["type"] == "plain_text_input" and isinstance(value, str):
        if len(value) < element.get("min_length", 0):
            return f"Must be at least {element['min_length']} characters."
        if len(value) > element.get("max_length", 3000):
            return f"Must be at most {element.get('max_length', 3000)} characters."
    return ""


def _number_problem(element: Json, value: str) -> str:
    if not _NUMBER.fullmatch(value) or ("." in value and not element["is_decimal_allowed"]):
        return "Enter a number."
    if "min_value" in element and float(value) < float(element["min_value"]):
        return f"Enter a number that is at least {element['min_value']}."
    if "max_value" in element and float(value) > float(element["max_value"]):
        return f"Enter a number that is at most {element['max_value']}."
    return ""
