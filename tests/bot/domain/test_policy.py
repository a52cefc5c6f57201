from __future__ import annotations

from itertools import product

import pytest

from bot.domain.people import GRANTS, Actor, Membership, Permission, RoleBinding, RoleName, Standing
from bot.domain.policy import authorize, roles_of
from tests.support.twins import member

ANN = Actor("U-ann", "T1")
ROLES = [None, *RoleName]
# What each role may, written out: the table in the code must be this one.
MAY: dict[RoleName | None, set[str]] = {
    None: {"anyone"},
    RoleName.VIEWER: {"anyone", "read", "share"},
    RoleName.OPERATOR: {"anyone", "read", "share", "operate"},
    RoleName.APPROVER: {"anyone", "read", "share", "approve"},
    RoleName.ADMIN: {"anyone", "read", "share", "administer"},
}


def bound(role: RoleName | None) -> list[RoleBinding]:
    return [] if role is None else [RoleBinding(role, groups=frozenset({"S1"}))]


@pytest.mark.parametrize(("standing", "role", "permission"), list(product(Standing, ROLES, Permission)))
def test_who_may_what(standing: Standing, role: RoleName | None, permission: Permission) -> None:
    """Only full members hold roles, and each role only its own rights."""
    decision = authorize(ANN, permission, membership=member(ANN.user_id, "S1", standing=standing), bindings=bound(role))
    assert decision.allowed is (standing is Standing.MEMBER and permission.value in MAY[role])
    assert decision.permission is permission
    assert bool(decision.reason) is not decision.allowed
    assert decision.membership is not None


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("problem", ["", "Slack did not answer"], ids=["silent", "said"])
def test_a_failed_look_up_is_a_no(permission: Permission, problem: str) -> None:
    """For everything that needs a role, whatever the bindings say; the reason is told."""
    everyone = [RoleBinding(role, everyone=True, users=frozenset({ANN.user_id})) for role in RoleName]
    decision = authorize(ANN, permission, membership=None, bindings=everyone, lookup_problem=problem)
    assert decision.allowed is (permission is Permission.ANYONE)
    if not decision.allowed:
        assert decision.reason == f"your groups could not be read ({problem or 'no answer'})"
        assert permission in GRANTS[decision.helpers[0]]


@pytest.mark.parametrize("permission", Permission)
def test_a_terminal_only_reads(permission: Permission) -> None:
    """With the kubeconfig's own rights; no role of the configuration helps."""
    everyone = [RoleBinding(role, everyone=True) for role in RoleName]
    decision = authorize(Actor("", "", local=True), permission, membership=member("", "S1"), bindings=everyone)
    assert decision.allowed is (permission.value in {"anyone", "read"})
    assert decision.reason == ("" if decision.allowed else "the terminal may only read")


def test_a_refusal_names_the_roles_that_could() -> None:
    """So that the person knows whom to ask."""
    decision = authorize(ANN, Permission.OPERATE, membership=member(ANN.user_id), bindings=[])
    assert (decision.reason, decision.helpers) == ("needs the role operator", (RoleName.OPERATOR,))


@pytest.mark.parametrize(
    ("binding", "holds"),
    [
        (RoleBinding(RoleName.ADMIN, groups=frozenset({"S1"})), True),
        (RoleBinding(RoleName.ADMIN, users=frozenset({"U-ann"})), True),
        (RoleBinding(RoleName.ADMIN, everyone=True), True),
        (RoleBinding(RoleName.ADMIN, groups=frozenset({"S2"}), users=frozenset({"U-bob"})), False),
        (RoleBinding(RoleName.ADMIN), False),
    ],
    ids=["by group", "by name", "everyone", "others", "nobody"],
)
def test_a_role_is_held_by_group_by_name_or_by_everyone(binding: RoleBinding, *, holds: bool) -> None:
    """And by nobody else."""
    assert roles_of(ANN, member("U-ann", "S1"), [binding]) == ((RoleName.ADMIN,) if holds else ())


def test_roles_add_up_in_their_own_order() -> None:
    """However they are written down."""
    bindings = [RoleBinding(RoleName.APPROVER, everyone=True), RoleBinding(RoleName.VIEWER, everyone=True)]
    assert roles_of(ANN, member("U-ann"), bindings) == (RoleName.VIEWER, RoleName.APPROVER)


def test_the_membership_of_another_gives_nothing() -> None:
    """A mix-up of people ends in "no"."""
    someone: Membership = member("U-bob", "S1")
    assert roles_of(ANN, someone, bound(RoleName.ADMIN)) == ()
    assert not authorize(ANN, Permission.READ, membership=someone, bindings=bound(RoleName.ADMIN)).allowed


def test_no_role_holds_every_right() -> None:
    """Asking, approving and administering are different hands."""
    for role in RoleName:
        assert len(GRANTS[role] & {Permission.OPERATE, Permission.APPROVE, Permission.ADMINISTER}) <= 1
