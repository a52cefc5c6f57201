"""The groups of a workspace as the platform lists them, and as the replicas hand them to one another."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from bot.errors import DirectoryUnavailable

log = logging.getLogger(__name__)

SOURCE: Final = "user groups of the workspace"
_VERSION: Final = 1
_LONGEST_SOURCE: Final = 400


@dataclass(frozen=True, slots=True)
class Groups:
    """Every enabled group: members and handle by the group's id; and in words where that is from."""

    members: Mapping[str, frozenset[str]]
    handles: Mapping[str, str]
    source: str = SOURCE

    def of(self, user_id: str) -> frozenset[str]:
        """Return the groups of a person, by id."""
        return frozenset(group for group, users in self.members.items() if user_id in users)


def no_groups(reason: str) -> Groups:
    """Return what a workspace without groups has: nobody is in any, so only roles bound to user ids are held."""
    words = reason.strip().rstrip(".")
    words = words[:1].lower() + words[1:]
    source = f"user ids of the configuration (this workspace has no user groups: {words})"
    return Groups(MappingProxyType({}), MappingProxyType({}), source)


def read_groups(listed: Any) -> Groups:
    """Return the enabled groups of an answer. Raises `DirectoryUnavailable` when it cannot be read.

    A group that comes without its members counts as empty, which lets nobody in, and is logged.
    """
    if not isinstance(listed, list):
        raise _unreadable("there is no list")
    members: dict[str, frozenset[str]] = {}
    handles: dict[str, str] = {}
    for group in listed:
        if not isinstance(group, dict) or not isinstance(group.get("id"), str) or not group["id"]:
            raise _unreadable("a group has no id")
        if group.get("date_delete"):
            continue
        if group.get("users") is None and group.get("user_count"):
            log.warning("a group came without its members", extra={"event": "group_unreadable", "group": group["id"]})
        members[group["id"]] = _ids(group.get("users") or [])
        handles[group["id"]] = str(group.get("handle") or "")
    return Groups(MappingProxyType(members), MappingProxyType(handles))


def to_entry(groups: Groups, *, team_id: str, read_at: datetime) -> bytes:
    """Return groups as the replicas hand them around, with the moment they were asked for."""
    listed = {
        group: {"handle": groups.handles[group], "users": sorted(users)} for group, users in groups.members.items()
    }
    entry = {
        "version": _VERSION,
        "team": team_id,
        "read_at": read_at.isoformat(),
        "source": groups.source,
        "groups": listed,
    }
    return json.dumps(entry, separators=(",", ":")).encode()


def from_entry(entry: bytes, *, team_id: str) -> tuple[Groups, datetime] | None:
    """Return what another replica wrote; None unless every bit of it has the right form and is of this workspace."""
    try:
        known = json.loads(entry)
        if (known["version"], known["team"]) != (_VERSION, team_id):
            return None
        read_at, source, listed = datetime.fromisoformat(known["read_at"]), known["source"], known["groups"]
        members = {group: _ids(facts["users"]) for group, facts in listed.items()}
        handles = {group: facts["handle"] for group, facts in listed.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, DirectoryUnavailable):
        return None
    texts = (source, *handles.values())
    if read_at.tzinfo is None or not all(isinstance(text, str) and text.isprintable() for text in texts):
        return None
    if not 0 < len(source) <= _LONGEST_SOURCE:
        return None
    return Groups(MappingProxyType(members), MappingProxyType(handles), source), read_at


def _ids(users: Any) -> frozenset[str]:
    if not isinstance(users, list) or not all(isinstance(user, str) for user in users):
        raise _unreadable("a group's members are no list of ids")
    return frozenset(users)


def _unreadable(why: str) -> DirectoryUnavailable:
    return DirectoryUnavailable(f"Slack's list of groups cannot be read: {why}.")
