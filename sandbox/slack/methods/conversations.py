"""conversations.*: what the bot may know of channels and read in them."""

from __future__ import annotations

from sandbox.slack import limits
from sandbox.slack.errors import SlackError
from sandbox.slack.methods.base import Call, Method, Tier
from sandbox.slack.payloads import channel_json, message_json, visible
from sandbox.slack.records import Channel, Json, Message


def _family(channel: Channel, right: str) -> str:
    if channel.is_im:
        return f"im:{right}"
    return f"groups:{right}" if channel.is_private else f"channels:{right}"


def _readable(call: Call) -> Channel:
    channel = call.visible_channel()
    call.need(_family(channel, "history"))
    if call.world.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def info(call: Call) -> Json:
    """Describe one conversation."""
    channel = call.visible_channel()
    if not channel.is_im:
        call.need(_family(channel, "read"))
    return {"channel": channel_json(call.world, channel)}


def members(call: Call) -> Json:
    """List the members of a conversation."""
    channel = call.visible_channel()
    page, cursor = call.page(channel.members)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def of_types(call: Call, channels: list[Channel]) -> list[Channel]:
    """Return those channels that the arguments ask for; each type needs its own scope."""
    wanted = {part.strip() for part in call.args.text("types", "public_channel").split(",")}
    if not wanted <= {"public_channel", "private_channel", "im", "mpim"}:
        raise SlackError("invalid_types")
    if "public_channel" in wanted:
        call.need("channels:read")
    if "private_channel" in wanted:
        call.need("groups:read")
    kept = [
        c for c in channels if ("im" if c.is_im else "private_channel" if c.is_private else "public_channel") in wanted
    ]
    return [c for c in kept if not (c.is_archived and call.args.flag("exclude_archived"))]


def list_all(call: Call) -> Json:
    """List every channel the bot may know of."""
    known = [c for c in call.world.channels.values() if not c.is_private or call.world.bot.id in c.members]
    page, cursor = call.page(of_types(call, known))
    shown = [channel_json(call.world, channel) for channel in page]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


def open_direct(call: Call) -> Json:
    """Open the direct message with one person."""
    user = call.user("users")
    if user.deleted:
        raise SlackError("user_disabled")
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    channel = call.world.direct_channel(user)
    return {"channel": channel_json(call.world, channel), "no_op": True, "already_open": True}


def _within(call: Call, message: Message) -> bool:
    oldest, latest = call.args.text("oldest", "0"), call.args.text("latest", "99999999999")
    try:
        ts, low, high = float(message.ts), float(oldest), float(latest)
    except ValueError as error:
        raise SlackError("invalid_ts_latest") from error
    inclusive = call.args.flag("inclusive")
    return (low <= ts <= high) if inclusive else (low < ts < high)


def history(call: Call) -> Json:
    """Return a channel's messages, newest first, without the replies in threads."""
    channel = _readable(call)
    found = [m for m in reversed(visible(channel)) if not m.in_thread and _within(call, m)]
    return _messages(call, found)


def replies(call: Call) -> Json:
    """Return a thread, oldest first, its parent always leading."""
    channel = _readable(call)
    parent = channel.find(call.args.required("ts", "thread_not_found"))
    if parent is None:
        raise SlackError("thread_not_found")
    root = parent.thread_ts or parent.ts
    found = [m for m in visible(channel) if m.ts == root or (m.thread_ts == root and _within(call, m))]
    return _messages(call, found)


def _messages(call: Call, found: list[Message]) -> Json:
    page, cursor = call.page(found, most=limits.HISTORY_PAGE)
    with_metadata = call.args.flag("include_all_metadata")
    shown = [message_json(call.world, message, metadata=with_metadata) for message in page]
    body: Json = {"messages": shown, "has_more": bool(cursor)}
    return body | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


_READ = ("channels:read", "groups:read", "im:read")
_HISTORY = ("channels:history", "groups:history", "im:history")
METHODS = (
    Method("conversations.info", info, Tier.T3, _READ),
    Method("conversations.list", list_all, Tier.T2, _READ),
    Method("conversations.members", members, Tier.T4, _READ),
    Method("conversations.open", open_direct, Tier.T3, ("im:write",)),
    Method("conversations.history", history, Tier.T3, _HISTORY),
    Method("conversations.replies", replies, Tier.T3, _HISTORY),
)
