"""users.*: who somebody is, and which channels the bot is in."""

from __future__ import annotations

from sandbox.slack.methods.base import Call, Method, Tier
from sandbox.slack.methods.conversations import of_types
from sandbox.slack.payloads import channel_json, user_json
from sandbox.slack.records import Json


def info(call: Call) -> Json:
    """Describe one person."""
    return {"user": user_json(call.user())}


def conversations(call: Call) -> Json:
    """List the channels that the bot, or the person named, is in; private ones only where the bot is too."""
    member = call.user() if call.args.text("user") else call.world.bot
    joined = [c for c in call.world.channels.values() if member.id in c.members]
    known = [c for c in joined if not c.is_private or call.world.bot.id in c.members]
    page, cursor = call.page(of_types(call, known))
    shown = [channel_json(call.world, channel) for channel in page]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


METHODS = (
    Method("users.info", info, Tier.T4, ("users:read",)),
    Method("users.conversations", conversations, Tier.T3, ("channels:read", "groups:read", "im:read")),
)
