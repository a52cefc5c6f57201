"""Filling in and closing modals: what the client checks itself, and what it does with the app's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.slack.errors import Impossible, SlackError
from sandbox.slack.inputs import given, read_inputs, typed_state
from sandbox.slack.interactions import Target, frame, view_click_payload
from sandbox.slack.methods.views import accepted_view, push, replace_view
from sandbox.slack.payloads import view_json
from sandbox.slack.people import People
from sandbox.slack.records import Json, User, View

_TROUBLE = "We had some trouble connecting. Try again?"


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
        world = self.people.world
        state, errors = read_inputs(world, actor, view, blocks, values)
        if errors:
            return {"ok": False, "errors": errors, "closed": False, "seen": "; ".join(errors.values())}
        payload = frame(world, "view_submission", actor) | {"view": view_json(world, view, state)}
        payload["response_urls"] = self._response_urls(actor, blocks, state)
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

    async def fill(self, values: Mapping[str, Any], *, user: str) -> Json:
        """Type and choose in the top modal without sending it; the app hears of it where a block asks for that."""
        actor = self.people.actor(user)
        view = self._top(actor)
        world = self.people.world
        left, result = dict(values), Json(ok=True)
        for block in view.body["blocks"]:
            element = block.get("element", {})
            chosen = typed_state(world, actor, view, block, left)
            if chosen is None:
                continue
            view.typed[block["block_id"]] = {element["action_id"]: chosen}
            world.touch()
            if block.get("dispatch_action"):
                state, _ = read_inputs(world, actor, view, view.body["blocks"], {})
                action = {key: value for key, value in chosen.items() if key != "type"}
                target = Target(block["block_id"], element)
                payload = view_click_payload(world, actor, view, target, action, state=state)
                delivery = await self.people.courier.deliver("interactive", payload)
                result |= {"ok": delivery.acked, "acked": delivery.acked, "payload": payload}
                result["seen"] = "" if delivery.acked else _TROUBLE
        if left:
            raise Impossible(f"this modal has no field {', '.join(left)}")
        return result

    def _response_urls(self, user: User, blocks: list[Json], state: Json) -> list[Json]:
        """Return an address for answers for each conversation that was chosen in a field which asks for that."""
        world = self.people.world
        found: list[Json] = []
        for block in blocks:
            element = block.get("element") or {}
            if block["type"] != "input" or not element.get("response_url_enabled"):
                continue
            filled = state[block["block_id"]][element["action_id"]]
            chosen = filled.get("selected_conversation") or filled.get("selected_channel")
            if chosen:
                hook = world.issue_hook(world.place(chosen), user)
                url = f"{self.people.origin}/response/{hook.secret}"
                ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
                found.append(ids | {"channel_id": chosen, "response_url": url})
        return found

    async def _offered(self, user: User, view: View, block: Json, values: Mapping[str, Any]) -> Json:
        """Return the block; an external select has asked the app for options while the person typed."""
        typed = given(block, dict(values)) if block["type"] == "input" else None
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
