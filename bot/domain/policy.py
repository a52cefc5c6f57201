"""Who may do what: a pure decision over a person's membership and the configured roles. Every doubt ends in "no"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.domain.people import GRANTS, Actor, Membership, Permission, RoleBinding, RoleName, Standing
from bot.domain.targets import Where
from bot.domain.text import either

REFUSALS = {
    Standing.GUEST: "guests of the workspace may not use this bot",
    Standing.STRANGER: "people of other workspaces may not use this bot",
    Standing.BOT: "bots may not use this bot",
    Standing.DEACTIVATED: "this account is deactivated",
}

# What a role that is limited to some places still allows where no place is meant: the answer tells of none, or its
# parts are decided one by one.
_PLACELESS = frozenset({Permission.ANYONE, Permission.READ, Permission.SHARE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The roles of `ragops.toml`. `verbs` names the only roles that may use a verb; it narrows, it never grants."""

    bindings: Sequence[RoleBinding] = ()
    verbs: Mapping[str, frozenset[RoleName]] = field(default_factory=lambda: MappingProxyType({}))

    def roles_for(self, asked: Asked) -> tuple[RoleName, ...]:
        """Return the roles of which each alone is enough; none where no role is needed."""
        admitted = self.verbs.get(asked.verb)
        granted = [role for role in RoleName if asked.permission in GRANTS[role]]
        if asked.permission is Permission.ANYONE and admitted is not None:
            granted = list(RoleName)
        return tuple(role for role in granted if admitted is None or role in admitted)

    def open_to_all(self, asked: Asked) -> bool:
        """Tell whether no role is needed: anyone may, and the verb was not kept for some."""
        return asked.permission is Permission.ANYONE and asked.verb not in self.verbs


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How many commands a minute one person may send, and how many may come from one channel."""

    person: int = 30
    channel: int = 120


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants: a permission, for a verb, at a place (None where the verb is about no place)."""

    permission: Permission
    verb: str = ""
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer to "may they?", with what it was decided from.

    `roles` are those held at the place that was asked about, `helpers` those that would be enough there, and `holders`
    says for people who has them. `grants` are all roles of the person, each with the words of the places where it is
    held ("for api in shop"; empty: everywhere).
    """

    allowed: bool
    permission: Permission
    roles: tuple[RoleName, ...] = ()
    reason: str = ""
    helpers: tuple[RoleName, ...] = ()
    membership: Membership | None = None
    holders: Mapping[RoleName, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    grants: tuple[tuple[RoleName, str], ...] = ()


def covers(binding: RoleBinding, asked: Asked) -> bool:
    """Tell whether a binding counts where something is asked.

    A role that is held for some services covers a command about one of them, never one about a whole namespace.
    """
    if not binding.limited:
        return True
    if asked.where is None:
        return asked.permission in _PLACELESS
    scope = asked.where.scope
    return (
        (not binding.clusters or scope.cluster in binding.clusters)
        and (not binding.namespaces or scope.namespace in binding.namespaces)
        and (not binding.services or asked.where.service in binding.services)
    )


def roles_of(actor: Actor, membership: Membership, policy: Policy, asked: Asked) -> tuple[RoleName, ...]:
    """Return the roles a person holds at a place, in the order of `RoleName`. Only full members hold any."""
    if membership.standing is not Standing.MEMBER or membership.user_id != actor.user_id:
        return ()
    held = {
        binding.role
        for binding in policy.bindings
        if covers(binding, asked)
        and (binding.everyone or actor.user_id in binding.users or membership.groups & binding.groups)
    }
    return tuple(role for role in RoleName if role in held)


def authorize(
    actor: Actor,
    asked: Asked,
    *,
    membership: Membership | None,
    policy: Policy,
    lookup_problem: str = "",
) -> Authorization:
    """Decide whether `actor` may do what is asked.

    `membership` is None when the look-up failed; `lookup_problem` then says how, and the answer is no for everything
    that needs a role. The person at a terminal reads with the kubeconfig's own rights and holds nothing else.
    """
    permission = asked.permission
    if actor.local:
        allowed = permission in (Permission.ANYONE, Permission.READ)
        return Authorization(allowed, permission, reason="" if allowed else "the terminal may only read")
    helpers = policy.roles_for(asked)
    if membership is None:
        allowed = policy.open_to_all(asked)
        reason = "" if allowed else f"your groups could not be read ({lookup_problem or 'no answer'})"
        return Authorization(allowed, permission, reason=reason, helpers=helpers)
    if membership.standing is not Standing.MEMBER:
        return Authorization(
            allowed=False, permission=permission, reason=REFUSALS[membership.standing], membership=membership
        )
    roles = roles_of(actor, membership, policy, asked)
    allowed = policy.open_to_all(asked) or any(role in helpers for role in roles)
    reason = "" if allowed else _needs(helpers, asked)
    return Authorization(allowed, permission, roles, reason, helpers, membership)


def _needs(helpers: Sequence[RoleName], asked: Asked) -> str:
    if not helpers:
        return f"no role may use {asked.verb} here"
    there = f" for {asked.where}" if asked.where is not None else ""
    return f"needs the role {either(helpers)}{there}"
