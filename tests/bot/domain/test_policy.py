from __future__ import annotations

from itertools import product

import pytest

from bot.domain.people import GRANTS, Actor, Membership, Permission, RoleBinding, RoleName, Standing
from bot.domain.policy import Asked, Authorization, Policy, authorize, covers, roles_of
from bot.domain.targets import ClusterName, Namespace, Scope, Where
from tests.support.twins import member

ANN = Actor("U-ann", "T1")
LOOK, OPERATE = Asked(Permission.READ), Asked(Permission.OPERATE)
ROLES = [None, *RoleName]
# What each role may, written out: the table in the code must be this one.
MAY: dict[RoleName | None, set[str]] = {
    None: {"anyone"},
    RoleName.VIEWER: {"anyone", "read", "share"},
    RoleName.OPERATOR: {"anyone", "read", "share", "audit", "operate"},
    RoleName.APPROVER: {"anyone", "read", "share", "audit", "approve"},
    RoleName.ADMIN: {"anyone", "read", "share", "audit", "administer"},
}


def bound(role: RoleName | None) -> Policy:
    return Policy() if role is None else Policy(bindings=[RoleBinding(role, groups=frozenset({"S1"}))])


@pytest.mark.parametrize(("standing", "role", "permission"), list(product(Standing, ROLES, Permission)))
def test_who_may_what(standing: Standing, role: RoleName | None, permission: Permission) -> None:
    """Only full members hold roles, and each role only its own rights."""
    decision = authorize(
        ANN, Asked(permission), membership=member(ANN.user_id, "S1", standing=standing), policy=bound(role)
    )
    assert decision.allowed is (standing is Standing.MEMBER and permission.value in MAY[role])
    assert decision.permission is permission
    assert bool(decision.reason) is not decision.allowed
    assert decision.membership is not None


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("problem", ["", "Slack did not answer"], ids=["silent", "said"])
def test_a_failed_look_up_is_a_no(permission: Permission, problem: str) -> None:
    """For everything that needs a role, whatever the bindings say; the reason is told."""
    everyone = Policy(bindings=[RoleBinding(role, everyone=True, users=frozenset({ANN.user_id})) for role in RoleName])
    decision = authorize(ANN, Asked(permission), membership=None, policy=everyone, lookup_problem=problem)
    assert decision.allowed is (permission is Permission.ANYONE)
    if not decision.allowed:
        assert decision.reason == f"your groups could not be read ({problem or 'no answer'})"
        assert permission in GRANTS[decision.helpers[0]]


@pytest.mark.parametrize("permission", Permission)
def test_a_terminal_only_reads(permission: Permission) -> None:
    """With the kubeconfig's own rights; no role of the configuration helps."""
    everyone = Policy(bindings=[RoleBinding(role, everyone=True) for role in RoleName])
    terminal = Actor("", "", local=True)
    decision = authorize(terminal, Asked(permission), membership=member("", "S1"), policy=everyone)
    assert decision.allowed is (permission.value in {"anyone", "read"})
    assert decision.reason == ("" if decision.allowed else "the terminal may only read")


def test_a_refusal_names_the_roles_that_could() -> None:
    """So that the person knows whom to ask."""
    decision = authorize(ANN, OPERATE, membership=member(ANN.user_id), policy=Policy())
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
    policy = Policy(bindings=[binding])
    assert roles_of(ANN, member("U-ann", "S1"), policy, LOOK) == ((RoleName.ADMIN,) if holds else ())


def test_roles_add_up_in_their_own_order() -> None:
    """However they are written down."""
    bindings = [RoleBinding(RoleName.APPROVER, everyone=True), RoleBinding(RoleName.VIEWER, everyone=True)]
    assert roles_of(ANN, member("U-ann"), Policy(bindings=bindings), LOOK) == (RoleName.VIEWER, RoleName.APPROVER)


def test_the_membership_of_another_gives_nothing() -> None:
    """A mix-up of people ends in "no"."""
    someone: Membership = member("U-bob", "S1")
    assert roles_of(ANN, someone, bound(RoleName.ADMIN), LOOK) == ()
    assert not authorize(ANN, LOOK, membership=someone, policy=bound(RoleName.ADMIN)).allowed


def test_no_role_holds_every_right() -> None:
    """Asking, approving and administering are different hands."""
    for role in RoleName:
        assert len(GRANTS[role] & {Permission.OPERATE, Permission.APPROVE, Permission.ADMINISTER}) <= 1


# --- places and verbs -------------------------------------------------------------------------------------------------

SHOP = Scope(ClusterName("prod-eu"), Namespace("shop"))
SYSTEM = Scope(ClusterName("prod-eu"), Namespace("kube-system"))
LAB = Scope(ClusterName("lab"), Namespace("shop"))
API_IN_SHOP = Where(SHOP, "api")
# What is limited, and where it counts: written out for each place.
LIMITS: dict[str, tuple[dict[str, frozenset[str]], set[Where]]] = {
    "cluster": ({"clusters": frozenset({"prod-eu"})}, {Where(SHOP), API_IN_SHOP, Where(SYSTEM), Where(SYSTEM, "db")}),
    "namespace": ({"namespaces": frozenset({"shop"})}, {Where(SHOP), API_IN_SHOP, Where(LAB), Where(LAB, "api")}),
    "service": ({"services": frozenset({"api"})}, {API_IN_SHOP, Where(LAB, "api")}),
    "all three": (
        {
            "clusters": frozenset({"prod-eu"}),
            "namespaces": frozenset({"shop", "kube-system"}),
            "services": frozenset({"api"}),
        },
        {API_IN_SHOP},
    ),
}
PLACES = [Where(SHOP), API_IN_SHOP, Where(SYSTEM), Where(SYSTEM, "db"), Where(LAB), Where(LAB, "api")]


def decided(limits: dict[str, frozenset[str]], asked: Asked, role: RoleName = RoleName.OPERATOR) -> Authorization:
    policy = Policy(bindings=[RoleBinding(role, groups=frozenset({"S1"}), **limits)])
    return authorize(ANN, asked, membership=member("U-ann", "S1"), policy=policy)


@pytest.mark.parametrize("where", PLACES, ids=str)
@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("permission", [Permission.READ, Permission.OPERATE])
def test_a_limited_role_counts_in_its_places_alone(kind: str, where: Where, permission: Permission) -> None:
    """A role for a service does not reach the namespace around it; the refusal names the place."""
    limits, places = LIMITS[kind]
    decision = decided(limits, Asked(permission, "x", where))
    assert decision.allowed is (where in places)
    assert decision.roles == ((RoleName.OPERATOR,) if where in places else ())
    assert decision.allowed or decision.reason.endswith(f" for {where}")


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("kind", LIMITS)
def test_without_a_place_a_limited_role_allows_what_tells_of_none(kind: str, permission: Permission) -> None:
    """Never a change, an approval, a setting, or the record of all places."""
    limits, _ = LIMITS[kind]
    role = {Permission.APPROVE: RoleName.APPROVER, Permission.ADMINISTER: RoleName.ADMIN}.get(permission)
    decision = decided(limits, Asked(permission), role or RoleName.OPERATOR)
    assert decision.allowed is (permission in {Permission.ANYONE, Permission.READ, Permission.SHARE})


def test_a_role_that_holds_everywhere_counts_in_every_place() -> None:
    """And where no place is meant."""
    everywhere = RoleBinding(RoleName.OPERATOR, everyone=True)
    assert all(covers(everywhere, Asked(Permission.OPERATE, "x", where)) for where in [None, *PLACES])


@pytest.mark.parametrize(
    ("admitted", "role", "allowed"),
    [
        ({RoleName.ADMIN}, RoleName.OPERATOR, False),
        ({RoleName.OPERATOR, RoleName.ADMIN}, RoleName.OPERATOR, True),
        ({RoleName.VIEWER}, RoleName.VIEWER, False),
        (set(), RoleName.OPERATOR, False),
    ],
    ids=["narrowed", "among them", "never granted", "nobody"],
)
def test_a_verb_can_be_narrowed_but_never_widened(admitted: set[RoleName], role: RoleName, *, allowed: bool) -> None:
    """`[verbs]` names the only roles that may; it gives no role a permission that it has not."""
    policy = Policy(
        bindings=[RoleBinding(role, groups=frozenset({"S1"}))],
        verbs={"rollback": frozenset(admitted), "other": frozenset()},
    )
    asked = Asked(Permission.OPERATE, "rollback", Where(SHOP))
    decision = authorize(ANN, asked, membership=member("U-ann", "S1"), policy=policy)
    assert decision.allowed is allowed
    helpers = {each for each in admitted if each is RoleName.OPERATOR}
    assert set(decision.helpers) == helpers
    assert allowed or decision.reason == (
        f"needs the role operator for {SHOP}" if helpers else "no role may use rollback here"
    )


@pytest.mark.parametrize(
    ("membership", "allowed"),
    [(member("U-ann", "S1"), True), (member("U-ann"), False), (None, False)],
    ids=["among them", "no role", "not known"],
)
def test_what_anyone_may_use_can_be_narrowed_too(membership: Membership | None, *, allowed: bool) -> None:
    """Whoever names a verb in `[verbs]` means it; other verbs stay open to all."""
    policy = Policy(
        bindings=[RoleBinding(RoleName.VIEWER, groups=frozenset({"S1"}), namespaces=frozenset({"shop"}))],
        verbs={"can": frozenset({RoleName.VIEWER, RoleName.ADMIN})},
    )
    decision = authorize(ANN, Asked(Permission.ANYONE, "can"), membership=membership, policy=policy)
    assert decision.allowed is allowed
    assert decision.helpers == (RoleName.VIEWER, RoleName.ADMIN)
    assert authorize(ANN, Asked(Permission.ANYONE, "help"), membership=membership, policy=policy).allowed


def test_a_verb_that_is_not_narrowed_is_as_its_permission_says() -> None:
    """Other verbs' lists do not count."""
    policy = Policy(bindings=[RoleBinding(RoleName.VIEWER, everyone=True)], verbs={"logs": frozenset({RoleName.ADMIN})})
    person = member("U-ann")
    assert authorize(ANN, Asked(Permission.READ, "status", Where(SHOP)), membership=person, policy=policy).allowed
    assert not authorize(ANN, Asked(Permission.READ, "logs", Where(SHOP)), membership=person, policy=policy).allowed
