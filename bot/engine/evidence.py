"""What is read before a decision: the target as it is now, whose approvals still count, what the policy says.

Everything here happens before a row is locked. What cannot be read is raised, never taken for "unchanged".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.approval import OnCall, quorum, sets_of
from bot.domain.ballots import requesters
from bot.domain.live import Live
from bot.domain.operations import Operation, approvers
from bot.domain.people import Actor, Permission
from bot.domain.people import Standing as AccountStanding
from bot.domain.plans import Draft
from bot.domain.policy import Asked, Authorization
from bot.domain.steps import Stamp, Standing
from bot.engine.workshop import Workshop
from bot.errors import DirectoryUnavailable, UsageError

# What was read longer ago is read again before anything is decided by it.
FRESH_S = 10.0
APPROVE = "approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The target of an operation, and when the read began by this process's clock.

    `problem` says for people what is not as it was planned; empty when all is.
    """

    operation: Operation
    live: Live
    at: datetime
    problem: str = ""


async def look(workshop: Workshop, operation: Operation) -> Evidence:
    """Read the target and compare it with the plan. Raises `ClusterError` when it cannot be read."""
    draft = operation.plan.draft
    target, at = draft.target, workshop.clock.now()
    live = await workshop.writer.live(target.scope, target.kind, target.name, reads=draft.step.reads)
    stamp = operation.plan.stamp(operation.id, approvers(operation))
    return Evidence(operation=operation, live=live, at=at, problem=drift(draft, live, stamp))


def drift(draft: Draft, live: Live, stamp: Stamp) -> str:
    """Say what is not as it was planned; empty when the change can be made as it was shown.

    A target without a uid is no object that could be made anew (a namespace's failed pods).
    """
    target = draft.target
    if target.uid and live.object is None:
        return f"{target.ref} is gone"
    if target.uid and live.uid != target.uid:
        return f"{target.ref} was deleted and made anew"
    compared = draft.step.compare(live, stamp)
    if compared.standing is Standing.TO:
        return "it is already as it was asked for"
    return compared.difference if compared.standing is Standing.OTHER else ""


def policy_problem(workshop: Workshop, operation: Operation) -> str:
    """Say what the policy of now has against an operation: forbidden, frozen, closed or stricter; empty for nothing."""
    scope = operation.plan.draft.target.scope
    try:
        workshop.scopes.resolve(scope.cluster, scope.namespace)
    except UsageError as error:
        return error.message.rstrip(".")
    return workshop.policy.against(operation.plan)


async def rights_on(workshop: Workshop, operation: Operation, actor: Actor, verb: str) -> Authorization:
    """Look a person up afresh, and tell whether they hold the permission to approve where the change would be made."""
    return await workshop.rights.of(actor, Asked(Permission.APPROVE, verb, operation.plan.draft.where))


def sets_held(
    workshop: Workshop, operation: Operation, rights: Authorization, on_call: OnCall, verb: str = APPROVE
) -> tuple[str, ...]:
    """Return the sets of the plan's rule that a person could fill now; none for who is no member.

    `[verbs]` narrows who may approve, or deny; it makes nobody an approver.
    """
    member = rights.membership
    admitted = workshop.rights.policy.verbs.get(verb)
    if (
        member is None
        or member.standing is not AccountStanding.MEMBER
        or (admitted is not None and not admitted & set(rights.roles))
    ):
        return ()
    return sets_of(operation.plan.rule, member, rights.roles, on_call)


async def votes_lost(workshop: Workshop, operation: Operation) -> Mapping[str, str]:
    """Return whose counted votes count no longer, and why, by human.

    Raises `DirectoryUnavailable` when it cannot be known, and `StoreUnavailable`.
    """
    async with workshop.store.transaction() as transaction:
        on_call = workshop.policy.on_call(await transaction.now())
    votes = operation.counted
    async with asyncio.TaskGroup() as group:
        looks = [
            group.create_task(rights_on(workshop, operation, Actor(vote.user_id, vote.team_id), APPROVE))
            for vote in votes
        ]
    held: dict[str, tuple[str, ...]] = {}
    for vote, look_up in zip(votes, looks, strict=True):
        rights = look_up.result()
        if rights.membership is None:
            raise DirectoryUnavailable(f"Whether the approvals still count cannot be told: {rights.reason}.")
        held[vote.human] = sets_held(workshop, operation, rights, on_call)
    return {**_shrunk(operation, held), **_same_people(workshop, operation)}


def _shrunk(operation: Operation, held: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return whose groups are no longer those that their vote was judged by, as far as it matters."""
    enough = quorum(operation.plan.rule, held).met
    return {
        vote.human: "is in none of the groups any more" if not held[vote.human] else "is in fewer of the groups now"
        for vote in operation.counted
        if not held[vote.human] or (not enough and set(vote.sets) - set(held[vote.human]))
    }


def _same_people(workshop: Workshop, operation: Operation) -> dict[str, str]:
    """Return whose accounts are, by what is configured now, the requester's or those of another approver."""
    lost: dict[str, str] = {}
    seen = requesters(workshop.policy, operation)
    for vote in operation.counted:
        human = workshop.policy.human_of(vote.user_id)
        if human in seen:
            lost[vote.human] = "is known to be the same person as somebody else who counts"
        seen |= {human}
    return lost
