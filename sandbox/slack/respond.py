"""What comes back by response_url, or inside an ack: private answers, replacements, deletions."""

from __future__ import annotations

from typing import Any

from sandbox.slack import limits
from sandbox.slack.compose import compose
from sandbox.slack.errors import SlackError
from sandbox.slack.records import Channel, Message, ResponseHook, User
from sandbox.slack.world import Workspace


def respond(world: Workspace, secret: str, sent: dict[str, Any]) -> None:
    """Carry out one post to a response_url; raise SlackError when it is used up, too old, or refused."""
    hook = world.hooks.get(secret)
    if hook is None:
        raise SlackError("expired_url")
    if world.clock() - hook.issued_at > limits.RESPONSE_URL_S:
        raise SlackError("expired_url")
    if hook.posts >= limits.RESPONSE_URL_POSTS:
        raise SlackError("used_url")
    hook.posts += 1
    source = hook.source if hook.source is not None and not hook.source.deleted else None
    if sent.get("delete_original"):
        if source is None:
            raise SlackError("message_not_found")
        world.delete(source)
    elif sent.get("replace_original") and source is not None:
        world.edit(source, compose(world, sent, ephemeral=source.is_ephemeral))
    else:
        _answer(world, hook, sent)


def _answer(world: Workspace, hook: ResponseHook, sent: dict[str, Any]) -> Message:
    channel, user = world.place(hook.channel_id), world.person(hook.user_id)
    return answer_in(world, channel, user, sent, thread_ts=str(sent.get("thread_ts") or hook.thread_ts or "") or None)


def answer_in(
    world: Workspace, channel: Channel, user: User, sent: dict[str, Any], *, thread_ts: str | None = None
) -> Message:
    """Post an app's answer to a person: private unless it asks for ``in_channel``."""
    kind = sent.get("response_type", "ephemeral")
    if kind not in {"ephemeral", "in_channel"}:
        raise SlackError("invalid_arguments")
    private = kind == "ephemeral"
    content = compose(world, sent, ephemeral=private)
    only_for = user.id if private else None
    return world.post(channel, world.bot, content, thread_ts=thread_ts, only_for=only_for, by_response_url=True)
