"""What operators watch of changes. Counted after the commit: what was rolled back has not happened."""

from __future__ import annotations

from bot.domain.actions import DecisionKind
from bot.domain.operations import Effect, Operation, State
from bot.ports import Meter

REFUSED = "refused"


def count_step(meter: Meter, was: Operation, now: Operation) -> None:
    """Count an approval or an end, where a step from `was` to `now` came to one."""
    if was.state is State.PENDING and now.state is State.APPROVED and now.approved_at is not None:
        meter.change_approved((now.approved_at - now.created_at).total_seconds())
    if not was.state.final and now.state.final:
        meter.change_ended(now.plan.draft.verb, end_of(now), _ran_s(now))


def count_decision(meter: Meter, kind: DecisionKind, was: Operation, now: Operation) -> None:
    """Count what a person said to a request, and what came of it; without a new state it counted for nothing."""
    heard = "superseded" if now.state is State.SUPERSEDED else "recorded"
    meter.change_decided(kind.value, heard if now.version != was.version else REFUSED)
    count_step(meter, was, now)


def end_of(operation: Operation) -> str:
    """Return how it ended, in the words of `Meter.change_ended`."""
    match operation.state:
        case State.FAILED:
            return "failed_none" if operation.effect is Effect.NONE else "failed_applied"
        case State.EXPIRED if operation.approved_at is not None:
            return "expired_approved"
        case state:
            return state.value.lower()


def _ran_s(operation: Operation) -> float | None:
    """Return how many seconds passed from the approval to the end of what was begun."""
    if operation.began_at is None or operation.approved_at is None or operation.ended_at is None:
        return None
    return (operation.ended_at - operation.approved_at).total_seconds()
