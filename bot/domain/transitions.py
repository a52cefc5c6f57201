"""Which step of a change may follow which: an operation and what happens to it -> the operation from then on. Pure.

The rows of the database are the truth; these functions are applied under the row's lock, with the database's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.operations import (
    WAITING,
    Effect,
    Operation,
    Progress,
    Resolution,
    State,
    Verdict,
    Vote,
    approvers,
    overdue,
    state_words,
)


class NotPossible(Exception):
    """A step that the state does not allow; the text is for the person who tried it. `users` are those it was."""

    def __init__(self, message: str, users: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.users = users


def approve(operation: Operation, vote: Vote, *, now: datetime, execute_within_s: int) -> Operation:
    """Count a vote. Raises `NotPossible`: too late, another plan, own request, no place, or a repeat."""
    _still(operation, now)
    if operation.state is State.APPROVED:
        raise NotPossible("It is already approved.", approvers(operation))
    if vote.digest != operation.digest:
        raise NotPossible("This is about another plan than the one that was shown.")
    # An account and the human behind it are both looked at: who is whom may have been configured anew meanwhile.
    if vote.human == operation.plan.human or vote.user_id == operation.plan.requester.user_id:
        raise NotPossible("Nobody approves their own request.")
    if not vote.sets:
        raise NotPossible("You are in none of the groups that this needs.")
    if any(vote.human == other.human or vote.user_id == other.user_id for other in operation.counted):
        raise NotPossible("Your approval is already recorded.")
    changed = replace(operation, votes=(*operation.votes, vote), version=operation.version + 1)
    if not changed.quorum.met:
        return changed
    within = now + timedelta(seconds=execute_within_s)
    return replace(changed, state=State.APPROVED, approved_at=now, execute_by=within)


def withdraw(operation: Operation, human: str, *, now: datetime) -> Operation:
    """Take an approval back; it stays on record as void. Raises `NotPossible`."""
    _still(operation, now)
    if not any(vote.human == human for vote in operation.counted):
        raise NotPossible("There is no approval of yours to withdraw.")
    return void_votes(operation, {human: "withdrawn"})


def void_votes(operation: Operation, why: Mapping[str, str]) -> Operation:
    """Void the votes of the named humans, each with its reason; below the quorum it waits again.

    Raises `NotPossible` once it runs or has ended: what it was begun by is on record for good.
    """
    _waiting(operation)
    votes = tuple(
        replace(vote, void=why[vote.human]) if vote.human in why and not vote.void else vote for vote in operation.votes
    )
    changed = replace(operation, votes=votes, version=operation.version + 1)
    if changed.state is State.APPROVED and not changed.quorum.met:
        return replace(changed, state=State.PENDING, approved_at=None, execute_by=None)
    return changed


def deny(operation: Operation, user_id: str, reason: str, *, now: datetime) -> Operation:
    """Refuse it for good, even when it is approved already. Raises `NotPossible` once it runs or has ended."""
    _still(operation, now)
    return _close(operation, State.DENIED, now, outcome=reason, closed_by=user_id)


def cancel(operation: Operation, human: str, user_id: str, *, now: datetime) -> Operation:
    """Let the requester take it back. Raises `NotPossible`."""
    if human != operation.plan.human and user_id != operation.plan.requester.user_id:
        raise NotPossible("Only who asked for it can cancel it; an approver can deny it.")
    _still(operation, now)
    return _close(operation, State.CANCELLED, now, closed_by=user_id)


def supersede(operation: Operation, why: str, *, now: datetime) -> Operation:
    """End it because it is not what was asked for any more. Raises `NotPossible`."""
    _waiting(operation)
    return _close(operation, State.SUPERSEDED, now, outcome=why)


def expire(operation: Operation, *, now: datetime) -> Operation:
    """End it because its time is over. Raises `NotPossible` when it is not."""
    _waiting(operation)
    if not overdue(operation, now):
        raise NotPossible("Its time is not over.")
    approved = operation.state is State.APPROVED
    why = "approved, but it could not begin in time" if approved else "nobody answered in time"
    return _close(operation, State.EXPIRED, now, outcome=why)


def claim(operation: Operation, *, now: datetime) -> Operation:
    """Begin it: the next fence is this worker's. Raises `NotPossible`."""
    if operation.state is not State.APPROVED:
        raise NotPossible(f"It is {operation.state}, not approved.")
    if overdue(operation, now) or not operation.quorum.met:
        raise NotPossible("It may not begin any more.")
    return replace(
        operation,
        state=State.EXECUTING,
        began_at=now,
        fence=operation.fence + 1,
        version=operation.version + 1,
    )


def written(operation: Operation, *, now: datetime, generation: int) -> Operation:
    """Note that the cluster took the change."""
    _executing(operation)
    return replace(
        operation, effect=Effect.APPLIED, written_at=now, generation=generation, version=operation.version + 1
    )


def progressed(operation: Operation, progress: Progress) -> Operation:
    """Note how far the roll-out is."""
    _executing(operation)
    return replace(operation, progress=progress, version=operation.version + 1)


def succeed(operation: Operation, *, now: datetime) -> Operation:
    """End it well: the change is applied and the roll-out complete."""
    _executing(operation)
    if operation.effect is not Effect.APPLIED:
        raise NotPossible("What was not applied cannot have succeeded.")
    return _close(operation, State.SUCCEEDED, now)


def fail(operation: Operation, why: str, *, now: datetime) -> Operation:
    """End it without success; its effect is what was written, or none."""
    _executing(operation)
    return replace(_close(operation, State.FAILED, now, outcome=why), effect=operation.effect or Effect.NONE)


def lose(operation: Operation, why: str, *, now: datetime) -> Operation:
    """End it in doubt: nobody can tell from here what happened. It blocks its target until a person resolves it."""
    _executing(operation)
    return replace(_close(operation, State.UNKNOWN, now, outcome=why), effect=Effect.UNKNOWN)


def resolve(operation: Operation, resolution: Resolution, user_id: str) -> Operation:
    """Record what a person found out; nothing is done again. Raises `NotPossible`."""
    if operation.state is not State.UNKNOWN:
        raise NotPossible(f"It is {operation.state}, so there is no doubt to resolve.")
    if operation.resolution is not None:
        raise NotPossible(f"It was resolved already: {operation.resolution}.")
    return replace(operation, resolution=resolution, closed_by=user_id, version=operation.version + 1)


def judged(operation: Operation, verdict: Verdict) -> Operation:
    """Note whether it helped. Raises `NotPossible`: only what was applied and has ended can have helped."""
    if not operation.state.final or operation.effect is not Effect.APPLIED:
        raise NotPossible(state_words(operation))
    return replace(operation, verdict=verdict, version=operation.version + 1)


def _close(operation: Operation, state: State, now: datetime, *, outcome: str = "", closed_by: str = "") -> Operation:
    return replace(
        operation,
        state=state,
        ended_at=now,
        outcome=outcome or operation.outcome,
        closed_by=closed_by or operation.closed_by,
        version=operation.version + 1,
    )


def _waiting(operation: Operation) -> None:
    if operation.state not in WAITING:
        users = (operation.closed_by,) if operation.closed_by else approvers(operation)
        raise NotPossible(state_words(operation), users)


def _still(operation: Operation, now: datetime) -> None:
    _waiting(operation)
    if overdue(operation, now):
        raise NotPossible("Its time is over.")


def _executing(operation: Operation) -> None:
    if operation.state is not State.EXECUTING:
        raise NotPossible(state_words(operation))
