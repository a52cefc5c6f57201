"""Whom a message would ping and where it would link, read as Slack reads it; in doubt it pings.

A naive bot must be seen to ping: entities are decoded once more where parsing is on, code spans do not protect, and
an edit or an ephemeral message counts like a post.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_SEQUENCE: Final = re.compile(r"<([^<>]*)>")
_USER: Final = re.compile(r"@([UW][A-Z0-9]{2,})(?:\|.*)?", re.DOTALL)
_GROUP: Final = re.compile(r"!subteam\^(S[A-Z0-9]{2,})(?:[|^].*)?", re.DOTALL)
_BROADCAST: Final = re.compile(r"!(channel|here|everyone)(?:\|.*)?", re.DOTALL)
_CHANNEL: Final = re.compile(r"#(C[A-Z0-9]{2,})(?:\|.*)?", re.DOTALL)
_DATE_LINK: Final = re.compile(r"!date\^[^^]*\^[^^]*\^(\w+://[^|]*)")
_URL: Final = re.compile(r"((?:https?|ftp)://[^|\s]+|mailto:[^|\s]+)(?:\|.*)?", re.DOTALL)
_NAKED_NAME: Final = re.compile(r"(?<![\w@<])@([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
_NAKED_CHANNEL: Final = re.compile(r"(?<![\w#&<])#([a-z0-9_-]+)", re.IGNORECASE)
_NAKED_URL: Final = re.compile(r"(?:https?://|mailto:|www\.)[^\s<>|]+", re.IGNORECASE)
_NAKED_HOST: Final = re.compile(
    r"(?<![\w./@-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|example)\b[^\s<>|]*", re.IGNORECASE
)
_MARKDOWN_LINK: Final = re.compile(r"!?\[[^\]]*\]\(\s*(\w+:[^)\s]+)[^)]*\)")
_BROADCASTS: Final = frozenset({"channel", "here", "everyone"})
_PARSING: Final = frozenset({"full", "client"})


@dataclass(frozen=True, slots=True)
class Names:
    """The names that naked ``@name`` and ``#name`` could mean, each with its id."""

    users: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message does to people: pings (``channel``, ``U…``, ``S…``) and links."""

    pings: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


def read_message(message: Mapping[str, Any], names: Names) -> Reading:
    """Return the pings and links of a message as sent (text, blocks, attachments, parse, link_names)."""
    parse = str(message.get("parse", "none"))
    parsing = parse in _PARSING
    linking = parsing or bool(message.get("link_names"))
    text = str(message.get("text") or "")
    found = list(_markup(text, names, naked_names=linking, naked_links=parsing, twice=parsing))
    for block in message.get("blocks") or ():
        found += _walk(block, names, twice=parsing)
    for attachment in message.get("attachments") or ():
        found += _attachment(attachment, names, twice=parsing)
    # The fallback text usually says what the blocks say: one message pings one target once.
    pings = dict.fromkeys(value for kind, value in found if kind == "ping")
    return Reading(tuple(pings), tuple(value for kind, value in found if kind == "link"))


_Found = Iterator[tuple[str, str]]


def _markup(text: str, names: Names, *, naked_names: bool, naked_links: bool, twice: bool = False) -> _Found:
    """Read one piece of mrkdwn."""
    if twice:
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    for match in _SEQUENCE.finditer(text):
        yield from _sequence(match[1])
    rest = _SEQUENCE.sub(" ", text)
    if naked_names:
        yield from _naked(rest, names)
    if naked_links:
        for pattern in (_NAKED_URL, _NAKED_HOST):
            yield from (("link", match[0]) for match in pattern.finditer(rest))


def _sequence(inside: str) -> _Found:
    """Read the inside of one pair of angle brackets."""
    for pattern in (_BROADCAST, _USER, _GROUP):
        if match := pattern.fullmatch(inside):
            yield "ping", match[1]
    for pattern in (_CHANNEL, _URL):
        if match := pattern.fullmatch(inside):
            yield "link", match[1]
    if match := _DATE_LINK.match(inside):
        yield "link", match[1]


def _naked(text: str, names: Names) -> _Found:
    for match in _NAKED_NAME.finditer(text):
        name = match[1].lower().rstrip(".-")
        known = names.users.get(name) or names.groups.get(name)
        if name in _BROADCASTS:
            yield "ping", name
        elif known:
            yield "ping", known
    for match in _NAKED_CHANNEL.finditer(text):
        if known := names.channels.get(match[1].lower()):
            yield "link", known


def _walk(node: Any, names: Names, *, twice: bool) -> _Found:
    """Read a block, or anything inside one, by its type."""
    if isinstance(node, Sequence) and not isinstance(node, str):
        for item in node:
            yield from _walk(item, names, twice=twice)
        return
    if not isinstance(node, Mapping):
        return
    kind = node.get("type")
    if kind == "mrkdwn":
        automatic = not node.get("verbatim", False)
        yield from _markup(
            str(node.get("text", "")), names, naked_names=automatic, naked_links=automatic, twice=twice and automatic
        )
    elif kind == "markdown":
        text = str(node.get("text", ""))
        yield from _markup(text, names, naked_names=True, naked_links=True)
        yield from (("link", match[1]) for match in _MARKDOWN_LINK.finditer(text))
    elif isinstance(kind, str) and kind in _LEAVES:
        yield _LEAVES[kind][0], str(node.get(_LEAVES[kind][1], ""))
    else:
        for value in node.values():
            yield from _walk(value, names, twice=twice)


_LEAVES: Final[Mapping[str, tuple[str, str]]] = {
    "user": ("ping", "user_id"),
    "usergroup": ("ping", "usergroup_id"),
    "broadcast": ("ping", "range"),
    "link": ("link", "url"),
    "channel": ("link", "channel_id"),
}


def _attachment(attachment: Mapping[str, Any], names: Names, *, twice: bool) -> _Found:
    """Read an old-style attachment: its texts are mrkdwn that nothing marks as verbatim."""
    yield from _walk(attachment.get("blocks") or (), names, twice=twice)
    texts = [attachment.get(key) for key in ("text", "pretext", "fallback", "title")]
    texts += [item.get("value") for item in attachment.get("fields") or () if isinstance(item, Mapping)]
    for text in texts:
        if text:
            yield from _markup(str(text), names, naked_names=True, naked_links=True, twice=twice)
