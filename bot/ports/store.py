"""The one place that keeps state, and its transactions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from bot.domain.operations import Operation
from bot.domain.requests import Post
from bot.domain.targets import Scope
from bot.domain.watch.episodes import Episode
from bot.domain.watch.keeps import Keep
from bot.domain.watch.samples import Note, Problem, Sample
from bot.ports.audit import AuditEntry, AuditTrail
from bot.ports.messages import Claimed, Inbox, Outbox
from bot.ports.operations import ChangeRecord, Operations, Token
from bot.ports.watch import Episodes, History, SlotClaim, Slots


class Seen(Protocol):
    """Keys that were met before, over all replicas: the truth behind the hot state's quick answer."""

    async def first(self, key: str, *, keep_s: int) -> bool:
        """Note a key; False when it was noted before and is still kept. Raises `StoreUnavailable`."""
        ...


class Transaction(Protocol):
    """Writes that happen together or not at all."""

    async def now(self) -> datetime:
        """Return the database's time, which decides all deadlines. Call it after a lock was waited for."""
        ...

    async def add_operation(self, operation: Operation, tokens: Sequence[Token]) -> bool:
        """Keep a new one with the addresses of its buttons; False when another blocks its target."""
        ...

    async def operation(self, operation_id: str) -> Operation | None:
        """Return one and lock it until the commit."""
        ...

    async def save(self, operation: Operation, *, fence: int | None = None) -> bool:
        """Write what changed, votes included. With a `fence`, False (and then roll back) when it is no longer that."""
        ...

    async def claim_slot(self, name: str, due_at: datetime) -> bool:
        """Take a due moment of a schedule for this transaction; False when somebody has it."""
        ...

    async def finish_slot(self, claim: SlotClaim, *, outcome: str, fresh: bool = False) -> bool:
        """Mark a due moment done (see `SlotRun`); False (and then roll back) when the lease was lost.

        With `fresh` also when the lease is over, or who began later has ended: what was seen is out of date then.
        """
        ...

    async def keep(self, kept: Keep) -> bool:
        """Carry an effect out; False when there is nothing (any more) that it could be about."""
        ...

    async def episodes(self, scope: Scope) -> Sequence[Episode]:
        """Return the episodes of a scope that are not resolved, and lock the scope's episodes until the commit."""
        ...

    async def save_episode(self, episode: Episode) -> None:
        """Keep an episode, new or changed. The scope's lock is held."""
        ...

    async def record(
        self,
        scope: Scope,
        minute: datetime,
        samples: Sequence[Sample],
        problems: Sequence[Problem] | None,
        unjudged: Sequence[str] = (),
    ) -> None:
        """Keep the samples of a minute, and which problems there are; None: that is not known, so none ends.

        Nor does one whose key has one of `unjudged` in it.
        """
        ...

    async def note(self, note: Note) -> bool:
        """Keep something that happened; False when it was noted before."""
        ...

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
    def operations(self) -> Operations: ...

    @property
    def record(self) -> ChangeRecord: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def audit_trail(self) -> AuditTrail: ...

    @property
    def seen(self) -> Seen: ...

    @property
    def history(self) -> History: ...

    @property
    def episodes(self) -> Episodes: ...

    @property
    def slots(self) -> Slots: ...

    async def ping(self) -> None:
        """Ask for a sign of life. Raises `StoreUnavailable`."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction: commit on exit, roll back on an exception. Raises `StoreUnavailable`."""
        ...
