"""Messages, channels, people, groups and views as JSON, the way Slack sends them."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.slack.records import Channel, Content, Group, Json, Message, User, View
from sandbox.slack.world import Workspace


def message_json(world: Workspace, message: Message, *, metadata: bool = False, revision: int | None = None) -> Json:
    """Return a message, by default in its newest revision."""
    content: Content = message.content if revision is None else message.revisions[revision].content
    body: Json = {"type": "message", "user": message.user_id, "text": content.text, "ts": message.ts}
    body["team"] = world.team_id
    if message.bot_id:
        body |= {"bot_id": message.bot_id, "app_id": world.app_id}
        body["bot_profile"] = {"id": message.bot_id, "app_id": world.app_id, "name": "rag", "team_id": world.team_id}
    if content.blocks:
        body["blocks"] = copy.deepcopy(list(content.blocks))
    if content.attachments:
        body["attachments"] = copy.deepcopy(list(content.attachments))
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if metadata and content.metadata:
        body["metadata"] = copy.deepcopy(content.metadata)
    if len(message.revisions) > 1 and revision is None:
        body["edited"] = {"user": message.user_id, "ts": f"{message.revisions[-1].at:.6f}"}
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items()
        ]
    if message.files:
        body["files"] = [{"id": file, "name": world.files[file].name} for file in message.files]
    return body | _thread_summary(world, message)


def _thread_summary(world: Workspace, message: Message) -> Json:
    channel = world.channel_by_id(message.channel_id)
    replies = [m for m in visible(channel) if m.thread_ts == message.ts and m.in_thread] if channel else []
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user_id for reply in replies))
    summary: Json = {"thread_ts": message.ts, "reply_count": len(replies), "reply_users": users}
    return summary | {"reply_users_count": len(users), "latest_reply": replies[-1].ts}


def visible(channel: Channel) -> list[Message]:
    """Return what everybody in the channel can see, oldest first."""
    return [message for message in channel.messages if not message.deleted and not message.is_ephemeral]


def channel_json(world: Workspace, channel: Channel) -> Json:
    """Return a conversation."""
    body: Json = {"id": channel.id, "is_archived": channel.is_archived, "is_im": channel.is_im}
    body |= {"is_private": channel.is_private, "is_member": world.bot.id in channel.members, "is_mpim": False}
    if channel.is_im:
        return body | {"user": next(member for member in channel.members if member != world.bot.id)}
    body |= {"name": channel.name, "name_normalized": channel.name, "num_members": len(channel.members)}
    body |= {"is_channel": not channel.is_private, "is_group": channel.is_private, "is_general": False}
    body |= {"is_shared": channel.is_shared, "is_ext_shared": channel.is_shared, "is_org_shared": False}
    return body | {"context_team_id": world.team_id, "creator": world.bot.id}


def user_json(user: User) -> Json:
    """Return a person or bot."""
    body: Json = {"id": user.id, "team_id": user.team_id, "name": user.name, "real_name": user.name.capitalize()}
    body |= {"deleted": user.deleted, "is_bot": user.is_bot, "is_app_user": False, "tz": "Etc/UTC", "tz_offset": 0}
    body |= {"is_restricted": user.is_restricted, "is_ultra_restricted": user.is_ultra_restricted}
    body["profile"] = {"display_name": user.name, "real_name": user.name.capitalize(), "team": user.team_id}
    if user.is_stranger:
        body["is_stranger"] = True
    if not (user.is_stranger or user.deleted):
        body |= {"is_admin": False, "is_owner": False}
    return body


def group_json(world: Workspace, group: Group, *, users: bool = False) -> Json:
    """Return a user group."""
    body: Json = {"id": group.id, "team_id": world.team_id, "is_usergroup": True, "is_subteam": True}
    body |= {"name": group.handle, "handle": group.handle, "description": "", "is_external": False}
    body |= {"date_delete": int(world.clock()) if group.disabled else 0, "user_count": len(group.users)}
    return body | ({"users": list(group.users)} if users else {})


def view_json(world: Workspace, view: View, state: Json | None = None) -> Json:
    """Return an open view, with what is filled in."""
    body: Json = {"id": view.id, "team_id": world.team_id, "app_id": world.app_id, "bot_id": world.bot.bot_id}
    body |= {"hash": view.hash, "root_view_id": view.root_id, "previous_view_id": view.previous_id}
    body |= {"private_metadata": "", "callback_id": "", "external_id": "", "app_installed_team_id": world.team_id}
    body |= {"clear_on_close": False, "notify_on_close": False, "close": None, "submit": None}
    return body | copy.deepcopy(view.body) | {"state": {"values": state or {}}}


def person_json(user: User) -> Json:
    """Return the actor of an interaction."""
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id}


def plain(value: Any) -> str:
    """Return the words of a text object."""
    return str(value.get("text", "")) if isinstance(value, dict) else ""
