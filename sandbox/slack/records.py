"""The records a workspace is made of. What a person or an app cannot change is frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.slack.mentions import Reading

Json = dict[str, Any]
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


@dataclass(frozen=True, slots=True)
class User:
    """A member, guest, bot, or somebody from another team."""

    id: str
    name: str
    team_id: str
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    bot_id: str | None = None

    @property
    def is_full_member(self) -> bool:
        """Say whether this is a person with the rights of a member."""
        return not (self.is_bot or self.deleted or self.is_restricted or self.is_stranger)


@dataclass(frozen=True, slots=True)
class Group:
    """A user group such as @rag-oncall."""

    id: str
    handle: str
    users: tuple[str, ...]
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """What a token may do, and as whom."""

    value: str
    kind: Literal["bot", "app"]
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What one revision of a message says; parse and link_names are kept because they decide about pings."""

    text: str = ""
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    metadata: Json | None = None
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a message and when it began."""

    at: float
    content: Content


@dataclass(slots=True)
class Message:
    """A message with all its revisions; ``only_for`` makes it ephemeral."""

    ts: str
    channel_id: str
    user_id: str
    revisions: list[Revision]
    thread_ts: str | None = None
    bot_id: str | None = None
    only_for: str | None = None
    by_response_url: bool = False
    files: tuple[str, ...] = ()
    reactions: dict[str, list[str]] = field(default_factory=dict)
    deleted: bool = False

    @property
    def content(self) -> Content:
        """Return the newest revision's content."""
        return self.revisions[-1].content

    @property
    def is_ephemeral(self) -> bool:
        """Say whether only one person sees it."""
        return self.only_for is not None

    @property
    def in_thread(self) -> bool:
        """Say whether it is a reply (a parent is not)."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def pings(self) -> tuple[str, ...]:
        """Return whom it pinged in any revision: an edit is not allowed to add one either."""
        found = dict.fromkeys(ping for revision in self.revisions for ping in revision.content.reading.pings)
        return tuple(found)


@dataclass(slots=True)
class Channel:
    """A conversation: channel, private channel, or direct message."""

    id: str
    name: str
    members: list[str]
    is_private: bool = False
    is_archived: bool = False
    is_shared: bool = False
    is_im: bool = False
    messages: list[Message] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)
    bookmarks: list[Json] = field(default_factory=list)

    def find(self, ts: str) -> Message | None:
        """Return the message with that timestamp that everybody can see, if it still exists."""
        return next((m for m in self.messages if m.ts == ts and not m.deleted and not m.is_ephemeral), None)


@dataclass(slots=True)
class View:
    """An open modal or a published Home tab; ``typed`` is what a person filled in, ``channel_id`` where they were."""

    id: str
    user_id: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    channel_id: str | None = None
    typed: Json = field(default_factory=dict)


@dataclass(slots=True)
class Trigger:
    """A trigger_id: good for one call within three seconds."""

    id: str
    user_id: str
    issued_at: float
    from_modal: bool = False
    used: bool = False
    channel_id: str | None = None


@dataclass(slots=True)
class ResponseHook:
    """A response_url: a bearer secret, good for five posts within half an hour."""

    secret: str
    channel_id: str
    user_id: str
    issued_at: float
    source: Message | None = None
    thread_ts: str | None = None
    posts: int = 0


@dataclass(slots=True)
class File:
    """An upload: a ticket first, bytes next, completed last, and shared where it was asked for.

    An image can be named in blocks from ``shown_from`` on: the platform looks at it for a while.
    """

    id: str
    ticket: str
    name: str
    length: int
    snippet_type: str | None = None
    body: bytes | None = None
    title: str = ""
    shared_in: str | None = None
    shown_from: float | None = None

    @property
    def is_image(self) -> bool:
        """Say whether its bytes are those of a picture, whatever its name says."""
        return self.body is not None and self.body.startswith(_PICTURES)
