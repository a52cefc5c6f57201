"""What every method is declared with and handed: the table's row, the call, and typed access to its arguments."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from sandbox.slack.errors import SlackError
from sandbox.slack.records import Channel, Json, Token, User
from sandbox.slack.world import Workspace


class Tier(Enum):
    """Calls a minute that Slack grants for sure; POST and SPECIAL have their own rules."""

    T1 = 1
    T2 = 20
    T3 = 50
    T4 = 100
    POST = 60
    SPECIAL = 600


@dataclass(frozen=True, slots=True)
class Args:
    """The arguments of one call, whatever wire form they came in."""

    values: Mapping[str, Any]

    def text(self, key: str, default: str = "") -> str:
        """Return a string argument."""
        value = self.values.get(key)
        return default if value is None else str(value)

    def required(self, key: str, error: str = "invalid_arguments") -> str:
        """Return a string argument; raise SlackError(error) when it is absent or empty."""
        value = self.text(key)
        if not value:
            raise SlackError(error, response_metadata={"messages": [f"[ERROR] missing required field: {key}"]})
        return value

    def flag(self, key: str) -> bool:
        """Return a boolean in any of its spellings."""
        return self.values.get(key) in (True, "true", "True", "1")

    def number(self, key: str, default: int) -> int:
        """Return an integer argument."""
        try:
            return int(self.text(key) or default)
        except ValueError as error:
            raise SlackError("invalid_arguments") from error

    def data(self, key: str) -> Any:
        """Return an argument that is JSON, sent as such or as a string."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise SlackError("invalid_json" if key != "blocks" else "invalid_blocks_format") from error


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call."""

    world: Workspace
    args: Args
    token: Token
    origin: str

    def message_fields(self) -> Json:
        """Return the arguments with the parts of a message decoded."""
        decoded = {key: self.args.data(key) for key in ("blocks", "attachments", "metadata")}
        return {**self.args.values, **decoded}

    def need(self, scope: str) -> None:
        """Raise ``missing_scope`` unless the token has that scope."""
        if scope not in self.token.scopes:
            raise missing_scope(self.token, scope)

    def user(self, key: str = "user") -> User:
        """Return the user an argument names by id."""
        found = self.world.user_by_id(self.args.required(key, "user_not_found"))
        if found is None:
            raise SlackError("user_not_found")
        return found

    def visible_channel(self, key: str = "channel", *, by_name: bool = False) -> Channel:
        """Return a channel that the bot may know of; a private one exists for its members only."""
        wanted = self.args.required(key, "channel_not_found")
        channel = self.world.channel_by_id(wanted)
        if channel is None and by_name:
            named = self.world.channels.get(wanted.removeprefix("#"))
            person = self.world.user_by_id(wanted)
            channel = self.world.direct_channel(person) if person else named
        if channel is None or (channel.is_private and self.world.bot.id not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def open_channel(self, key: str = "channel", *, by_name: bool = False, archived: str = "is_archived") -> Channel:
        """Return a channel the bot may write to: a member of it, and not archived."""
        channel = self.visible_channel(key, by_name=by_name)
        if channel.is_archived:
            raise SlackError(archived)
        if self.world.bot.id not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def page(self, items: Sequence[Any], default: int = 100, most: int = 1000) -> tuple[list[Any], str]:
        """Return one page of a list and the cursor of the next."""
        start = _offset(self.args.text("cursor"))
        end = start + max(1, min(self.args.number("limit", default), most))
        cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
        return list(items[start:end]), cursor


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the method table; any one of the scopes opens the door."""

    name: str
    run: Callable[[Call], Json]
    tier: Tier
    scopes: tuple[str, ...] = ()
    kind: Literal["bot", "app"] = "bot"


def missing_scope(token: Token, needed: str) -> SlackError:
    """Return the error that names what the token has and lacks."""
    return SlackError("missing_scope", needed=needed, provided=",".join(sorted(token.scopes)))


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (binascii.Error, ValueError) as error:
        raise SlackError("invalid_cursor") from error
