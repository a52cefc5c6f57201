"""Which events reach the app: those it subscribed to, where it was granted the scope that they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.slack.records import Json
from sandbox.slack.world import Workspace

EVENT_SCOPES: Final[Mapping[str, str]] = {
    "app_mention": "app_mentions:read",
    "message.im": "im:history",
    "reaction_added": "reactions:read",
    "subteam_created": "usergroups:read",
    "subteam_members_changed": "usergroups:read",
    "subteam_updated": "usergroups:read",
}


def is_heard(world: Workspace, event: Json) -> bool:
    """Say whether the app hears of an event."""
    name = str(event["type"])
    if name == "message":
        name = f"message.{event['channel_type']}"
    scope = EVENT_SCOPES.get(name)
    return name in world.bot_events and (scope is None or scope in world.tokens[world.bot_token].scopes)
