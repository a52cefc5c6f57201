"""Who gets a copy of a card as a direct message: those who may approve the plan, as long as they are few.

A copy is for convenience, so nothing of it is an error: whoever cannot be looked up or reached goes without, and the
card in the channel is there for everybody. Whether a press on a copy counts is judged at the press, as in the channel.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from bot.domain.approval import RuleSet
from bot.domain.ballots import requesters
from bot.domain.operations import CardCopy, Operation
from bot.domain.people import Actor, Permission
from bot.domain.policy import Asked, covers
from bot.engine.evidence import APPROVE, sets_held
from bot.engine.workshop import Workshop
from bot.errors import DeliveryError, DirectoryUnavailable
from bot.ports import DirectMessages, Directory

log = logging.getLogger(__name__)


async def copies_for(workshop: Workshop, operation: Operation) -> tuple[CardCopy, ...]:
    """Return who gets a copy of a new request's card, and where; nobody where more may approve than get one.

    Reads people and opens conversations, for `copy_s` in all; what fails meanwhile is logged and left out.
    """
    direct, directory = workshop.direct, workshop.rights.directory
    most = workshop.policy.direct_messages
    if direct is None or directory is None or not most or operation.plan.rule.empty:
        return ()
    until = asyncio.get_running_loop().time() + workshop.copy_s
    try:
        async with asyncio.timeout_at(until):
            people = await _approvers(workshop, directory, operation, most)
    except (DirectoryUnavailable, TimeoutError) as error:
        why = error.message if isinstance(error, DirectoryUnavailable) else "no answer in time"
        extra = {"event": "card_not_copied", "operation": operation.id}
        log.warning("a card has no copies, who may approve cannot be told: %s", why, extra=extra)
        return ()
    found = await asyncio.gather(*(_opened(direct, operation, user, until) for user in people))
    # Each conversation once, whatever the platform says: an address belongs to one message.
    return tuple({each.channel: each for each in found if each is not None}.values())


async def _approvers(workshop: Workshop, directory: Directory, operation: Operation, most: int) -> Sequence[str]:
    """Return who may approve a request, by their user ids; none where it names more than `most` people.

    Raises `DirectoryUnavailable` when the groups cannot be read.
    """
    named = await _named(workshop, directory, operation)
    if named is None or len(named) > most:
        extra = {"event": "card_copies_too_many", "operation": operation.id}
        log.info("a card has no copies: more people may approve it than get one", extra=extra)
        return ()
    judged = await asyncio.gather(*(_may_approve(workshop, operation, user) for user in named))
    return [user for user, may in zip(named, judged, strict=True) if may]


async def _named(workshop: Workshop, directory: Directory, operation: Operation) -> Sequence[str] | None:
    """Return whom the plan's rule names in any way, but for the requester; None: it names everybody."""
    policy, own = workshop.policy, requesters(workshop.policy, operation)
    users, groups = set[str](), set[str]()
    for each in operation.plan.rule.sets:
        users |= {*each.users, *_on_call(workshop, operation, each)}
        groups |= {*each.groups}
    asked = Asked(Permission.APPROVE, APPROVE, operation.plan.draft.where)
    roles = {role for each in operation.plan.rule.sets for role in each.roles}
    for binding in workshop.rights.policy.bindings:
        if binding.role in roles and covers(binding, asked):
            if binding.everyone:
                return None
            users |= binding.users
            groups |= binding.groups
    users |= await directory.members(groups)
    return sorted(user for user in users if policy.human_of(user) not in own)


def _on_call(workshop: Workshop, operation: Operation, wanted: RuleSet) -> Iterable[str]:
    on_call = workshop.policy.on_call(operation.created_at)
    return (who for who, _ in on_call.people if wanted.on_call and on_call.holds(who, wanted.tiers))


async def _may_approve(workshop: Workshop, operation: Operation, user: str) -> bool:
    """Judge a person as their vote would be: a full member who could fill one of the rule's sets.

    For this an account as it is read for looking is new enough: to look everybody up afresh for each request would use
    up the look-ups that votes need, and a press is judged afresh.
    """
    actor = Actor(user, operation.plan.requester.team_id)
    rights = await workshop.rights.of(actor, Asked(Permission.ANYONE, APPROVE, operation.plan.draft.where))
    if rights.membership is None:
        _log_left_out(operation, user, rights.reason)
    return bool(sets_held(workshop, operation, rights, workshop.policy.on_call(operation.created_at)))


async def _opened(direct: DirectMessages, operation: Operation, user: str, until: float) -> CardCopy | None:
    """Open the conversation with an approver; None when that cannot be had."""
    try:
        async with asyncio.timeout_at(until):
            return CardCopy(user, await direct.open(user))
    except DeliveryError as error:
        _log_left_out(operation, user, error.message)
    except TimeoutError:
        _log_left_out(operation, user, "no answer in time")
    return None


def _log_left_out(operation: Operation, user: str, why: str) -> None:
    extra = {"event": "card_copy_left_out", "operation": operation.id, "user": user}
    log.warning("an approver gets no copy of a card: %s", why, extra=extra)
