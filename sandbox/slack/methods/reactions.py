"""reactions.*, pins.* and bookmarks.*: what an app may stick to messages and channels."""

from __future__ import annotations

from sandbox.slack.errors import SlackError
from sandbox.slack.methods.base import Call, Method, Tier
from sandbox.slack.records import Channel, Json, Message


def _message(call: Call) -> tuple[Channel, Message]:
    channel = call.open_channel()
    message = channel.find(call.args.required("timestamp", "message_not_found"))
    if message is None:
        raise SlackError("message_not_found")
    return channel, message


def add_reaction(call: Call) -> Json:
    """React to a message as the bot."""
    _, message = _message(call)
    users = message.reactions.setdefault(call.args.required("name", "invalid_name").strip(":"), [])
    if call.world.bot.id in users:
        raise SlackError("already_reacted")
    users.append(call.world.bot.id)
    call.world.touch()
    return {}


def add_pin(call: Call) -> Json:
    """Pin a message to its channel."""
    channel, message = _message(call)
    if message.ts in channel.pins:
        raise SlackError("already_pinned")
    channel.pins.append(message.ts)
    call.world.touch()
    return {}


def add_bookmark(call: Call) -> Json:
    """Put a link under the channel's name."""
    channel = call.open_channel("channel_id")
    bookmark = {key: call.args.required(key) for key in ("title", "type", "link")}
    bookmark["id"] = call.world.ids.mint("Bk")
    channel.bookmarks.append(bookmark)
    call.world.touch()
    return {"bookmark": bookmark}


METHODS = (
    Method("reactions.add", add_reaction, Tier.T3, ("reactions:write",)),
    Method("pins.add", add_pin, Tier.T2, ("pins:write",)),
    Method("bookmarks.add", add_bookmark, Tier.T2, ("bookmarks:write",)),
)
