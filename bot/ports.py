"""What the outside must offer, as small protocols. Adapters implement them; the rest sees nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.actions import Action
from bot.domain.catalogue import Catalogue
from bot.domain.objects import NodeLoad
from bot.domain.people import Actor, Membership, Permission
from bot.domain.policy import Authorization
from bot.domain.requests import Place, Post, Request
from bot.domain.snapshot import LogExcerpt, LogKey, LogQuery, LogRead, Part, Snapshot
from bot.domain.targets import ClusterName, Scope
from bot.domain.view import View


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


# --- the cluster ------------------------------------------------------------------------------------------------------


class ClusterReader(Protocol):
    """Reads of configured clusters. It cannot write."""

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        """Return what is known of `parts` now.

        A part that may not be read or that the cluster lacks is MISSING with the reason; an old picture is STALE with
        its age. Raises `ClusterError` only when nothing at all can be said (unreachable, unauthorized).
        """
        ...

    async def node_load(self, cluster: ClusterName) -> Mapping[str, NodeLoad]:
        """Return what the unfinished pods of each node ask for, over all namespaces; at most 30 s old.

        Raises `ClusterError` when it cannot be had, `ClusterForbidden` without the right to list all pods.
        """
        ...


class LogStream(Protocol):
    """Logs of containers, bounded and redacted."""

    async def tails(self, scope: Scope, keys: Sequence[LogKey], *, lines: int) -> Mapping[LogKey, LogExcerpt]:
        """Return the last `lines` lines of each; a log that cannot be had is an excerpt with a `problem`."""
        ...

    async def read(self, scope: Scope, queries: Sequence[LogQuery]) -> Mapping[LogKey, LogRead]:
        """Return lines with their times, bounded in number and size; each log's own trouble is its `problem`."""
        ...


# --- people -----------------------------------------------------------------------------------------------------------


class Directory(Protocol):
    """People and their groups."""

    async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
        """Return what is known of a person. `fresh` asks for a copy at most 5 s old. Raises `DirectoryUnavailable`."""
        ...


# --- the store --------------------------------------------------------------------------------------------------------


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

    async def give_up(self, outgoing: Outgoing, *, reason: str) -> None:
        """Never deliver it; the reason stays in the store and in the audit."""
        ...

    async def depth(self) -> int:
        """Return how many messages wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that happened: who, what, to what, with which result. Ids and short words; never secrets."""

    actor: str
    action: str
    subject: str
    result: str
    detail: Mapping[str, str | int | bool]


class Transaction(Protocol):
    """Writes that happen together or not at all."""

    async def finish(self, claimed: Claimed) -> bool:
        """Mark a request done and wipe its reply address; False (and then roll back) when the lease was lost."""
        ...

    async def put(self, post: Post) -> int:
        """Add a message to the outbox."""
        ...

    async def audit(self, entry: AuditEntry) -> None:
        """Append to the audit chain. Call it last: it takes the chain's lock until the commit."""
        ...


class Store(Protocol):
    """The one place that keeps state."""

    @property
    def inbox(self) -> Inbox: ...

    @property
    def outbox(self) -> Outbox: ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction: commit on exit, roll back on an exception. Raises `StoreUnavailable`."""
        ...


# --- the chat platform ------------------------------------------------------------------------------------------------


class Notifier(Protocol):
    """The way to people."""

    async def post(self, post: Post, *, tag: str) -> str:
        """Post a message for everybody in the place and return its id.

        `tag` goes into the message's metadata. Raises `DeliveryThrottled`, `DeliveryRefused`, `DeliveryUnknown`.
        """
        ...

    async def find(self, place: Place, *, tag: str) -> str | None:
        """Look for a message with `tag` in the place; None when it is not there."""
        ...

    async def reply(self, request: Request, view: View, *, replace: bool = False) -> None:
        """Answer the person who asked, seen by nobody else; `replace` edits the message whose button was pressed."""
        ...


# --- what verbs are handed --------------------------------------------------------------------------------------------


class Actions(Protocol):
    """The verbs there are."""

    def all(self) -> Sequence[Action]:
        """Return every verb, by name."""
        ...

    def find(self, name: str) -> Action:
        """Return a verb. Raises `UsageError` with suggestions."""
        ...

    def usage(self, action: Action) -> str:
        """Return its usage line."""
        ...


class Asker(Protocol):
    """Runs a query as the person who asks, with that person's rights."""

    async def view(self, text: str) -> View:
        """Return the query's answer as others will see it. Raises `UsageError` when `text` is no query."""
        ...


class Rights(Protocol):
    """Decides what a person may do, from fresh enough knowledge."""

    async def of(self, actor: Actor, permission: Permission) -> Authorization:
        """Decide. A failed look-up is a refusal with its reason, never an exception."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a verb was handed. A port that it did not name in `needs` is None here."""

    scope: Scope
    request: Request
    now: datetime
    cluster: ClusterReader | None = None
    logs: LogStream | None = None
    registry: Actions | None = None
    rights: Rights | None = None
    ask: Asker | None = None
    catalogue: Catalogue | None = None


class RateLimiter(Protocol):
    """Counts shared by the replicas; losing it costs speed, never correctness."""

    async def allow(self, key: str, *, limit: int, window_s: int) -> bool:
        """Count one use of `key` in the present window; False when it is over `limit`."""
        ...
