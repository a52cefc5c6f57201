"""What is known of people and of the policy when it counts, and what it means that something is not known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from bot.domain import transitions as states
from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import Rota, RuleFor
from bot.domain.operations import Operation, State
from bot.domain.people import Actor, RoleBinding, RoleName, Standing
from bot.domain.plans import Risk
from bot.domain.policy import Policy
from bot.domain.targets import ClusterName, Namespace
from bot.domain.view import View
from bot.engine.evidence import look, policy_problem, votes_lost
from bot.errors import ClusterError, DirectoryUnavailable
from bot.scopes import Scopes
from bot.slack.outbound.client import make_client
from bot.slack.outbound.directory import SlackDirectory
from bot.store.store import PostgresStore
from sandbox.cluster.faults import Fault as ClusterFault
from sandbox.cluster.faults import FaultKind
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.rates import RateLimits
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from tests.support.clocks import ShiftedClock
from tests.support.engine import ANN, BOB, LEA, LEADS, POLICY, SENIORS, VIC, Scene, member, scene_on

OLDER_S = 6.0  # a decision takes nothing for known that is so old


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_on(store, tmp_path) as set_up:
        yield set_up


# --- people, as the platform tells them -------------------------------------------------------------------------------


@dataclass(slots=True)
class InSlack:
    """The scene in front of a stand-in Slack: ann operates, bob and lea are leads."""

    scene: Scene
    slack: SlackServer
    clock: ShiftedClock

    def id(self, name: str) -> str:
        return self.slack.workspace.person(name).id

    @property
    def team(self) -> str:
        return self.slack.workspace.team_id

    async def asked(self) -> Operation:
        """Let ann ask, and let what was read for it grow old."""
        operation = await self.scene.request(by=self.id("ann"), team=self.team)
        self.clock.shift(OLDER_S)
        return operation

    async def vote(self, operation: Operation, name: str = "bob", kind: str = "approve") -> View:
        by = self.slack.workspace.person(name)
        return await self.scene.press(operation, kind, by=by.id, team=by.team_id)

    async def votes(self, operation: Operation) -> list[str]:
        return [vote.user_id for vote in (await self.scene.now(operation)).votes]


@asynccontextmanager
async def in_slack(
    store: PostgresStore, folder: Path, *, roles: bool = False, look_s: float = 60.0
) -> AsyncIterator[InSlack]:
    """Set the scene; leads are needed by the group's id, or as those who hold the role of approvers."""
    async with SlackServer(demo_workspace(), rates=RateLimits(enabled=False)) as slack:
        oncall, leads = (slack.workspace.groups[name].id for name in ("rag-oncall", "rag-leads"))
        bindings = [
            RoleBinding(RoleName.VIEWER, everyone=True),
            RoleBinding(RoleName.OPERATOR, groups=frozenset({oncall})),
        ]
        bindings += [RoleBinding(RoleName.APPROVER, groups=frozenset({leads}))] if roles else []
        wanted = RuleSet(name="leads", roles=(RoleName.APPROVER,)) if roles else RuleSet(name="leads", groups=(leads,))
        clock = ShiftedClock()
        client = make_client(slack.workspace.bot_token, slack.base_url)
        directory = SlackDirectory(client, slack.workspace.team_id, clock=clock)
        policy = replace(POLICY, defaults={Risk.MEDIUM: Rule(sets=(wanted,), humans=1)})
        rights = Policy(bindings=tuple(bindings))
        async with scene_on(store, folder, policy=policy, rights=rights, clock=clock, directory=directory) as scene:
            yield InSlack(scene.fitted(look_s=look_s), slack, clock)


@pytest.mark.parametrize("name", ["eve", "sam", "kim", "dora", "rag"], ids=str)
@pytest.mark.parametrize("kind", ["approve", "deny", "withdraw", "cancel"])
async def test_t09_only_full_members_say_anything(store: PostgresStore, tmp_path: Path, name: str, kind: str) -> None:
    """Not guests of either kind, not people of other workspaces, nobody deactivated, no bot; group or not."""
    async with in_slack(store, tmp_path) as there:
        operation = await there.asked()
        there.slack.workspace.set_group("rag-leads", ["bob", "lea", name])
        if kind == "withdraw":
            await there.vote(operation, "bob")
            await there.scene.deliver()
        view = await there.vote(operation, name, kind)
        assert view.exit_code == 2
        assert view.summary.startswith(f"You can't use {kind}: ")
        assert await there.votes(operation) == ([there.id("bob")] if kind == "withdraw" else [])
        [row] = await there.scene.audit(kind)
        assert row.result == "refused"


@pytest.mark.parametrize("flags", [{"deleted": True}, {"is_restricted": True}], ids=["deactivated", "a guest"])
async def test_t09_what_somebody_has_become_since_counts(
    store: PostgresStore, tmp_path: Path, flags: dict[str, bool]
) -> None:
    """A copy that is good enough for reading lets nobody vote."""
    async with in_slack(store, tmp_path) as there:
        operation = await there.asked()
        assert await there.scene.service.may_look(Actor(there.id("bob"), there.team), what="requests")
        there.slack.workspace.change_user("bob", **flags)
        there.clock.shift(OLDER_S)
        view = await there.vote(operation)
        assert view.summary.startswith("Nothing of yours was counted: ")
        assert await there.votes(operation) == []
        assert len(await there.scene.audit("vote_refused")) == 1


async def test_t10_who_left_the_group_before_it_begins_counts_no_more(store: PostgresStore, tmp_path: Path) -> None:
    """Their vote is void, and the request waits again; while that cannot be known, nothing is decided."""
    async with in_slack(store, tmp_path) as there:
        operation = await there.asked()
        await there.vote(operation)
        approved = await there.scene.now(operation)
        assert (approved.state, await votes_lost(there.scene.workshop, approved)) == (State.APPROVED, {})
        there.slack.workspace.set_group("rag-leads", ["lea"])
        there.slack.faults.add(Fault(Kind.SERVER_ERROR, "usergroups.list", times=None))
        there.clock.shift(OLDER_S)
        with pytest.raises(DirectoryUnavailable):
            await votes_lost(there.scene.workshop, approved)
        there.slack.faults.clear()
        there.clock.shift(60)
        lost = await votes_lost(there.scene.workshop, approved)
        assert lost == {there.id("bob"): "is in none of the groups any more"}
        again = states.void_votes(approved, lost)
        assert (again.state, again.counted) == (State.PENDING, ())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(Kind.SERVER_ERROR, "usergroups.list", times=None), "your groups could not be read"),
        (Fault(Kind.RATELIMITED, "usergroups.list", times=None), "your groups could not be read"),
        (Fault(Kind.RATELIMITED, "users.info", times=None), "your groups could not be read"),
        (Fault(Kind.RESET_BEFORE, "users.info", times=None), "your groups could not be read"),
        (Fault(Kind.HANG, "usergroups.list", times=None, seconds=3), "(no answer in time)"),
        (Fault(Kind.ERROR, "usergroups.list", times=None, error="no_such_subteam"), "your groups could not be read"),
        (Fault(Kind.ERROR, "usergroups.list", times=None, error="missing_scope"), "none of the groups"),
        (Fault(Kind.ERROR, "usergroups.list", times=None, error="plan_upgrade_required"), "none of the groups"),
    ],
    ids=["5xx", "429", "429 for the person", "reset", "hangs", "no_such_subteam", "missing_scope", "plan"],
)
@pytest.mark.parametrize("roles", [False, True], ids=["by group", "by role"])
async def test_t11_a_look_up_that_fails_lets_nobody_vote(
    store: PostgresStore, tmp_path: Path, fault: Fault, words: str, *, roles: bool
) -> None:
    """It is said and on record, nothing is written, and once it works again the vote counts."""
    async with in_slack(store, tmp_path, roles=roles, look_s=1.0) as there:
        operation = await there.asked()
        assert await there.scene.service.may_look(Actor(there.id("bob"), there.team), what="requests")
        there.clock.shift(OLDER_S)
        there.slack.faults.add(fault)
        view = await there.vote(operation)
        assert words in view.summary
        assert await there.votes(operation) == []
        [row] = await there.scene.audit("vote_refused")
        assert words in str(row.detail["said"])
        there.slack.faults.clear()
        there.clock.shift(90)
        await there.vote(operation)
        assert await there.votes(operation) == [there.id("bob")]
        assert there.scene.server.seen.effects == []


@pytest.mark.parametrize("how", ["empty", "disabled", "another id"])
async def test_t11_a_group_that_has_nobody_lets_nobody_vote(store: PostgresStore, tmp_path: Path, how: str) -> None:
    """One that is switched off or gone is named."""
    async with in_slack(store, tmp_path) as there:
        operation = await there.asked()
        world, gone = there.slack.workspace, there.slack.workspace.groups["rag-leads"].id
        world.set_group("rag-leads", [] if how == "empty" else ["bob"], disabled=how == "disabled")
        if how == "another id":
            world.groups["rag-leads"] = replace(world.groups["rag-leads"], id="S0ANOTHER")
        view = await there.vote(operation)
        assert view.summary == "You are in none of the groups that this needs."
        named = f"The workspace has no group {gone}, or it is switched off." in repr(view.blocks)
        assert named is (how != "empty")
        assert await there.votes(operation) == []


# --- votes that count no longer ---------------------------------------------------------------------------------------


async def approved_by(scene: Scene, *people: str, command: str = "restart api") -> Operation:
    operation = await scene.request(command)
    for person in people:
        await scene.vote(operation, person)
    return await scene.now(operation)


IN_LEADS, IN_SENIORS = RuleSet(name="leads", groups=(LEADS,)), RuleSet(name="seniors", groups=(SENIORS,))


async def test_a_vote_is_lost_with_the_set_that_it_was_needed_for(scene: Scene) -> None:
    """As long as the rule is filled without it, nothing is lost."""
    rule = Rule(sets=(IN_LEADS, IN_SENIORS), humans=2)
    both = scene.fitted(policy=replace(POLICY, defaults={Risk.MEDIUM: rule}))
    scene.directory.people |= {BOB: member(BOB, LEADS, SENIORS), LEA: member(LEA, LEADS, SENIORS)}
    operation = await approved_by(both, BOB, LEA)
    scene.directory.people[BOB] = member(BOB, LEADS)
    assert await votes_lost(both.workshop, operation) == {}
    scene.directory.people[LEA] = member(LEA, LEADS)
    lost = await votes_lost(both.workshop, operation)
    assert lost == dict.fromkeys((BOB, LEA), "is in fewer of the groups now")


async def test_whoever_is_no_longer_on_call_counts_no_more(scene: Scene) -> None:
    """Who is on call is asked again before it begins."""
    rule = Rule(sets=(RuleSet(name="on call", on_call=True),), humans=1)
    rota = Rota(people=(VIC,), starts=datetime(2020, 1, 1, tzinfo=UTC))
    with_vic = scene.fitted(policy=replace(POLICY, defaults={Risk.MEDIUM: rule}, rotas=(rota,)))
    operation = await approved_by(with_vic, VIC)
    assert await votes_lost(with_vic.workshop, operation) == {}
    with_bob = with_vic.fitted(policy=replace(with_vic.workshop.policy, rotas=(replace(rota, people=(BOB,)),)))
    assert list(await votes_lost(with_bob.workshop, operation)) == [VIC]


async def test_accounts_that_turn_out_to_be_one_person_count_once(scene: Scene) -> None:
    """Two approvers, or an approver and the requester."""
    operation = await approved_by(scene, BOB, LEA, command="restart api --risk high")
    linked = scene.fitted(policy=replace(POLICY, humans={BOB: "b", LEA: "b"}))
    assert list(await votes_lost(linked.workshop, operation)) == [LEA]
    own = scene.fitted(policy=replace(POLICY, humans={ANN: "a", BOB: "a"}))
    assert list(await votes_lost(own.workshop, operation)) == [BOB]


async def test_a_directory_that_does_not_answer_says_nothing_of_votes(scene: Scene) -> None:
    """It is not taken for "still valid"."""
    operation = await approved_by(scene, BOB)
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    with pytest.raises(DirectoryUnavailable, match="cannot be told"):
        await votes_lost(scene.workshop, operation)


async def test_a_guest_among_the_approvers_fills_no_set_by_their_group(scene: Scene) -> None:
    """Whoever became one after the vote lost it."""
    by_group = scene.fitted(policy=replace(POLICY, defaults={Risk.MEDIUM: Rule(sets=(IN_LEADS,), humans=1)}))
    operation = await approved_by(by_group, BOB)
    scene.directory.people[BOB] = replace(scene.directory.people[BOB], standing=Standing.GUEST)
    assert list(await votes_lost(by_group.workshop, operation)) == [BOB]


# --- the policy and the target of now ---------------------------------------------------------------------------------


async def test_the_policy_of_now_is_asked(scene: Scene) -> None:
    """Nothing against it, frozen, forbidden, closed to the bot, stricter."""
    operation = await scene.request()

    def problem(**changed: object) -> str:
        return policy_problem(scene.fitted(**changed).workshop, operation)

    elsewhere = Scopes(
        namespaces=MappingProxyType({ClusterName("demo"): (Namespace("other"),)}), default_cluster=ClusterName("demo")
    )
    assert problem() == ""
    assert problem(policy=replace(POLICY, frozen=(RuleFor(forbidden="Friday"),))) == "changes are frozen here: Friday"
    assert problem(policy=replace(POLICY, rules=(RuleFor(forbidden="never"),))) == "never"
    assert problem(scopes=elsewhere).startswith('The namespace "shop" of demo is not open to this bot.')
    stricter = replace(POLICY, defaults={Risk.MEDIUM: Rule(sets=(IN_SENIORS,), humans=1)})
    assert problem(policy=stricter) == "it takes more to approve this than when it was asked for"


async def test_a_look_says_what_is_not_as_planned(scene: Scene) -> None:
    """With the moment at which it began; what cannot be read is no answer."""
    operation = await scene.request()
    before = datetime.now(UTC)
    seen = await look(scene.workshop, operation)
    assert (seen.problem, seen.live.uid) == ("", operation.plan.draft.target.uid)
    assert before <= seen.at <= seen.live.read_at
    scene.touch("api", lambda of: of["spec"]["template"]["metadata"].update(labels={"app": "api", "a": "b"}))
    assert (await look(scene.workshop, operation)).problem == "its pod template was changed"
    scene.server.faults.add(ClusterFault(FaultKind.STATUS, verb="get", status=500))
    with pytest.raises(ClusterError):
        await look(scene.workshop, operation)
