"""Requests that must not be lost, and messages that others are to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.people import Actor
from bot.domain.requests import Post, Request


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request taken from the inbox to be worked on. `fence` proves at the end that it was still ours."""

    request: Request
    fence: int


class Inbox(Protocol):
    """Requests that must not be lost, each once."""

    async def accept(self, request: Request) -> bool:
        """Keep a request; False when the same delivery was kept before. Raises `StoreUnavailable`."""
        ...

    async def claim(self, *, lease_s: float, key: str | None = None) -> Claimed | None:
        """Take the oldest request that nobody works on (or that of `key`) for `lease_s` seconds."""
        ...

    async def waiting(self, actor: Actor) -> Sequence[Request]:
        """Return what this person asked for and is not done yet, the oldest first. Raises `StoreUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of the outbox that was claimed for delivery. `unsure` when an earlier try may have delivered it."""

    id: int
    post: Post
    fence: int
    attempts: int
    unsure: bool
    created_at: datetime


class Outbox(Protocol):
    """Messages that others are to see, delivered at least once and in order within a channel."""

    async def claim(self, *, lease_s: float) -> Outgoing | None:
        """Take the next due message of a channel that nobody delivers to."""
        ...

    async def delivered(self, outgoing: Outgoing, *, message_id: str) -> bool:
        """Record the delivery; False when the lease was lost meanwhile."""
        ...

    async def sending(self, outgoing: Outgoing) -> bool:
        """Record that the message is about to be handed over, so that a crash is known to leave doubt."""
        ...

    async def postpone(self, outgoing: Outgoing, *, delay_s: float, reason: str, unsure: bool) -> None:
        """Try again later; the channel's other messages wait behind it."""
        ...

    async def give_up(self, outgoing: Outgoing, *, reason: str, instead: Post | None = None) -> None:
        """Never deliver it; the reason stays in the store and in the audit, and `instead` is delivered in its place."""
        ...

    async def shown(self, outgoing: Outgoing) -> tuple[str, int]:
        """Return the message and the version in which an outgoing post's subject is shown in its channel."""
        ...

    async def thread(self, outgoing: Outgoing) -> str | None:
        """Return the thread that a post belongs under; None while the message it hangs on was not posted."""
        ...

    async def depth(self) -> int:
        """Return how many messages wait."""
        ...
