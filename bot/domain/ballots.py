"""Whose approval of a request would count: who asked, who agreed already, and who could fill what is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.domain.approval import quorum, sets_of
from bot.domain.change_policy import ChangePolicy
from bot.domain.operations import Operation, State, Vote, overdue
from bot.domain.people import Actor
from bot.domain.policy import Authorization


def requesters(policy: ChangePolicy, operation: Operation) -> frozenset[str]:
    """Return the humans who may be behind a request: as it was known then, and as it is known now."""
    plan = operation.plan
    return frozenset({plan.human, policy.human_of(plan.requester.user_id)})


def voters(policy: ChangePolicy, votes: Iterable[Vote]) -> frozenset[str]:
    """Return the humans behind votes: as it was known then, and as it is known now."""
    return frozenset(human for vote in votes for human in (vote.human, policy.human_of(vote.user_id)))


def is_own(policy: ChangePolicy, operation: Operation, actor: Actor) -> bool:
    """Tell whether a person asked for it, by whatever account."""
    own = policy.human_of(actor.user_id) in requesters(policy, operation)
    return own and actor.team_id == operation.plan.requester.team_id


def may_wait_for(policy: ChangePolicy, operation: Operation, actor: Actor, now: datetime) -> bool:
    """Tell whether a request could wait for a person's approval, whatever groups they are in."""
    human = policy.human_of(actor.user_id)
    return (
        operation.state is State.PENDING
        and not overdue(operation, now)
        and not policy.against(operation.plan)
        and human not in requesters(policy, operation)
        and human not in voters(policy, operation.counted)
    )


def waits_for(policy: ChangePolicy, operation: Operation, actor: Actor, rights: Authorization, now: datetime) -> bool:
    """Tell whether a request waits for a person's approval: it would count, and fill a place that is free.

    `rights` are those to say anything to a request at its place. This is for looking: a press is judged afresh.
    """
    if rights.membership is None or not rights.allowed or not may_wait_for(policy, operation, actor, now):
        return False
    sets = sets_of(operation.plan.rule, rights.membership, rights.roles, policy.on_call(now))
    votes = {vote.human: vote.sets for vote in operation.counted}
    human = policy.human_of(actor.user_id)
    return bool(sets) and quorum(operation.plan.rule, {**votes, human: sets}).missing != operation.quorum.missing
