"""What a person can press: in their dialog, in messages they see, on their page; or in a copy that missed the edits."""

from __future__ import annotations

from sandbox.slack.interactions import Target, find_target
from sandbox.slack.records import Channel, Json, Message, User, View
from sandbox.slack.world import Workspace


def find_spot(
    world: Workspace, actor: User, label: str, *, channel: Channel | None, message: str | None, revision: int | None
) -> tuple[View | Message, Target] | None:
    """Return the newest element with that label that a person sees, and where it is; None when there is none.

    Without a place the dialog on top comes first and the Home tab last.
    """
    anywhere = channel is None and message is None and revision is None
    spot = _in_view(world.modal_of(actor), label) if anywhere else None
    return (
        spot
        or _in_messages(world, actor, label, channel, message, revision)
        or _in_view(world.homes.get(actor.id), label)
    )


def _in_view(view: View | None, label: str) -> tuple[View, Target] | None:
    # Choosing in an input is filling in (`view_fill`): it tells the app of it only where the block asks for that.
    pressable = [block for block in view.body["blocks"] if block["type"] != "input"] if view is not None else []
    target = find_target(pressable, label)
    return (view, target) if view is not None and target is not None else None


def _in_messages(
    world: Workspace, actor: User, label: str, channel: Channel | None, ts: str | None, revision: int | None
) -> tuple[Message, Target] | None:
    places = [channel] if channel is not None else list(world.channels.values())
    messages = [message for place in places if actor.id in place.members for message in place.messages]
    for message in sorted(messages, key=lambda found: found.ts, reverse=True):
        stale_copy = revision is not None and ts is not None
        hidden = message.only_for not in {None, actor.id} or (message.deleted and not stale_copy)
        if hidden or ts not in {None, message.ts}:
            continue
        target = find_target(_blocks_at(message, revision), label)
        if target is not None:
            return message, target
    return None


def _blocks_at(message: Message, revision: int | None) -> list[Json]:
    """Return the blocks of one revision, those within attachments too."""
    if revision is not None and not -len(message.revisions) <= revision < len(message.revisions):
        return []
    content = message.content if revision is None else message.revisions[revision].content
    return [*content.blocks, *(block for item in content.attachments for block in item.get("blocks", ()))]
