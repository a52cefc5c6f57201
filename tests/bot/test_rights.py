from __future__ import annotations

import random

import pytest

from bot.domain.people import Actor, Membership, Permission, RoleBinding, RoleName, Standing
from bot.domain.policy import Asked, Policy
from bot.domain.rights_words import people_words
from bot.domain.targets import ClusterName, Namespace, Scope, Where
from bot.errors import DirectoryUnavailable, UsageError
from bot.references import ALPHABET, References
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from tests.support.service import POLICY
from tests.support.twins import TableDirectory, member

ANN = Actor("U-ann", "T1")
LOOK = Asked(Permission.READ)
PROD, LAB = ClusterName("prod-eu"), ClusterName("lab")
SHOP, SYSTEM = Namespace("shop"), Namespace("kube-system")


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("permission", "fresh"), [(p, p not in {"anyone", "read"}) for p in Permission])
async def test_what_has_an_effect_is_decided_from_a_fresh_look(permission: Permission, *, fresh: bool) -> None:
    """A read may rest on what was known a moment ago."""
    directory = TableDirectory(member("U-ann", "S1"))
    await DirectoryRights(directory, POLICY).of(ANN, Asked(permission))
    assert directory.asked == [("U-ann", fresh)]


async def test_without_a_directory_only_the_terminal_may_anything() -> None:
    """Nobody is let in on a guess."""
    rights = DirectoryRights(None, POLICY)
    refused = await rights.of(ANN, LOOK)
    assert refused.reason == "your groups could not be read (no directory of people is connected)"
    assert (await rights.of(Actor("", "", local=True), LOOK)).allowed


async def test_a_failed_look_up_is_a_decision_not_an_exception() -> None:
    """With the directory's own words."""
    directory = TableDirectory()
    directory.problem = DirectoryUnavailable("Slack did not answer.")
    decision = await DirectoryRights(directory, POLICY).of(ANN, LOOK)
    assert (decision.allowed, decision.reason) == (False, "your groups could not be read (Slack did not answer)")


def test_the_holders_of_a_role_are_named_as_far_as_they_are_known() -> None:
    """By handle where there is one, else by id; people by number, not by name."""
    bindings = [
        RoleBinding(RoleName.VIEWER, everyone=True),
        RoleBinding(RoleName.OPERATOR, groups=frozenset({"S1", "S9"}), users=frozenset({"U1", "U2"})),
        RoleBinding(RoleName.ADMIN, users=frozenset({"U1"})),
    ]
    rights = DirectoryRights(None, Policy(bindings=bindings))
    assert rights.holders(member("U-ann"), LOOK) == {
        RoleName.VIEWER: ("every full member",),
        RoleName.OPERATOR: ("@rag-oncall", "group S9", "2 persons by name"),
        RoleName.ADMIN: ("1 person by name",),
    }
    assert rights.holders(None, LOOK)[RoleName.OPERATOR][0] == "group S1"


def test_a_group_without_a_handle_is_named_by_its_id() -> None:
    """An @ alone would name nobody."""
    assert people_words(["S1", "S2"], 0, {"S1": "", "S2": "rag-leads"}) == ("group S1", "@rag-leads")


LIMITED = [
    RoleBinding(RoleName.VIEWER, everyone=True),
    RoleBinding(RoleName.OPERATOR, groups=frozenset({"S1"}), services=frozenset({"api"}), clusters=frozenset({"lab"})),
    RoleBinding(RoleName.OPERATOR, users=frozenset({"U-ann"}), namespaces=frozenset({"shop", "kube-system"})),
    RoleBinding(RoleName.ADMIN, groups=frozenset({"S9"})),
]


async def test_a_decision_names_every_role_that_is_held_with_its_places() -> None:
    """Weakest first; a role that holds everywhere has no place, and what others hold is not in it."""
    rights = DirectoryRights(TableDirectory(member("U-ann", "S1")), Policy(bindings=LIMITED))
    decision = await rights.of(ANN, LOOK)
    assert decision.grants == (
        (RoleName.VIEWER, ""),
        (RoleName.OPERATOR, "for api on lab"),
        (RoleName.OPERATOR, "in kube-system or shop"),
    )


@pytest.mark.parametrize(
    "person", [member("U-ann", "S1", standing=Standing.GUEST), member("U-bob", "S1"), None], ids=["guest", "other", ""]
)
def test_whoever_may_hold_no_role_is_granted_none(person: Membership | None) -> None:
    """A guest in the group, the membership of somebody else, and a look-up that failed."""
    assert DirectoryRights(None, Policy(bindings=LIMITED)).held(ANN, person) == ()


def test_only_those_who_hold_a_role_where_something_is_asked_are_named() -> None:
    """Whoever operates another place is no help here."""
    rights = DirectoryRights(None, Policy(bindings=LIMITED))
    here = Asked(Permission.OPERATE, "rollback", Where(Scope(LAB, Namespace("lab")), "api"))
    there = Asked(Permission.OPERATE, "rollback", Where(Scope(PROD, SYSTEM), "api"))
    assert rights.holders(member("U-ann"), here)[RoleName.OPERATOR] == ("@rag-oncall",)
    assert rights.holders(member("U-ann"), there)[RoleName.OPERATOR] == ("1 person by name",)


# --- scopes -----------------------------------------------------------------------------------------------------------


def scopes(*, any_namespace: bool = False) -> Scopes:
    return Scopes(
        namespaces={PROD: (SHOP, SYSTEM), LAB: (Namespace("lab"),)}, default_cluster=PROD, any_namespace=any_namespace
    )


@pytest.mark.parametrize(
    ("cluster", "namespace", "scope"),
    [
        ("", "", Scope(PROD, SHOP)),
        ("", "kube-system", Scope(PROD, SYSTEM)),
        ("lab", "", Scope(LAB, Namespace("lab"))),
    ],
)
def test_the_first_of_each_is_the_default(cluster: str, namespace: str, scope: Scope) -> None:
    """Of the clusters, and of a cluster's namespaces."""
    assert scopes().resolve(cluster, namespace) == scope


@pytest.mark.parametrize(
    ("cluster", "namespace", "suggestions"),
    [("labb", "", ("--cluster lab",)), ("", "shoop", ("-n shop",)), ("lab", "shop", ())],
    ids=["cluster", "namespace", "namespace of another cluster"],
)
def test_what_is_not_configured_is_not_shown(cluster: str, namespace: str, suggestions: tuple[str, ...]) -> None:
    """However good the bot's own rights are."""
    with pytest.raises(UsageError) as raised:
        scopes().resolve(cluster, namespace)
    assert raised.value.suggestions == suggestions


def test_a_terminal_may_name_any_namespace_but_no_other_cluster() -> None:
    """It reads with its own rights."""
    assert scopes(any_namespace=True).resolve("", "elsewhere") == Scope(PROD, Namespace("elsewhere"))
    with pytest.raises(UsageError):
        scopes(any_namespace=True).resolve("moon", "elsewhere")


# --- references -------------------------------------------------------------------------------------------------------


def test_a_reference_can_be_read_out() -> None:
    """Four characters, none of which is mistaken for another."""
    references = References(random.Random(3))
    made = [references.new() for _ in range(200)]
    assert all(len(each) == 4 and set(each) <= set(ALPHABET) for each in made)
    assert not set(ALPHABET) & set("0O1ILUV")
    assert len(set(made)) > 190
