"""Who has to agree is named on the card as people know them: by the handles of groups, by number, and never a guess."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import ChangePolicy, RuleFor
from bot.domain.people import Membership, RoleBinding, RoleName
from bot.domain.plans import Risk, canonical, digest_of
from bot.domain.policy import Policy
from bot.errors import DirectoryUnavailable
from bot.rights import DirectoryRights
from bot.store.store import PostgresStore
from tests.support.changing import SCOPE
from tests.support.engine import ANN, BOB, LEA, LEADS, OLI, OPS, POLICY, RIGHTS, SENIORS, VIC, Scene, people, scene_on
from tests.support.twins import TableDirectory

APPROVERS = RuleSet(name="approvers", roles=(RoleName.APPROVER,))
ELSEWHERE = frozenset({"elsewhere"})


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_on(store, tmp_path) as set_up:
        yield set_up


def approving(*bindings: RoleBinding) -> DirectoryRights:
    """Return rights by which these approve, and Ann still operates."""
    kept = tuple(each for each in RIGHTS.bindings if each.role is not RoleName.APPROVER)
    return DirectoryRights(people(), Policy(bindings=(*kept, *bindings)))


def approvers(*groups: str, users: tuple[str, ...] = (), **where: Any) -> RoleBinding:
    return RoleBinding(RoleName.APPROVER, groups=frozenset(groups), users=frozenset(users), **where)


def policy_of(*sets: RuleSet, **more: Any) -> ChangePolicy:
    """Return a policy by which a change of medium risk needs these sets."""
    return replace(POLICY, defaults={Risk.MEDIUM: Rule(sets=sets, humans=1)}, **more)


async def known(scene: Scene, **fitted: Any) -> list[str]:
    """Return what a new request says of each set of its rule; its digest is of all that it says."""
    operation = await scene.fitted(**fitted).request()
    assert operation.digest == digest_of(canonical(operation.plan))
    return [each.known_as for each in operation.plan.rule.sets]


async def test_the_card_names_the_groups_that_have_the_role(scene: Scene) -> None:
    """So does every other picture of the request, without the directory being asked again."""
    operation = await scene.request()
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    await scene.say("requests", by=VIC)
    [card] = scene.pictures(operation)
    assert "Waiting for 1 of the approvers (@rag-leads)" in repr(card.blocks)
    assert "Waiting for 1 of the approvers (@rag-leads)." in card.summary


@pytest.mark.parametrize(
    ("bindings", "words"),
    [
        ((approvers(LEADS, SENIORS),), "@rag-leads and @rag-seniors"),
        ((approvers(LEADS), approvers(SENIORS), approvers(LEADS)), "@rag-leads and @rag-seniors"),
        ((approvers(LEADS, users=(OLI,)), approvers(users=(VIC,))), "@rag-leads and 2 persons by name"),
        ((approvers(LEADS, "S0GONE"),), "group S0GONE and @rag-leads"),
        ((approvers(users=(BOB,)),), "1 person by name"),
        ((approvers(LEADS), RoleBinding(RoleName.APPROVER, everyone=True)), "every full member"),
        ((), ""),
    ],
    ids=["two groups", "by several bindings", "people besides", "an unknown group", "people alone", "all", "nobody"],
)
async def test_a_role_is_as_many_words_as_it_has_holders(
    scene: Scene, bindings: tuple[RoleBinding, ...], words: str
) -> None:
    """Each group once, and people by number over all bindings."""
    assert await known(scene, rights=approving(*bindings)) == [words]


async def test_only_who_holds_the_role_at_the_place_is_named(scene: Scene) -> None:
    """A group that may approve elsewhere could not help here."""
    rights = approving(
        approvers(LEADS, namespaces=ELSEWHERE), approvers(SENIORS, namespaces=frozenset({SCOPE.namespace}))
    )
    assert await known(scene, rights=rights) == ["@rag-seniors"]


async def test_whoever_asked_is_not_counted(scene: Scene) -> None:
    """By none of their accounts: nobody approves their own request. Two accounts of one person are one."""
    humans = {ANN: "ann", VIC: "ann", BOB: "bob", LEA: "bob"}
    rights = approving(approvers(users=(ANN, VIC, BOB, LEA)))
    assert await known(scene, rights=rights, policy=replace(POLICY, humans=humans)) == ["1 person by name"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (RuleSet(name="@rag-seniors", groups=(SENIORS,)), "@rag-seniors"),
        (RuleSet(name="group S0OPS", groups=(OPS,), users=(VIC,)), "@rag-oncall and 1 person by name"),
        (replace(APPROVERS, groups=(OPS,), on_call=True), "@rag-leads, @rag-oncall and who is on call"),
        (RuleSet(name="2 named people", users=(BOB, LEA)), ""),
        (RuleSet(name="on call", on_call=True), ""),
        (
            RuleSet(name="those", groups=tuple(f"S0{number}" for number in range(6))),
            "group S00, group S01, group S02 and 3 more",
        ),
    ],
    ids=["a group", "a group and people", "a role, a group and on call", "people alone", "on call", "many"],
)
async def test_a_set_of_a_rule_is_named_by_all_that_it_takes(scene: Scene, wanted: RuleSet, words: str) -> None:
    """Its groups by handle; what its name says already is not said twice."""
    assert await known(scene, policy=policy_of(wanted)) == [words]


async def test_a_rule_without_anybody_stays_as_it_is(scene: Scene) -> None:
    """Nobody is looked up for it."""
    policy = replace(POLICY, rules=(RuleFor(rule=Rule()),))
    operation = await scene.fitted(policy=policy).request()
    assert operation.plan.rule == Rule()


async def test_a_directory_that_does_not_answer_costs_the_names_alone(scene: Scene) -> None:
    """The request stands all the same, and says what the rule says."""

    class Failing(TableDirectory):
        async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
            if not fresh:
                raise DirectoryUnavailable("Slack did not answer.")
            return await super().membership(user_id, team_id, fresh=fresh)

    class Hanging(TableDirectory):
        async def membership(self, user_id: str, team_id: str, *, fresh: bool) -> Membership:
            if not fresh:
                await asyncio.Event().wait()
            return await super().membership(user_id, team_id, fresh=fresh)

    for kind, workload in ((Failing, "api"), (Hanging, "worker")):
        directory = kind(*people().people.values())
        silent = scene.fitted(rights=DirectoryRights(directory, RIGHTS), copy_s=0.01)
        view = await silent.say(f"restart {workload}")
        assert view.exit_code == 0
        assert "it waits for 1 of the approvers until" in view.summary
