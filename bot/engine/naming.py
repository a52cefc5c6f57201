"""Who the people of a rule are, in the words that people know them by: handles of groups, and how many by name.

It is found out once, when a change is asked for, and kept in the plan: a card is drawn from its row alone. Nothing is
judged by it, so what cannot be told is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from bot.domain.approval import Rule, RuleSet
from bot.domain.ballots import requesters
from bot.domain.operations import Operation
from bot.domain.people import Permission
from bot.domain.policy import Asked, covers
from bot.domain.rights_words import people_words
from bot.domain.text import listed
from bot.engine.card_words import one_line
from bot.engine.evidence import APPROVE
from bot.engine.workshop import Workshop

# More than these are not listed: a card is to be read at a glance.
_MOST = 4
_LONGEST = 40


async def named(workshop: Workshop, operation: Operation) -> Rule:
    """Return the rule of a new request's plan, with the words for who its sets are; as it was when they are not known.

    Takes `copy_s` at most. The requester was looked up just now, so this asks the directory nothing new as a rule.
    """
    plan = operation.plan
    if plan.rule.empty:
        return plan.rule
    try:
        async with asyncio.timeout(workshop.copy_s):
            rights = await workshop.rights.of(plan.requester, Asked(Permission.ANYONE, APPROVE, plan.draft.where))
    except TimeoutError:
        return plan.rule
    if rights.membership is None:
        return plan.rule
    handles = rights.membership.group_handles
    sets = tuple(replace(each, known_as=_known_as(workshop, operation, each, handles)) for each in plan.rule.sets)
    return replace(plan.rule, sets=sets)


def _known_as(workshop: Workshop, operation: Operation, wanted: RuleSet, handles: Mapping[str, str]) -> str:
    """Say who could fill a set; empty where its name says all there is: who is on call, or people by name alone."""
    policy, own = workshop.policy, requesters(workshop.policy, operation)
    asked = Asked(Permission.APPROVE, APPROVE, operation.plan.draft.where)
    held = [each for each in workshop.rights.policy.bindings if each.role in wanted.roles and covers(each, asked)]
    if any(each.everyone for each in held):
        return listed(people_words((), 0, handles, everyone=True))
    groups = {*wanted.groups, *(group for each in held for group in each.groups)}
    users = {*wanted.users, *(user for each in held for user in each.users)}
    persons = {policy.human_of(user) for user in users} - own
    if not (groups or wanted.roles):
        return ""
    words = [one_line(each, limit=_LONGEST) for each in people_words(groups, len(persons), handles)]
    if wanted.on_call and words:
        words.append("who is on call")
    return listed(words if len(words) <= _MOST else [*words[: _MOST - 1], f"{len(words) - _MOST + 1} more"])
