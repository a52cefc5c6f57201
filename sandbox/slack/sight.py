"""What one person sees of channels, modals and the Home tab; and the whole workspace for a script."""

from __future__ import annotations

from typing import Any

from sandbox.slack.compose import interactive_elements
from sandbox.slack.errors import Impossible
from sandbox.slack.payloads import message_json, view_json
from sandbox.slack.records import Json, Message, View
from sandbox.slack.show import element_label, render_text
from sandbox.slack.world import Workspace


def read(world: Workspace, channel: str, user: str | None, thread: str | None) -> list[Json]:
    """Return the messages of a channel (or one thread, or ``thread="all"``) as one person sees them."""
    viewer = world.person(user) if user else None
    place = world.direct_channel(viewer) if channel == "@rag" and viewer else world.place(channel)
    if viewer is not None and viewer.id not in place.members:
        raise Impossible(f"{viewer.name} is not in #{place.name}")
    viewer_id = viewer.id if viewer else None
    return [
        shown_message(world, message)
        for message in place.messages
        if not message.deleted and message.only_for in {None, viewer_id} and _in_view(message, thread)
    ]


def _in_view(message: Message, thread: str | None) -> bool:
    if thread == "all":
        return True
    return (not message.in_thread) if thread is None else thread in {message.ts, message.thread_ts}


def shown_message(world: Workspace, message: Message) -> Json:
    """Return one message with its text as people read it."""
    raw = message_json(world, message, metadata=True)
    labels = world.labels()
    author = world.user_by_id(message.user_id)
    blocks = [*message.content.blocks, *(b for item in message.content.attachments for b in item.get("blocks", ()))]
    place = world.place(message.channel_id)
    return {
        "ts": message.ts,
        "channel": place.name,
        "author": author.name if author else message.user_id,
        "text": render_text(raw, labels),
        "buttons": _labels(blocks),
        "thread_ts": message.thread_ts,
        "ephemeral": message.is_ephemeral,
        "edits": len(message.revisions) - 1,
        "pings": [labels.get(ping, ping) for ping in message.pings],
        "links": list(message.content.reading.links),
        "files": [{"id": file, "name": world.files[file].name} for file in message.files],
        "raw": raw,
    }


def _labels(blocks: list[Json]) -> list[str]:
    found = [element for block in blocks if block["type"] != "input" for element in interactive_elements(block)]
    return [element_label(element)[1:-1] for element in found]


def shown_view(world: Workspace, view: View | None) -> Json | None:
    """Return a modal or Home tab with its text as people read it."""
    if view is None:
        return None
    raw = view_json(world, view)
    text = render_text(
        view.body | {"blocks": [_filled_in(world, view, block) for block in view.body["blocks"]]}, world.labels()
    )
    return {"id": view.id, "text": text, "buttons": _labels(view.body["blocks"]), "raw": raw}


def _filled_in(world: Workspace, view: View, block: Json) -> Json:
    """Return a block with what the person typed or chose in it, which the app does not know yet."""
    element = block.get("element")
    typed = view.typed.get(block.get("block_id", ""), {}).get((element or {}).get("action_id", ""))
    if element is None or typed is None:
        return block
    chosen = typed.get("selected_option") or next(iter(typed.get("selected_options") or ()), None)
    named = typed.get("selected_conversation") or typed.get("selected_channel") or typed.get("selected_user")
    words = world.labels().get(named, named) if named else typed.get("value")
    if chosen is not None:
        return block | {"element": element | {"initial_option": chosen}}
    return block | {"element": element | {"placeholder": {"type": "plain_text", "text": words or "…"}}}


def state(world: Workspace) -> Json:
    """Return the whole workspace, secrets left out."""
    messages = [message for place in world.channels.values() for message in place.messages]
    return {
        "team_id": world.team_id,
        "users": {name: {"id": user.id, "deleted": user.deleted} for name, user in world.users.items()},
        "groups": {handle: list(group.users) for handle, group in world.groups.items()},
        "channels": {name: _channel(place) for name, place in world.channels.items()},
        "modals": {user: [shown_view(world, view) for view in stack] for user, stack in world.modals.items() if stack},
        "homes": {user: shown_view(world, view) for user, view in world.homes.items()},
        "files": [{"id": file.id, "name": file.name, "shared_in": file.shared_in} for file in world.files.values()],
        "pings": sum(len(message.pings) for message in messages if message.user_id == world.bot.id),
        "bot_messages": sum(1 for message in messages if message.user_id == world.bot.id and not message.deleted),
        "changes": world.changes,
    }


def _channel(place: Any) -> Json:
    seen = [message for message in place.messages if not message.deleted]
    return {"id": place.id, "messages": len(seen), "pins": list(place.pins), "bookmarks": list(place.bookmarks)}
