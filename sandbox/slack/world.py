"""The workspace: its people, channels, messages, views and secrets, and the few ways in which it changes.

All state of the stand-in is here, under an injected clock (epoch seconds) and a seed. Nothing here speaks HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sandbox.slack import limits
from sandbox.slack.errors import Impossible, SlackError
from sandbox.slack.ids import Ids, named_id
from sandbox.slack.mentions import Names
from sandbox.slack.records import (
    Channel,
    Content,
    File,
    Group,
    Message,
    ResponseHook,
    Revision,
    Token,
    Trigger,
    User,
    View,
)

BOT_SCOPES: Final = frozenset(
    {
        "commands", "chat:write", "app_mentions:read", "usergroups:read", "users:read", "channels:read", "groups:read",
        "channels:history", "groups:history", "im:history", "reactions:read", "files:write", "im:write",
    }
)  # fmt: skip
BOT_EVENTS: Final = frozenset(
    {
        "app_mention", "app_home_opened", "message.im", "reaction_added", "subteam_created", "subteam_updated",
        "subteam_members_changed", "app_uninstalled", "tokens_revoked",
    }
)  # fmt: skip
Clock = Callable[[], float]
Watcher = Callable[[Channel, Message], None]


class Workspace:
    """One Slack workspace with one installed app."""

    def __init__(self, name: str = "acme", *, clock: Clock = time.time, seed: int = 1) -> None:
        self.clock = clock
        self.ids = Ids(seed)
        self.domain = name
        self.team_id = named_id("T", name)
        self.app_id = named_id("A", "ragops")
        self.command = "/rag"
        self.should_escape = True
        self.home_enabled = True
        self.paid_plan = True
        self.picture_delay_s = 0.0
        self.bot_events = BOT_EVENTS
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.channels: dict[str, Channel] = {}
        self.tokens: dict[str, Token] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.hooks: dict[str, ResponseHook] = {}
        self.files: dict[str, File] = {}
        self.socket_tickets: set[str] = set()
        self.changes = 0
        self.on_direct: Watcher | None = None
        self.bot = self.add_user("rag", is_bot=True)
        self.bot_token = self._token("xoxb", "bot", BOT_SCOPES)
        self.app_token = self._token("xapp", "app", frozenset({"connections:write"}))

    def _token(self, prefix: str, kind: Any, scopes: frozenset[str]) -> str:
        token = Token(f"{prefix}-{self.ids.secret()}", kind, scopes)
        self.tokens[token.value] = token
        return token.value

    # People and places

    def add_user(self, name: str, *, is_bot: bool = False, **flags: Any) -> User:
        """Add a person (or the bot) under a name."""
        bot_id = named_id("B", name) if is_bot else None
        team_id = flags.pop("team_id", self.team_id)
        user = User(named_id("U", name), name, team_id, is_bot=is_bot, bot_id=bot_id, **flags)
        self.users[name] = user
        return user

    def change_user(self, name: str, **flags: Any) -> User:
        """Deactivate, restrict, or bring back a person."""
        self.users[name] = replace(self.person(name), **flags)
        self.touch()
        return self.users[name]

    def set_group(self, handle: str, members: list[str], *, disabled: bool = False) -> Group:
        """Create a user group or replace its members (names)."""
        users = tuple(self.person(name).id for name in members)
        self.groups[handle] = Group(named_id("S", handle), handle, users, disabled)
        self.touch()
        return self.groups[handle]

    def add_channel(self, name: str, members: list[str], **flags: Any) -> Channel:
        """Add a channel with members given by name."""
        channel = Channel(named_id("C", name), name, [self.users[member].id for member in members], **flags)
        self.channels[name] = channel
        return channel

    def person(self, name: str) -> User:
        """Return a user by name or id; raise Impossible when there is none."""
        found = self.users.get(name.removeprefix("@")) or self.user_by_id(name)
        if found is None:
            raise Impossible(f"there is no user {name!r}; there are {', '.join(self.users)}")
        return found

    def user_by_id(self, user_id: str) -> User | None:
        """Return a user by id."""
        return next((user for user in self.users.values() if user.id == user_id), None)

    def channel_by_id(self, channel_id: str) -> Channel | None:
        """Return a conversation by id."""
        return next((channel for channel in self.channels.values() if channel.id == channel_id), None)

    def place(self, name: str) -> Channel:
        """Return a channel by name or id; raise Impossible when there is none."""
        found = self.channels.get(name.removeprefix("#")) or self.channel_by_id(name)
        if found is None:
            raise Impossible(f"there is no channel {name!r}; there are {', '.join(self.channels)}")
        return found

    def direct_channel(self, user: User) -> Channel:
        """Return the direct message between the bot and a person, opened on demand."""
        key = f"dm-{user.name}"
        if key not in self.channels:
            members = [user.id, self.bot.id]
            self.channels[key] = Channel(named_id("D", user.name), key, members, is_private=True, is_im=True)
        return self.channels[key]

    def modal_of(self, user: User) -> View | None:
        """Return the modal on top of a person's stack."""
        stack = self.modals.get(user.id)
        return stack[-1] if stack else None

    def names(self) -> Names:
        """Return what naked names could mean."""
        return Names(
            {name: user.id for name, user in self.users.items()},
            {handle: group.id for handle, group in self.groups.items()},
            {name: channel.id for name, channel in self.channels.items() if not channel.is_im},
        )

    def labels(self) -> dict[str, str]:
        """Return the label of every id, as a person reads it."""
        found = {user.id: f"@{user.name}" for user in self.users.values()}
        found |= {group.id: f"@{group.handle}" for group in self.groups.values()}
        return found | {channel.id: f"#{channel.name}" for channel in self.channels.values()}

    # Messages

    def post(self, channel: Channel, user: User, content: Content, **more: Any) -> Message:
        """Add a message to a conversation."""
        now = self.clock()
        bot_id = user.bot_id
        message = Message(self.ids.stamp(now), channel.id, user.id, [Revision(now, content)], bot_id=bot_id, **more)
        channel.messages.append(message)
        self.touch()
        self._tell(channel, message)
        return message

    def edit(self, message: Message, content: Content) -> None:
        """Add a revision to a message."""
        message.revisions.append(Revision(self.clock(), content))
        self.touch()
        self._tell(self.place(message.channel_id), message)

    def _tell(self, channel: Channel, message: Message) -> None:
        """Tell whoever watches that something lasting was said or edited in a direct message."""
        if self.on_direct is not None and channel.is_im and not message.is_ephemeral:
            self.on_direct(channel, message)

    def delete(self, message: Message) -> None:
        """Take a message away from everybody's sight."""
        message.deleted = True
        self.touch()

    def touch(self) -> None:
        """Count a change, so that a waiting script knows that something happened."""
        self.changes += 1

    # Secrets with a lifetime

    def issue_trigger(self, user: User, *, from_modal: bool = False, channel: Channel | None = None) -> str:
        """Return a trigger_id for what this person just did, in a conversation where there was one."""
        place = channel.id if channel is not None else None
        trigger = Trigger(self.ids.trigger(), user.id, self.clock(), from_modal, channel_id=place)
        self.triggers[trigger.id] = trigger
        return trigger.id

    def redeem_trigger(self, trigger_id: str) -> Trigger:
        """Use a trigger_id up; raise SlackError when it is unknown, used, or older than three seconds."""
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.clock() - trigger.issued_at > limits.TRIGGER_S:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def issue_hook(self, channel: Channel, user: User, source: Message | None = None) -> ResponseHook:
        """Return a response_url for what this person just did."""
        thread_ts = source.thread_ts if source is not None and source.in_thread else None
        hook = ResponseHook(self.ids.secret(), channel.id, user.id, self.clock(), source, thread_ts)
        self.hooks[hook.secret] = hook
        return hook


def demo_workspace(clock: Clock = time.time) -> Workspace:
    """Return the workspace of the demo: an on-call engineer, two leads, a viewer, guests, and a stranger."""
    world = Workspace(clock=clock)
    for name in ("ann", "bob", "lea", "vic"):
        world.add_user(name)
    world.add_user("eve", is_restricted=True)
    world.add_user("sam", is_restricted=True, is_ultra_restricted=True)
    world.add_user("dora", deleted=True)
    world.add_user("kim", team_id=named_id("T", "other"), is_stranger=True)
    world.set_group("rag-oncall", ["ann"])
    world.set_group("rag-leads", ["bob", "lea"])
    everybody = ["rag", "ann", "bob", "lea", "vic"]
    # Guests and strangers sit in ops too: being in a channel is no permission.
    world.add_channel("ops", [*everybody, "eve", "sam", "kim"], is_shared=True)
    world.add_channel("general", everybody)
    world.add_channel("incidents", everybody)
    world.add_channel("leads", ["rag", "bob", "lea"], is_private=True)
    world.add_channel("old", everybody, is_archived=True)
    return world
