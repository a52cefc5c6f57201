"""Who may do what: a pure decision over a person's membership and the configured roles. Every doubt ends in "no"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.people import GRANTS, Actor, Membership, Permission, RoleBinding, RoleName, Standing

REFUSALS = {
    Standing.GUEST: "guests of the workspace may not use this bot",
    Standing.STRANGER: "people of other workspaces may not use this bot",
    Standing.BOT: "bots may not use this bot",
    Standing.DEACTIVATED: "this account is deactivated",
}


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer to "may they?", with what it was decided from."""

    allowed: bool
    permission: Permission
    roles: tuple[RoleName, ...] = ()
    reason: str = ""
    helpers: tuple[RoleName, ...] = ()
    membership: Membership | None = None


def roles_of(actor: Actor, membership: Membership, bindings: Sequence[RoleBinding]) -> tuple[RoleName, ...]:
    """Return the roles a person holds, in the order of `RoleName`. Only full members hold any."""
    if membership.standing is not Standing.MEMBER or membership.user_id != actor.user_id:
        return ()
    held = {
        binding.role
        for binding in bindings
        if binding.everyone or actor.user_id in binding.users or membership.groups & binding.groups
    }
    return tuple(role for role in RoleName if role in held)


def authorize(
    actor: Actor,
    permission: Permission,
    *,
    membership: Membership | None,
    bindings: Sequence[RoleBinding],
    lookup_problem: str = "",
) -> Authorization:
    """Decide whether `actor` holds `permission`.

    `membership` is None when the look-up failed; `lookup_problem` then says how, and the answer is no for everything
    that needs a role. The person at a terminal reads with the kubeconfig's own rights and holds nothing else.
    """
    if actor.local:
        allowed = permission in (Permission.ANYONE, Permission.READ)
        return Authorization(allowed, permission, reason="" if allowed else "the terminal may only read")
    helpers = tuple(role for role in RoleName if permission in GRANTS[role])
    if membership is None:
        allowed = permission is Permission.ANYONE
        reason = "" if allowed else f"your groups could not be read ({lookup_problem or 'no answer'})"
        return Authorization(allowed, permission, reason=reason, helpers=helpers)
    if membership.standing is not Standing.MEMBER:
        return Authorization(
            allowed=False, permission=permission, reason=REFUSALS[membership.standing], membership=membership
        )
    roles = roles_of(actor, membership, bindings)
    allowed = permission is Permission.ANYONE or any(permission in GRANTS[role] for role in roles)
    reason = "" if allowed else "needs the role " + " or ".join(helpers)
    return Authorization(allowed, permission, roles, reason, helpers, membership)
