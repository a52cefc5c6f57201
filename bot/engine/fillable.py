"""Whether anybody is there who could agree: what a rule asks for, against what is configured and known. Pure."""

from __future__ import annotations

from datetime import datetime

from bot.domain.approval import OnCall, Rule, RuleSet
from bot.domain.operations import Operation
from bot.domain.people import Membership, Permission
from bot.domain.policy import Asked, Authorization, covers
from bot.engine.workshop import Workshop


def unfillable(workshop: Workshop, operation: Operation, rights: Authorization, now: datetime) -> tuple[str, ...]:
    """Say of each set of the plan's rule that nobody could fill it, and why; none of which somebody could."""
    policy, member = workshop.policy, rights.membership
    if member is None:
        return ()
    on_call = policy.on_call(now)
    own = operation.plan.human
    on_call = OnCall(tuple((who, tier) for who, tier in on_call.people if policy.human_of(who) != own))
    return tuple(
        f"nobody could agree as {each.name}: {_why(each)}"
        for each in operation.plan.rule.sets
        if not _by_role(workshop, operation, each, member)
        and not set(each.groups) & member.group_handles.keys()
        and not any(policy.human_of(user) != own for user in each.users)
        and not (each.on_call and any(on_call.holds(who, each.tiers) for who, _ in on_call.people))
    )


def missing_groups(rule: Rule, member: Membership) -> tuple[str, ...]:
    """Return the groups that a rule names and that the workspace does not have, or has switched off."""
    return tuple(
        dict.fromkeys(group for each in rule.sets for group in each.groups if group not in member.group_handles)
    )


def _by_role(workshop: Workshop, operation: Operation, wanted: RuleSet, member: Membership) -> bool:
    policy, own = workshop.policy, operation.plan.human
    asked = Asked(Permission.APPROVE, "", operation.plan.draft.where)
    return any(
        binding.everyone
        or bool(binding.groups & member.group_handles.keys())
        or any(policy.human_of(user) != own for user in binding.users)
        for binding in workshop.rights.policy.bindings
        if binding.role in wanted.roles and covers(binding, asked)
    )


def _why(wanted: RuleSet) -> str:
    if wanted.groups:
        return "the workspace has no such group, or it is switched off"
    if wanted.on_call:
        return "nobody else is on call now"
    return "nobody else has that role here"
