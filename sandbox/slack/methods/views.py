"""views.*: modals on a person's stack, and the Home tab."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.slack import limits
from sandbox.slack.blocks import check_view
from sandbox.slack.compose import fill_ids, refuse
from sandbox.slack.errors import SlackError
from sandbox.slack.inputs import kept_typing
from sandbox.slack.methods.base import Call, Method, Tier
from sandbox.slack.payloads import view_json
from sandbox.slack.records import Json, View
from sandbox.slack.world import Workspace


def open_view(call: Call) -> Json:
    """Open a modal; the trigger is used up even when the view is refused."""
    trigger = call.world.redeem_trigger(call.args.required("trigger_id", "invalid_trigger_id"))
    body = accepted_view(call.world, call.args.data("view"), "modal")
    view = new_view(call.world, trigger.user_id, body)
    view.channel_id = trigger.channel_id
    call.world.modals[trigger.user_id] = [view]
    call.world.touch()
    return {"view": view_json(call.world, view)}


def push_view(call: Call) -> Json:
    """Push a modal on top of the one in which the trigger was issued."""
    trigger = call.world.redeem_trigger(call.args.required("trigger_id", "invalid_trigger_id"))
    stack = call.world.modals.get(trigger.user_id, [])
    if not trigger.from_modal or not stack:
        raise SlackError("invalid_trigger_id")
    view = push(call.world, trigger.user_id, call.args.data("view"))
    return {"view": view_json(call.world, view)}


def update_view(call: Call) -> Json:
    """Replace an open modal, unless it changed since the hash was taken."""
    view = _find(call)
    body = accepted_view(call.world, call.args.data("view"), view.body["type"], instead_of=view)
    check_hash(view, call.args.text("hash"))
    replace_view(call.world, view, body)
    return {"view": view_json(call.world, view)}


def publish_view(call: Call) -> Json:
    """Publish a person's Home tab."""
    if not call.world.home_enabled:
        raise SlackError("not_enabled")
    user = call.user("user_id")
    body = accepted_view(call.world, call.args.data("view"), "home")
    view = call.world.homes.get(user.id)
    if view is None:
        view = new_view(call.world, user.id, body)
        call.world.homes[user.id] = view
    else:
        check_hash(view, call.args.text("hash"))
        replace_view(call.world, view, body)
    call.world.touch()
    return {"view": view_json(call.world, view)}


def accepted_view(world: Workspace, body: Any, kind: str, *, instead_of: View | None = None) -> Json:
    """Return a view with its ids filled in; raise SlackError where Slack refuses it."""
    refuse(check_view(body))
    if body["type"] != kind:
        raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] the view must be a {kind}"]})
    external_id = body.get("external_id")
    others = [view for view in open_views(world) if view is not instead_of]
    if external_id and any(view.body.get("external_id") == external_id for view in others):
        raise SlackError("duplicate_external_id")
    return {**copy.deepcopy(body), "blocks": fill_ids(body["blocks"], world.ids)}


def open_views(world: Workspace) -> list[View]:
    """Return every modal that somebody has open."""
    return [view for stack in world.modals.values() for view in stack]


def new_view(world: Workspace, user_id: str, body: Json, below: View | None = None) -> View:
    """Return a fresh view, on top of another where there is one."""
    view_id = world.ids.mint("V")
    root, previous = (below.root_id, below.id) if below else (view_id, None)
    return View(view_id, user_id, body, _hash(world), root, previous)


def push(world: Workspace, user_id: str, body: Any) -> View:
    """Put a view on top of a person's stack; raise SlackError at three."""
    stack = world.modals[user_id]
    if len(stack) >= limits.MODAL_STACK:
        raise SlackError("push_limit_reached")
    view = new_view(world, user_id, accepted_view(world, body, "modal"), stack[-1])
    view.channel_id = stack[-1].channel_id
    stack.append(view)
    world.touch()
    return view


def replace_view(world: Workspace, view: View, body: Json) -> None:
    """Give an open view new content and a new hash; what a person typed stays where the inputs stay."""
    view.typed = kept_typing(view, body)
    view.body = body
    view.hash = _hash(world)
    world.touch()


def check_hash(view: View, given: str) -> None:
    """Raise ``hash_conflict`` for a hash that is not the view's present one."""
    if given and given != view.hash:
        raise SlackError("hash_conflict")


def _hash(world: Workspace) -> str:
    return f"{int(world.clock())}.{world.ids.secret(8)}"


def _find(call: Call) -> View:
    view_id, external_id = call.args.text("view_id"), call.args.text("external_id")
    for view in open_views(call.world):
        if view.id == view_id or (external_id and view.body.get("external_id") == external_id):
            return view
    raise SlackError("not_found")


METHODS = (
    Method("views.open", open_view, Tier.T4),
    Method("views.push", push_view, Tier.T4),
    Method("views.update", update_view, Tier.T4),
    Method("views.publish", publish_view, Tier.T4),
)
