"""Filling in and closing modals: what the client checks itself, and what it does with the app's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.slack.errors import Impossible, SlackError
from sandbox.slack.interactions import Target, element_state, frame
from sandbox.slack.methods.views import accepted_view, push, replace_view
from sandbox.slack.payloads import plain, view_json
from sandbox.slack.people import People
from sandbox.slack.records import Json, User, View

_TROUBLE = "We had some trouble connecting. Try again?"
_REQUIRED = "Please complete this required field."


@dataclass(slots=True)
class Modals:
    """A person at an open modal."""

    people: People

    def _top(self, user: User) -> View:
        stack = self.people.world.modals.get(user.id)
        if not stack:
            raise Impossible(f"{user.name} has no modal open")
        return stack[-1]

    async def submit(self, values: Mapping[str, Any], *, user: str) -> Json:
        """Fill in the top modal (keys: block_id, action_id or label) and press its submit button."""
        actor = self.people.actor(user)
        view = self._top(actor)
        if "submit" not in view.body:
            raise Impossible("this modal has no submit button")
        blocks = [await self._offered(actor, view, block, values) for block in view.body["blocks"]]
        state, errors = _fill(blocks, values)
        if errors:
            return {"ok": False, "errors": errors, "closed": False, "seen": "; ".join(errors.values())}
        world = self.people.world
        payload = frame(world, "view_submission", actor) | {"view": view_json(world, view, state), "response_urls": []}
        payload["trigger_id"] = world.issue_trigger(actor, from_modal=True)
        delivery = await self.people.courier.deliver("interactive", payload)
        result: Json = {"ok": delivery.acked, "acked": delivery.acked, "payload": payload}
        result["ack_ms"] = round(delivery.latency_s * 1000, 2) if delivery.acked else None
        if not delivery.acked:
            return result | {"ok": False, "closed": False, "seen": _TROUBLE}
        try:
            return result | self._follow(actor, view, delivery.payload)
        except SlackError as error:
            return result | {"ok": False, "closed": False, "seen": _TROUBLE, "reason": error.as_json()}

    async def _offered(self, user: User, view: View, block: Json, values: Mapping[str, Any]) -> Json:
        """Return the block; an external select has asked the app for options while the person typed."""
        typed = _given(block, dict(values)) if block["type"] == "input" else None
        if not isinstance(typed, str) or "external" not in block["element"]["type"]:
            return block
        options = await self.people.suggest(user, view, Target(block["block_id"], block["element"]), typed)
        return block | {"element": block["element"] | {"options": options}}

    def _follow(self, user: User, view: View, answer: Any) -> Json:
        """Do what the ack asks for; raise SlackError for an answer that Slack cannot use."""
        world = self.people.world
        stack = world.modals.get(user.id, [])
        action = answer.get("response_action") if isinstance(answer, dict) else None
        if not action:
            if view in stack:
                stack.remove(view)
            world.touch()
            return {"closed": True}
        match action:
            case "clear":
                stack.clear()
                return {"closed": True}
            case "errors":
                return {"ok": False, "closed": False, "errors": _errors(view, answer.get("errors"))}
            case "update":
                replace_view(world, view, accepted_view(world, answer.get("view"), "modal", instead_of=view))
                return {"closed": False}
            case "push":
                push(world, user.id, answer.get("view"))
                return {"closed": False}
        raise SlackError("invalid_response_action")

    async def close(self, *, user: str, clear: bool = False) -> Json:
        """Close the top modal, or all of them; the app hears of it where it asked to."""
        actor = self.people.actor(user)
        view = self._top(actor)
        world = self.people.world
        stack = world.modals[actor.id]
        if clear or view.body.get("clear_on_close"):
            stack.clear()
        else:
            stack.remove(view)
        world.touch()
        if not view.body.get("notify_on_close"):
            return {"ok": True}
        payload = frame(world, "view_closed", actor) | {"view": view_json(world, view), "is_cleared": clear}
        delivery = await self.people.courier.deliver("interactive", payload)
        return {"ok": True, "acked": delivery.acked}


def _errors(view: View, errors: Any) -> dict[str, str]:
    """Return the app's errors; raise SlackError unless each names an input block of this view."""
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise SlackError("invalid_errors")
    return {str(key): str(value) for key, value in errors.items()}


def _fill(blocks: list[Json], values: Mapping[str, Any]) -> tuple[Json, dict[str, str]]:
    """Return the state of all inputs and what the client itself refuses."""
    state: Json = {}
    errors: dict[str, str] = {}
    left = dict(values)
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        value = _given(block, left)
        problem = _problem(block, element, value)
        if problem:
            errors[block["block_id"]] = problem
        filled = {"type": element["type"], **element_state(element, value)}
        state[block["block_id"]] = {element["action_id"]: filled}
    if left:
        raise Impossible(f"this modal has no field {', '.join(left)}")
    return state, errors


def _given(block: Json, left: dict[str, Any]) -> Any:
    """Take the value for one input out of what the person typed, or what the app filled in before."""
    element = block["element"]
    for key in (block["block_id"], element["action_id"], plain(block["label"])):
        if key in left:
            return left.pop(key)
    for key, initial in element.items():
        if key == "initial_option":
            return initial["value"]
        if key == "initial_options":
            return [option["value"] for option in initial]
        if key.startswith("initial_"):
            return initial
    return None


def _problem(block: Json, element: Json, value: Any) -> str:
    if value in (None, "", []):
        return "" if block.get("optional") else _REQUIRED
    if element["type"] == "plain_text_input" and isinstance(value, str):
        if len(value) < element.get("min_length", 0):
            return f"Must be at least {element['min_length']} characters."
        if len(value) > element.get("max_length", 3000):
            return f"Must be at most {element.get('max_length', 3000)} characters."
    return ""
