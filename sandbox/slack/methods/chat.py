"""chat.*: posting, editing, deleting, and messages that one person sees."""

from __future__ import annotations

from dataclasses import replace

from sandbox.slack import limits
from sandbox.slack.compose import compose
from sandbox.slack.errors import SlackError
from sandbox.slack.methods.base import Call, Method, Tier
from sandbox.slack.payloads import message_json, visible
from sandbox.slack.records import Channel, Content, Json, Message


def post_message(call: Call) -> Json:
    """Post as the bot; ``chat:write.public`` opens public channels it is not in."""
    if "chat:write.public" in call.token.scopes:
        channel = call.visible_channel(by_name=True)
        if channel.is_archived:
            raise SlackError("is_archived")
    else:
        channel = call.open_channel(by_name=True)
    content = compose(call.world, call.message_fields())
    thread_ts = parent_ts(channel, call.args.text("thread_ts"))
    message = call.world.post(channel, call.world.bot, content, thread_ts=thread_ts)
    body = {"channel": channel.id, "ts": message.ts, "message": message_json(call.world, message, metadata=True)}
    if len(call.args.text("text")) > limits.POST_TEXT_TRUNCATED:
        body["response_metadata"] = {"warnings": ["message_truncated"]}
    return body


def parent_ts(channel: Channel, thread_ts: str) -> str | None:
    """Return the timestamp of a thread's parent; a reply's or an unknown one is refused."""
    if not thread_ts:
        return None
    parent = channel.find(thread_ts)
    if parent is None or parent.in_thread:
        raise SlackError("thread_not_found")
    return thread_ts


def post_ephemeral(call: Call) -> Json:
    """Show a message to one person in the channel; in a quiet thread nobody ever sees it."""
    channel = call.open_channel(by_name=True)
    user = call.user()
    if user.id not in channel.members or user.deleted:
        raise SlackError("user_not_in_channel")
    content = compose(call.world, call.message_fields(), ephemeral=True)
    thread_ts = parent_ts(channel, call.args.text("thread_ts"))
    if thread_ts and not any(message.in_thread and message.thread_ts == thread_ts for message in visible(channel)):
        return {"message_ts": call.world.ids.stamp(call.world.clock())}
    message = call.world.post(channel, call.world.bot, content, thread_ts=thread_ts, only_for=user.id)
    return {"message_ts": message.ts}


def update(call: Call) -> Json:
    """Replace text and blocks of one of the bot's own messages; blocks, attachments and metadata left out are kept."""
    channel = call.open_channel(archived="is_inactive")
    message = _own(call, channel, "cant_update_message")
    fields = call.message_fields()
    if not call.args.values.keys() & {"text", "blocks", "attachments"}:
        raise SlackError("no_text")
    kept = {"blocks": message.content.blocks, "attachments": message.content.attachments}
    fields |= {key: list(parts) for key, parts in kept.items() if key not in call.args.values}
    content = compose(call.world, fields, parse="client", longest_text=limits.UPDATE_TEXT)
    if "metadata" not in call.args.values:
        content = replace(content, metadata=message.content.metadata)
    if _changes_family(message.content, content):
        raise SlackError("block_mismatch")
    call.world.edit(message, content)
    shown = message_json(call.world, message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": content.text, "message": shown}


def _changes_family(before: Content, after: Content) -> bool:
    kinds_before = {block["type"] for block in before.blocks}
    kinds_after = {block["type"] for block in after.blocks}
    return kinds_before == {"rich_text"} and kinds_after != {"rich_text"}


def delete(call: Call) -> Json:
    """Delete one of the bot's own messages."""
    channel = call.open_channel()
    message = _own(call, channel, "cant_delete_message")
    call.world.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def _own(call: Call, channel: Channel, foreign: str) -> Message:
    message = channel.find(call.args.required("ts", "message_not_found"))
    if message is None:
        raise SlackError("message_not_found")
    if message.user_id != call.world.bot.id:
        raise SlackError(foreign)
    return message


def get_permalink(call: Call) -> Json:
    """Return the link of a message."""
    channel = call.visible_channel()
    ts = call.args.required("message_ts", "message_not_found")
    if channel.find(ts) is None:
        raise SlackError("message_not_found")
    link = f"https://{call.world.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


METHODS = (
    Method("chat.postMessage", post_message, Tier.POST, ("chat:write",)),
    Method("chat.postEphemeral", post_ephemeral, Tier.T4, ("chat:write",)),
    Method("chat.update", update, Tier.T3, ("chat:write",)),
    Method("chat.delete", delete, Tier.T3, ("chat:write",)),
    Method("chat.getPermalink", get_permalink, Tier.SPECIAL),
)
