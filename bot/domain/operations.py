"""A change on its way: its states, its votes, and what can be told of it. Records only; see `transitions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.approval import Quorum, quorum
from bot.domain.plans import Plan
from bot.domain.requests import Place


class State(StrEnum):
    """Where an operation stands. The last seven are final."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    DENIED = "DENIED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"

    @property
    def final(self) -> bool:
        """Say whether no machine ever leaves this state."""
        return self not in _OPEN


_OPEN = frozenset({State.PENDING, State.APPROVED, State.EXECUTING})
WAITING = frozenset({State.PENDING, State.APPROVED})


class Effect(StrEnum):
    """What the cluster got of it."""

    NONE = "none"
    APPLIED = "applied"
    UNKNOWN = "unknown"


class Resolution(StrEnum):
    """What a person found out about an operation of unknown effect."""

    HAPPENED = "happened"
    NOT_HAPPENED = "did not happen"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One human's approval of one plan, and what it was judged by.

    `sets` are those of the rule that this human could fill; `void` says why it counts no longer.
    """

    human: str
    user_id: str
    team_id: str
    sets: tuple[str, ...]
    digest: str
    cast_at: datetime
    groups: tuple[str, ...] = ()
    groups_read_at: datetime | None = None
    void: str = ""


@dataclass(frozen=True, slots=True)
class CardCopy:
    """A copy of the card: for whom, and the direct message that it stands in."""

    user_id: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a roll-out is: pods that are new and ready, of all that are wanted."""

    ready: int
    wanted: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether it helped: the findings that were there and are gone, that stayed, and that are new."""

    gone: tuple[str, ...] = ()
    stayed: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    not_checked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request for a change. `version` counts the states that people may have seen; a card shows one of them.

    `place` is the conversation of the card. `outcome` says in one sentence how it ended or stands.
    `closed_by` is the user who denied, cancelled, resolved. `generation` is the target's after our write;
    `reminded` counts the reminders that were sent. `copies` are those of the card that approvers got when it was asked
    for.
    """

    id: str
    plan: Plan
    digest: str
    state: State
    place: Place
    created_at: datetime
    expires_at: datetime
    effect: Effect | None = None
    votes: tuple[Vote, ...] = ()
    approved_at: datetime | None = None
    execute_by: datetime | None = None
    began_at: datetime | None = None
    written_at: datetime | None = None
    ended_at: datetime | None = None
    fence: int = 0
    version: int = 1
    generation: int = 0
    outcome: str = ""
    closed_by: str = ""
    resolution: Resolution | None = None
    progress: Progress | None = None
    verdict: Verdict | None = None
    verdict_due: datetime | None = None
    reminded: int = 0
    copies: tuple[CardCopy, ...] = ()

    @property
    def counted(self) -> tuple[Vote, ...]:
        """Return the votes that count: they are not void, and about this very plan."""
        return tuple(vote for vote in self.votes if not vote.void and vote.digest == self.digest)

    @property
    def quorum(self) -> Quorum:
        """Judge the counted votes by the rule of the plan."""
        return quorum(self.plan.rule, {vote.human: vote.sets for vote in self.counted})

    @property
    def blocks(self) -> bool:
        """Say whether no other change of the target may begin."""
        return not self.state.final or (self.state is State.UNKNOWN and self.resolution is None)


def overdue(operation: Operation, now: datetime) -> bool:
    """Tell whether a waiting operation's time is over: the approval's before, the beginning's after the quorum."""
    if operation.state is State.PENDING:
        return operation.expires_at <= now
    return operation.state is State.APPROVED and operation.execute_by is not None and operation.execute_by <= now


def approvers(operation: Operation) -> tuple[str, ...]:
    """Return the user ids of those whose votes count, in the order of their clicks."""
    return tuple(vote.user_id for vote in operation.counted)


_WORDS: Mapping[State, str] = {
    State.PENDING: "It waits for approval.",
    State.APPROVED: "It is approved and about to begin.",
    State.EXECUTING: "It is running already.",
    State.SUCCEEDED: "It is done already.",
    State.FAILED: "It has failed already.",
    State.UNKNOWN: "It ended in doubt: what happened is not known.",
    State.DENIED: "It was denied already.",
    State.EXPIRED: "It has expired.",
    State.CANCELLED: "It was cancelled already.",
    State.SUPERSEDED: "It was superseded: something changed since it was asked for.",
}


def state_words(operation: Operation) -> str:
    """Say in a sentence where an operation stands."""
    return _WORDS[operation.state]
