"""`ragops.toml` as it stands: what it names besides its meaning, and on which line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain.people import RoleName
from bot.toml_lines import KeyPath, TomlSyntaxError, line_of, parse_toml

PLACEHOLDER = "FILL-IN"
"""Marks in a file of `ragops init` what only its reader knows."""

_ID = re.compile(r"[SUWCGD][A-Z0-9]{2,20}")
_PLACEHOLDER = re.compile(rf"[A-Z]-{PLACEHOLDER}(?:-[A-Z]+)*")


class MentionKind(StrEnum):
    """What an id stands for."""

    GROUP = "user group"
    USER = "user"
    CHANNEL = "channel"


_KINDS: Mapping[str, tuple[MentionKind, str]] = {
    "groups": (MentionKind.GROUP, "S"),
    "users": (MentionKind.USER, "UW"),
    "accounts": (MentionKind.USER, "UW"),
    "people": (MentionKind.USER, "UW"),
    "channel": (MentionKind.CHANNEL, "CGD"),
    "channels": (MentionKind.CHANNEL, "CGD"),
    "critical": (MentionKind.CHANNEL, "CGD"),
    "warning": (MentionKind.CHANNEL, "CGD"),
    "info": (MentionKind.CHANNEL, "CGD"),
}
_NESTED = {
    "changes": "the rules of changes",
    "people": "a person's accounts",
    "on_call": "the rota",
    "alerts": "alerts",
    "digests": "a digest",
}


@dataclass(frozen=True, slots=True)
class Mention:
    """One id in the file, what it is there for (`role operator`), and where (`ragops.toml:12`)."""

    kind: MentionKind
    id: str
    purpose: str
    where: str


@dataclass(frozen=True, slots=True)
class Written:
    """The file's text, its values, and the line of each of them. Nothing is in it when it is no TOML."""

    source: str
    text: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, source: str) -> Written:
        """Read a text, however wrong it is."""
        try:
            values, lines = parse_toml(text)
        except TomlSyntaxError:
            return cls(source, text)
        return cls(source, text, values, lines)

    def at(self, *path: str | int) -> str:
        """Return where a key or an item stands, or what is nearest above it; the file itself when nothing is."""
        return f"{self.source}:{line_of(self.lines, path)}" if path and path[:1] in self.lines else self.source

    def mentions(self) -> tuple[Mention, ...]:
        """Return every id that stands where one is meant, in the order of the file's tables."""
        return tuple(self._mentions())

    def placeholders(self) -> tuple[tuple[str, str], ...]:
        """Return where a placeholder is left in a comment, and which; outside of comments the reader complains."""
        found = []
        for number, line in enumerate(self.text.splitlines(), 1):
            left = _PLACEHOLDER.search(line) if line.lstrip().startswith("#") else None
            if left is not None:
                found.append((f"{self.source}:{number}", left[0]))
        return tuple(found)

    def _mentions(self) -> Iterator[Mention]:
        roles = self.values.get("roles")
        for role in RoleName:
            if isinstance(roles, dict) and isinstance(roles.get(role), dict):
                yield from self._people(roles[role], f"the role {role}", ("roles", role))
        grants = self.values.get("grants")
        for index, grant in enumerate(grants if isinstance(grants, list) else ()):
            if isinstance(grant, dict):
                yield from self._people(grant, f"a grant of {grant.get('role', 'a role')}", ("grants", index))
        audit = self.values.get("audit")
        if isinstance(audit, dict) and _is_id(audit.get("channel"), "CGD"):
            purpose = "the head of the audit"
            yield Mention(MentionKind.CHANNEL, audit["channel"], purpose, self.at("audit", "channel"))
        for key, purpose in _NESTED.items():
            yield from self._within(self.values.get(key), purpose, (key,))

    def _within(self, value: object, purpose: str, path: KeyPath) -> Iterator[Mention]:
        """Return the ids anywhere below a place: rules nest, and digests have names."""
        if isinstance(value, dict):
            for key, below in value.items():
                yield from self._within(below, purpose, (*path, key))
        elif isinstance(value, list):
            for index, below in enumerate(value):
                yield from self._within(below, purpose, (*path, index))
        else:
            # The nearest key above an item tells what its list is of.
            key = next(step for step in reversed(path) if isinstance(step, str))
            kind, letters = _KINDS.get(key, (None, ""))
            if kind is not None and isinstance(value, str) and _is_id(value, letters):
                yield Mention(kind, value, purpose, self.at(*path))

    def _people(self, table: Mapping[str, Any], purpose: str, path: KeyPath) -> Iterator[Mention]:
        for key, kind, letters in (("groups", MentionKind.GROUP, "S"), ("users", MentionKind.USER, "UW")):
            listed = table.get(key)
            for index, value in enumerate(listed if isinstance(listed, list) else ()):
                if _is_id(value, letters):
                    yield Mention(kind, value, purpose, self.at(*path, key, index))


def _is_id(value: object, letters: str) -> bool:
    return isinstance(value, str) and value[:1] in letters and _ID.fullmatch(value) is not None
