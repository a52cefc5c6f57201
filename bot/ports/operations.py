"""Requests for changes as they are kept, and what is remembered of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.live import Target
from bot.domain.operations import Operation, State
from bot.domain.targets import ObjectRef, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The address on a button: which request, which plan, what it says, and in which channel it is valid.

    The table keeps the SHA-256 (`hash`, hexadecimal) of what the button carries.
    """

    hash: str
    operation_id: str
    digest: str
    purpose: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One write that was about to be sent: under which fence, on which version of the target, and how it ended.

    `number` counts the writes of one step; `outcome` is empty while nobody knows.
    """

    operation_id: str
    fence: int
    number: int
    resource_version: str
    generation: int
    prior_marker: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationQuery:
    """What to look for. Empty means any; `within_s` bounds how long ago the finished ones ended."""

    states: frozenset[State] = frozenset()
    target: ObjectRef | None = None
    scope: Scope | None = None
    within_s: int | None = None
    limit: int = 20


class Operations(Protocol):
    """Requests for changes. Everything that decides happens in a `Transaction`, under the row's lock."""

    async def find(self, operation_id: str) -> Operation | None:
        """Return one as it is now; a longer id's beginning is enough when only one begins so (at least six letters)."""
        ...

    async def blocking(self, target: Target) -> Operation | None:
        """Return the one that no other change of the target may overtake."""
        ...

    async def search(self, query: OperationQuery) -> Sequence[Operation]:
        """Return those that fit, the newest first."""
        ...

    async def token(self, token_hash: str) -> Token | None:
        """Return what a button's address stands for; None when it is not ours or its time is over."""
        ...

    async def message(self, subject: str, channel: str) -> str:
        """Return the id of the message that shows a subject in a channel; empty while there is none."""
        ...

    async def take(self, *, lease_s: float, worker: str) -> Operation | None:
        """Take the oldest APPROVED or EXECUTING one that nobody works on, for `lease_s` seconds.

        Of an EXECUTING one the fence is raised in the same statement: whoever had it before can write nothing to the
        store any more.
        """
        ...

    async def renew(self, operation: Operation, *, lease_s: float) -> bool:
        """Hold it for longer; False when the fence is no longer ours."""
        ...

    async def release(self, operation: Operation) -> None:
        """Let it go, so that anybody may take it at once."""
        ...

    async def begin_attempt(self, attempt: Attempt) -> bool:
        """Note a write before it is sent, under the fence; False when the fence is no longer ours."""
        ...

    async def end_attempt(self, attempt: Attempt, outcome: str) -> None:
        """Note how it ended: `applied`, `conflict`, `refused`, `throttled`, `unknown`."""
        ...

    async def attempts(self, operation_id: str) -> Sequence[Attempt]:
        """Return the attempts, the oldest first."""
        ...

    async def due(self, *, limit: int) -> Sequence[str]:
        """Return ids of those with something due now: a reminder, the end of their time, a verdict."""
        ...

    async def left_marks(self, scope: Scope) -> Sequence[str]:
        """Return the ids of operations that were applied in a scope, to compare with the marks in the cluster."""
        ...

    async def blocking_counts(self) -> Mapping[State, int]:
        """Return how many there are in each state that blocks its target: all open ones, and doubts unresolved."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSeen:
    """One revision of a workload that was seen to work: all its pods were new and ready, and no finding about them.

    `revision_uid` is the ReplicaSet's uid, or the ControllerRevision's name. `version` is the tag for people.
    """

    ref: ObjectRef
    workload_uid: str
    revision_uid: str
    number: int
    version: str
    pods: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedRevision:
    """What is known of a revision that worked: from when to when it was seen, and for how many minutes in all.

    One of the same name that was there before has another `workload_uid`.
    """

    workload_uid: str
    revision_uid: str
    number: int
    version: str
    first_at: datetime
    last_at: datetime
    minutes: int


class ChangeRecord(Protocol):
    """What was seen to work, and how long changes took. Raises `StoreUnavailable`."""

    async def worked(self, scope: Scope, ref: ObjectRef) -> Sequence[WorkedRevision]:
        """Return the revisions of a workload that were seen to work, the latest first."""
        ...

    async def note(self, scope: Scope, seen: Sequence[RevisionSeen]) -> None:
        """Add a minute to each, for this replica alone or for all: the caller has claimed the minute."""
        ...

    async def lasted(self, scope: Scope, ref: ObjectRef) -> Sequence[float]:
        """Return how many seconds the last roll-outs took that ragops made of a workload, the latest first; up to 5."""
        ...
