"""What a person typed, as Slack passes it on: names become ids, and the three special characters are escaped."""

from __future__ import annotations

import re
from typing import Final

from sandbox.slack.world import Workspace

_TOKEN: Final = re.compile(r"(?<![\w@#<])([@#])([A-Za-z0-9][A-Za-z0-9._-]*)")
_URL: Final = re.compile(r"https?://[^\s<>|]+")
_BROADCASTS: Final = frozenset({"channel", "here", "everyone"})


def escape(text: str) -> str:
    """Escape the three characters that Slack escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed_message(world: Workspace, text: str) -> str:
    """Return the text of a message as an event carries it: ``<@U…>``, ``<#C…|name>``, ``<https://…>``."""
    return _linked(world, text, labels=False)


def typed_command(world: Workspace, text: str) -> str:
    """Return the text of a slash command: with should_escape ids carry their names, without it names stay names."""
    return _linked(world, text, labels=True) if world.should_escape else escape(text)


def _linked(world: Workspace, text: str, *, labels: bool) -> str:
    """Names and addresses become control sequences; whatever else a person typed stays text."""
    escaped = _URL.sub(lambda match: f"<{match[0]}>", escape(text))
    return _TOKEN.sub(lambda match: _sequence(world, match[1], match[2], labels=labels), escaped)


def _sequence(world: Workspace, mark: str, name: str, *, labels: bool) -> str:
    stem = name.rstrip(".-_")
    tail = name[len(stem) :]
    key = stem.lower()
    if mark == "#" and key in world.channels:
        return f"<#{world.channels[key].id}|{key}>{tail}"
    if mark == "@" and key in world.users:
        label = f"|{key}" if labels else ""
        return f"<@{world.users[key].id}{label}>{tail}"
    if mark == "@" and key in world.groups:
        label = f"|@{key}" if labels else ""
        return f"<!subteam^{world.groups[key].id}{label}>{tail}"
    if mark == "@" and key in _BROADCASTS:
        return f"<!{key}>{tail}"
    return mark + name
