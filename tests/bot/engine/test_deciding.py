"""What people say to a request: who may, when, on which message, and what it comes to."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
import pytest

from bot.domain import transitions as states
from bot.domain.actions import DecisionKind
from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import ChangePolicy, Rota, RuleFor
from bot.domain.operations import Operation, Resolution, State
from bot.domain.people import RoleBinding, RoleName
from bot.domain.plans import Risk
from bot.domain.policy import Policy
from bot.domain.requests import Place, Surface
from bot.domain.transitions import NotPossible
from bot.domain.view import Mention, View
from bot.engine.addressing import Addressed
from bot.engine.evidence import FRESH_S, Evidence, rights_on
from bot.engine.judging import Said, Seen, decided, resolution_of
from bot.errors import DirectoryUnavailable, StoreUnavailable, UsageError
from bot.store.store import PostgresStore
from sandbox.cluster.faults import Fault, FaultKind
from tests.support.clocks import ShiftedClock
from tests.support.engine import (
    ANN,
    BOB,
    CHANNEL,
    LEA,
    LEADS,
    OLI,
    OPS,
    OTHER_CHANNEL,
    POLICY,
    RIGHTS,
    SENIORS,
    VIC,
    InterposedWriter,
    Scene,
    asked,
    buttons_of,
    member,
    scene_on,
)

APPROVERS = RuleSet(name="approvers", roles=(RoleName.APPROVER,))
IN_LEADS, IN_SENIORS = RuleSet(name="@rag-leads", groups=(LEADS,)), RuleSet(name="@rag-seniors", groups=(SENIORS,))
ON_CALL = RuleSet(name="on call", on_call=True)
KINDS = {kind.value for kind in DecisionKind}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_on(store, tmp_path) as set_up:
        yield set_up


def policy_of(*sets: RuleSet, humans: int = 1, **more: Any) -> ChangePolicy:
    """Return a policy by which a change of medium risk needs these sets."""
    return replace(POLICY, defaults={Risk.MEDIUM: Rule(sets=sets, humans=humans)}, **more)


def told(view: View) -> str:
    return f"{view.summary} {view.blocks!r}"


async def state_of(scene: Scene, operation: Operation) -> State:
    return (await scene.now(operation)).state


async def refusals(scene: Scene) -> list[str]:
    """Return why something counted for nothing, as the audit has it."""
    return [str(row.detail["said"]) for row in await scene.audit("vote_refused")]


async def step(scene: Scene, operation: Operation, change: Callable[[Operation, datetime], Operation]) -> None:
    """Take a request a step on, as the executor does."""
    async with scene.store.transaction() as transaction:
        found = await transaction.operation(operation.id)
        assert found is not None
        assert await transaction.save(change(found, await transaction.now()))


# --- an approval ------------------------------------------------------------------------------------------------------


async def test_an_approval_is_kept_with_what_it_was_judged_by(scene: Scene) -> None:
    """On the card, in the row, and in the audit; the approver alone is told, and nothing is written yet."""
    operation = await scene.request()
    view = await scene.vote(operation)
    now = await scene.now(operation)
    [vote] = now.votes
    assert (view.summary, now.state, now.version) == ("Approved: Restart api. It begins now.", State.APPROVED, 2)
    assert (vote.user_id, vote.sets, vote.groups, vote.digest) == (BOB, ("approvers",), (LEADS,), operation.digest)
    assert now.execute_by == (now.approved_at or LONG_AGO) + timedelta(seconds=POLICY.execute_within_s)
    [row] = await scene.audit("vote")
    assert (row.actor, row.result, row.subject) == (BOB, "approved", operation.id)
    assert row.detail["digest"] == operation.digest
    assert row.detail["groups"] == LEADS
    assert row.detail["groups_read_at"]
    assert row.detail["resource_version"]
    assert row.detail["via"] == "slack"
    await scene.deliver()
    assert [post.version for post in scene.posted if post.kind == "card"] == [1, 2]
    assert scene.server.seen.effects == []


async def test_a_request_can_be_approved_by_its_id(scene: Scene) -> None:
    """Typed anywhere, also by its beginning; what was said with it is on record."""
    operation = await scene.request()
    await scene.say(f"approve {operation.id[:8]} looks right", by=BOB, place=Place(OTHER_CHANNEL))
    assert await state_of(scene, operation) is State.APPROVED
    assert [row.detail["reason"] for row in await scene.audit("vote")] == ["looks right"]
    view = await scene.say("approve 000000", by=BOB)
    assert view.summary == 'There is no request "000000".'


async def test_two_of_a_set_are_two_people(scene: Scene) -> None:
    """The first is told who is still missing."""
    operation = await scene.request("restart api --risk high")
    view = await scene.vote(operation, BOB)
    assert view.summary == "Your approval is recorded. It still waits for 1 of the approvers (@rag-leads)."
    assert await state_of(scene, operation) is State.PENDING
    await scene.vote(operation, LEA)
    assert await state_of(scene, operation) is State.APPROVED


async def test_t01_two_at_once_make_one_transition(scene: Scene) -> None:
    """Both are named, whoever was first."""
    for quorum, risk in ((1, "medium"), (2, "high")):
        for _ in range(5):
            operation = await scene.request(f"restart api --risk {risk}")
            await asyncio.gather(scene.vote(operation, BOB), scene.vote(operation, LEA))
            now = await scene.now(operation)
            assert (now.state, len(now.votes)) == (State.APPROVED, quorum)
            rows = [row for row in await scene.audit("vote") if row.subject == operation.id]
            assert [row.result for row in rows] == ["recorded", "approved"][-quorum:]
            assert {row.actor for row in rows} == {vote.user_id for vote in now.votes}
            await scene.say(f"cancel {operation.id}")
            await scene.deliver()


async def test_t02_a_double_click_is_one_vote(scene: Scene) -> None:
    """The second is told that it is known; with a quorum of one, that it is done."""
    operation = await scene.request("restart api --risk high")
    views = await asyncio.gather(*(scene.vote(operation, BOB) for _ in range(3)))
    assert sorted(view.exit_code for view in views) == [0, 2, 2]
    assert len((await scene.now(operation)).votes) == 1
    assert "Your approval is already recorded." in await refusals(scene)
    single = await scene.request("restart worker")
    await scene.vote(single, BOB)
    again = await scene.vote(single, LEA)
    assert again.summary == "It is already approved."
    assert repr(Mention(BOB)) in told(again)


async def test_t02_the_same_delivery_counts_once(scene: Scene) -> None:
    """However often the platform repeats it."""
    operation = await scene.request("restart api --risk high")
    request = asked(f"approve {operation.id}", by=BOB, key="one envelope")
    assert [await scene.service.accept(request) for _ in range(5)] == [True, False, False, False, False]
    await scene.service.control(await scene.claimed(request))
    assert await scene.store.inbox.claim(lease_s=1, key=request.key) is None
    assert len((await scene.now(operation)).votes) == 1


async def test_t03_one_human_with_two_accounts_fills_one_place(scene: Scene) -> None:
    """The accounts are linked by configuration."""
    linked = scene.fitted(policy=replace(POLICY, humans={BOB: "bob", LEA: "bob"}))
    operation = await linked.request("restart api --risk high")
    await linked.vote(operation, BOB)
    view = await linked.vote(operation, LEA)
    assert view.summary == "Your approval is already recorded."
    assert len((await scene.now(operation)).votes) == 1


async def test_t03_accounts_that_are_linked_later_count_as_one_as_well(scene: Scene) -> None:
    """What is known at the click decides."""
    operation = await scene.request("restart api --risk high")
    await scene.vote(operation, BOB)
    linked = scene.fitted(policy=replace(POLICY, humans={BOB: "bob", LEA: "bob"}))
    assert (await linked.vote(operation, LEA)).summary == "Your approval is already recorded."


async def test_t03_one_human_in_two_sets_fills_one_place(scene: Scene) -> None:
    """The other place stays open."""
    both = scene.fitted(policy=policy_of(IN_LEADS, IN_SENIORS, humans=2))
    scene.directory.people[BOB] = member(BOB, LEADS, SENIORS)
    operation = await both.request()
    view = await both.vote(operation, BOB)
    assert view.summary.startswith("Your approval is recorded. It still waits for 1 of @rag-")
    assert await state_of(scene, operation) is State.PENDING


async def test_t04_a_deny_is_never_lost(scene: Scene) -> None:
    """Approve and deny at once: in one order or the other, it ends denied."""
    for _ in range(10):
        operation = await scene.request()
        await asyncio.gather(scene.vote(operation, BOB), scene.vote(operation, LEA, "deny", "wait"))
        now = await scene.now(operation)
        assert (now.state, now.closed_by, now.outcome) == (State.DENIED, LEA, "wait")
        rows = [row.action for row in await scene.audit() if row.subject == operation.id]
        assert rows in (["requested", "vote", "denied"], ["requested", "denied", "vote_refused"])
        await scene.deliver()


async def test_t05_a_deny_wins_until_it_runs(scene: Scene) -> None:
    """Approved is not too late, running is, and both are told."""
    operation = await scene.request()
    await scene.vote(operation, BOB)
    await scene.deliver()
    view = await scene.vote(operation, LEA, "deny", "wait for the hotfix")
    assert (view.summary, await state_of(scene, operation)) == ("Denied. It will not be carried out.", State.DENIED)
    await scene.deliver()
    assert not [each for each in buttons_of(scene.posted[-2].view) if each.command.split()[0] in KINDS]
    running = await scene.request("restart worker")
    await scene.vote(running, BOB)
    await step(scene, running, lambda found, now: states.claim(found, now=now))
    view = await scene.vote(running, LEA, "deny")
    assert (view.summary, await state_of(scene, running)) == ("It is running already.", State.EXECUTING)


async def test_a_denied_request_is_never_approved(scene: Scene) -> None:
    """Terminal states are final; a click on the old picture gets the answer of today."""
    operation = await scene.request()
    await scene.vote(operation, LEA, "deny", "no")
    view = await scene.vote(operation, BOB)
    assert (view.summary, await state_of(scene, operation)) == ("It was denied already.", State.DENIED)
    assert repr(Mention(LEA)) in told(view)


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "state"), [(-1, State.APPROVED), (0, None), (1, None)])
async def test_t06_the_moment_of_expiry_is_too_late(scene: Scene, seconds: int, state: State | None) -> None:
    """One second before is not."""
    operation = await scene.request()
    rights = await rights_on(scene.workshop, operation, asked("approve", by=BOB).actor, "approve")
    live = await scene.workshop.writer.live(operation.plan.draft.target.scope, "Deployment", "api")
    at = scene.workshop.clock.now()
    seen = Seen(at=at, rights=rights, evidence=Evidence(operation=operation, live=live, at=at))
    said = Said(
        request=asked("approve", by=BOB),
        kind=DecisionKind.APPROVE,
        words="",
        meant=Addressed(operation, operation.digest),
    )
    now = operation.expires_at + timedelta(seconds=seconds)
    if state is None:
        with pytest.raises(NotPossible, match="Its time is over"):
            decided(scene.workshop, operation, said, seen, now)
    else:
        assert decided(scene.workshop, operation, said, seen, now).operation.state is state


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_t06_the_database_decides_what_time_it_is(scene: Scene, store_url: str, minutes: int) -> None:
    """A replica whose clock is wrong counts what is in time, and nothing that is late."""
    clock = ShiftedClock()
    clock.shift(60 * minutes)
    replica = scene.fitted(clock=clock, policy=replace(POLICY, time_to_live_s=300))
    operation = await replica.request()
    assert abs((operation.created_at - datetime.now(UTC)).total_seconds()) < 60
    late = await replica.request("restart worker")
    await replica.vote(operation)
    assert await state_of(scene, operation) is State.APPROVED
    with psycopg.connect(store_url, autocommit=True) as admin:  # its five minutes pass
        admin.execute("ALTER TABLE operations DISABLE TRIGGER operation_keeps_its_word")
        admin.execute("UPDATE operations SET expires_at = expires_at - interval '5 min' WHERE id = %s", (late.id,))
        admin.execute("ALTER TABLE operations ENABLE TRIGGER operation_keeps_its_word")
    assert (await replica.vote(late)).summary == "Its time is over."
    assert await state_of(scene, late) is State.PENDING


# --- the address ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"message": "16000000.000001"}, "This message does not show the request any more"),
        ({"place": Place(OTHER_CHANNEL)}, "does nothing elsewhere"),
        ({"surface": Surface.COMMAND}, "does nothing elsewhere"),
        ({"surface": Surface.MENTION}, "does nothing elsewhere"),
    ],
    ids=["another message", "another channel", "typed", "by a mention"],
)
async def test_t07_an_address_counts_on_its_own_message_alone(scene: Scene, how: dict[str, Any], words: str) -> None:
    """A copied value is refused, and on record."""
    operation = await scene.request()
    view = await scene.press(operation, "approve", by=BOB, **how)
    assert words in view.summary
    assert await state_of(scene, operation) is State.PENDING
    [row] = await scene.audit("vote_refused")
    assert (row.actor, row.subject, row.result) == (BOB, operation.id, "refused")


async def test_t07_an_address_counts_for_its_own_purpose_alone(scene: Scene) -> None:
    """The deny button's value approves nothing; nor does a made-up one."""
    operation = await scene.request()
    token = scene.button(operation, "deny").removeprefix("deny ")
    message = await scene.store.operations.message(f"operation:{operation.id}", CHANNEL)
    for value in (token, "0" * 40):
        await scene.say(f"approve {value}", by=BOB, surface=Surface.BUTTON, message=message)
    assert await state_of(scene, operation) is State.PENDING
    assert len(await refusals(scene)) == 2


async def test_t07_the_address_of_one_request_says_nothing_to_another(scene: Scene) -> None:
    """Each card has its own, also in the same channel."""
    first, second = await scene.request(), await scene.request("restart worker")
    message = await scene.store.operations.message(f"operation:{second.id}", CHANNEL)
    await scene.press(first, "approve", by=BOB, message=message)
    assert {await state_of(scene, each) for each in (first, second)} == {State.PENDING}


async def test_t07_another_workspace_is_refused_before_anything(scene: Scene) -> None:
    """Although the platform signed it, and whoever of ours has the same id could approve."""
    operation = await scene.request()
    view = await scene.press(operation, "approve", by=BOB, team="T0OTHER")
    assert view.summary == "You can't use approve: people of other workspaces may not use this bot."
    assert await state_of(scene, operation) is State.PENDING
    [row] = await scene.audit("approve")
    assert (row.result, row.detail["team"]) == ("refused", "T0OTHER")


async def test_a_card_that_is_only_just_being_posted_cannot_be_pressed(scene: Scene) -> None:
    """Which message shows it is known once it was delivered."""
    await scene.say("restart api")
    [row] = await scene.audit("requested")
    outgoing = await scene.store.outbox.claim(lease_s=30)
    assert outgoing is not None
    scene.posted.append(outgoing.post)
    command = scene.button(await scene.now(row.subject), "approve")
    view = await scene.say(command, by=BOB, surface=Surface.BUTTON, message="17000000.000001")
    assert view.summary == "The card is only just being posted; press again in a moment."


async def test_a_dialog_that_a_button_opened_counts_like_the_button(scene: Scene) -> None:
    """The reason that was asked for is the rest of the words."""
    operation = await scene.request()
    await scene.press(operation, "deny", by=BOB, surface=Surface.FORM, words="not on a Friday")
    now = await scene.now(operation)
    assert (now.state, now.outcome) == (State.DENIED, "not on a Friday")


# --- the person -------------------------------------------------------------------------------------------------------


async def test_t08_nobody_approves_their_own_request(scene: Scene) -> None:
    """Also as an approver, and also after having joined the group meanwhile."""
    operation = await scene.request()
    scene.directory.people[ANN] = member(ANN, OPS, LEADS)
    view = await scene.vote(operation, ANN)
    assert (view.summary, await refusals(scene)) == (
        "Nobody approves their own request.",
        ["Nobody approves their own request."],
    )


@pytest.mark.parametrize("known", ["then", "only now"])
async def test_t08_an_alias_of_the_requester_is_the_requester(scene: Scene, known: str) -> None:
    """Whether it was known when the request was made, or is known when the vote is cast."""
    linked = replace(POLICY, humans=MappingProxyType({ANN: "ann", LEA: "ann"}))
    operation = await scene.fitted(policy=linked if known == "then" else POLICY).request()
    view = await scene.fitted(policy=linked).vote(operation, LEA)
    assert view.summary == "Nobody approves their own request."
    assert await state_of(scene, operation) is State.PENDING


async def test_whoever_is_in_no_set_is_told_who_is_needed(scene: Scene) -> None:
    """With where the knowledge comes from; it is on record."""
    operation = await scene.request()
    view = await scene.vote(operation, VIC)
    assert view.summary == "You are in none of the groups that this needs."
    assert "It waits for 1 of the approvers (@rag-leads)." in told(view)
    assert "user groups of the workspace" in told(view)
    assert len(await refusals(scene)) == 1


async def test_verbs_of_the_configuration_narrow_who_may_approve(store: PostgresStore, tmp_path: Path) -> None:
    """They make nobody an approver."""
    rights = Policy(bindings=RIGHTS.bindings, verbs={"approve": frozenset({RoleName.ADMIN})})
    async with scene_on(store, tmp_path, rights=rights) as scene:
        operation = await scene.request()
        view = await scene.vote(operation, BOB)
        assert view.summary.startswith("You can't use approve")
        assert await state_of(scene, operation) is State.PENDING


async def test_verbs_of_the_configuration_are_judged_where_the_change_would_be_made(
    store: PostgresStore, tmp_path: Path
) -> None:
    """Whoever is an approver somewhere else, and is named by the rule, does not hold that role here."""
    elsewhere = RoleBinding(RoleName.APPROVER, users=frozenset({VIC}), namespaces=frozenset({"other"}))
    rights = Policy(bindings=(*RIGHTS.bindings, elsewhere), verbs={"approve": frozenset({RoleName.APPROVER})})
    async with scene_on(store, tmp_path, policy=policy_of(RuleSet(name="vic", users=(VIC,))), rights=rights) as scene:
        operation = await scene.request()
        view = await scene.vote(operation, VIC)
        assert view.summary == "You are in none of the groups that this needs."
        assert await state_of(scene, operation) is State.PENDING


def rota(*people: str, tier: int = 1) -> Rota:
    return Rota(people=people, starts=LONG_AGO, tier=tier)


async def test_t12_who_is_on_call_at_the_click_may_approve(scene: Scene) -> None:
    """Not who was when it was asked for."""
    operation = await scene.fitted(policy=policy_of(ON_CALL, rotas=(rota(VIC),))).request()
    after = scene.fitted(policy=policy_of(ON_CALL, rotas=(rota(OLI),)))
    assert (await after.vote(operation, VIC)).summary == "You are in none of the groups that this needs."
    await after.vote(operation, OLI)
    assert await state_of(scene, operation) is State.APPROVED


async def test_t12_the_powers_of_who_is_on_call_are_limited(scene: Scene) -> None:
    """By tier, and by what is to be done."""
    second = RuleSet(name="second on call", on_call=True, tiers=(2,))
    rules = (RuleFor(rule=Rule(sets=(second,), humans=1), verbs=frozenset({"scale"})),)
    limited = scene.fitted(policy=replace(POLICY, rules=rules, rotas=(rota(VIC), rota(OLI, tier=2))))
    scale, restart = await limited.request("scale api"), await limited.request("restart worker")
    assert (await limited.vote(scale, VIC)).exit_code == 2
    assert (await limited.vote(restart, OLI)).exit_code == 2
    assert (await limited.vote(scale, OLI)).exit_code == 0


@pytest.mark.parametrize("order", list(itertools.permutations((BOB, LEA, VIC))), ids=" ".join)
async def test_t13_the_order_of_clicks_does_not_matter(scene: Scene, order: tuple[str, ...]) -> None:
    """Lea could fill either place, Bob only one; Vic is the third person that is asked for."""
    both = scene.fitted(policy=policy_of(IN_LEADS, IN_SENIORS, APPROVERS, humans=3))
    scene.directory.people |= {
        BOB: member(BOB, LEADS),
        LEA: member(LEA, LEADS, SENIORS),
        VIC: member(VIC, LEADS),
    }
    operation = await both.request()
    for person in order:
        assert await state_of(scene, operation) is State.PENDING
        await both.vote(operation, person)
        await both.deliver()
    assert await state_of(scene, operation) is State.APPROVED


# --- the target -------------------------------------------------------------------------------------------------------


def _image(deployment: dict[str, Any]) -> None:
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "app:v9"


def _template(deployment: dict[str, Any]) -> None:
    deployment["spec"]["template"]["metadata"]["labels"]["team"] = "x"


def _replicas(deployment: dict[str, Any]) -> None:
    deployment["spec"]["replicas"] = 7


@pytest.mark.parametrize(
    ("command", "change", "words"),
    [
        ("restart api", _image, "its pod template was changed"),
        ("rollback api", _template, "its pod template was changed"),
        ("scale api", _replicas, "7 pods are asked for now, not 2"),
    ],
    ids=["image", "template", "replicas"],
)
async def test_t14_what_changed_since_is_not_approved(
    scene: Scene, command: str, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    """It is over, says why, offers to ask again, and nothing is written."""
    operation = await scene.request(command)
    scene.touch("api", change)
    view = await scene.vote(operation)
    now = await scene.now(operation)
    assert (now.state, now.outcome, now.votes) == (State.SUPERSEDED, words, ())
    assert words in view.summary
    assert [button.command for button in buttons_of(view)] == [command]
    [row] = await scene.audit("superseded")
    assert (row.actor, row.detail["why"]) == (BOB, words)
    await scene.deliver()
    card, thread = scene.posted[-2:]
    assert [button.label for button in buttons_of(card.view)] == ["Ask again"]
    assert (thread.kind, thread.under) == ("thread", f"operation:{operation.id}")
    assert scene.server.seen.effects == []


async def test_t14_another_object_of_the_same_name_is_another_object(scene: Scene) -> None:
    """Deleted and made anew, or gone."""
    operation, other = await scene.request(), await scene.request("restart worker")
    old = scene.world.store.get("deployments", "shop", "api")
    assert old is not None
    for name in ("api", "worker"):
        scene.world.store.delete("deployments", "shop", name)
        scene.world.advance(60)
    scene.world.apply("deployments", {**old, "metadata": {"name": "api", "namespace": "shop"}})
    await scene.vote(operation)
    await scene.vote(other)
    assert (await scene.now(operation)).outcome == "deployment/api was deleted and made anew"
    assert (await scene.now(other)).outcome == "deployment/worker is gone"


async def test_t16_what_is_not_about_the_change_does_not_matter(scene: Scene) -> None:
    """Another number of pods is no reason not to restart; nor is a status that moved."""
    operation = await scene.request("restart api")
    scene.touch("api", _replicas)
    scene.world.advance(30)
    await scene.vote(operation)
    assert await state_of(scene, operation) is State.APPROVED


async def test_a_cluster_that_does_not_answer_is_no_sign_of_no_change(scene: Scene) -> None:
    """The click is refused, the request stays; to deny and to cancel work without it."""
    operation, other = await scene.request(), await scene.request("restart worker")
    scene.server.faults.add(Fault(FaultKind.STATUS, verb="get", resource="deployments", status=500))
    view = await scene.vote(operation)
    assert view.summary == "Your approval was not counted: I cannot read the object now."
    assert [button.command for button in buttons_of(view)] == [f"approve {operation.id[:8]}"]
    assert (await scene.now(operation)).votes == ()
    assert len(await refusals(scene)) == 1
    assert (await scene.vote(operation, LEA, "deny", "no")).exit_code == 0
    assert (await scene.vote(other, ANN, "cancel")).exit_code == 0
    assert [await state_of(scene, each) for each in (operation, other)] == [State.DENIED, State.CANCELLED]


async def test_what_was_read_long_ago_is_read_again(scene: Scene) -> None:
    """Before it decides anything; whoever waits too often is told so, and has not voted."""
    operation = await scene.request("restart api --risk high")
    clock = ShiftedClock()

    def late(times: int) -> InterposedWriter:
        return InterposedWriter(scene.workshop.writer, lambda look: clock.shift(FRESH_S + 1 if look <= times else 0))

    once, always = late(1), late(99)
    await scene.fitted(clock=clock, writer=once).vote(operation, BOB)
    view = await scene.fitted(clock=clock, writer=always).vote(operation, LEA)
    assert (once.looks, always.looks) == (2, 3)
    assert view.summary == "What has to be read for this grows old before it can be used."
    assert [vote.user_id for vote in (await scene.now(operation)).votes] == [BOB]


# --- the policy of now ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (replace(POLICY, frozen=(RuleFor(forbidden="Black Friday"),)), "changes are frozen here: Black Friday"),
        (replace(POLICY, rules=(RuleFor(forbidden="restarts are off"),)), "restarts are off"),
        (policy_of(APPROVERS, IN_SENIORS, humans=2), "it takes more to approve this than when it was asked for"),
        (policy_of(replace(APPROVERS, count=2), humans=2), "it takes more to approve this"),
        (policy_of(IN_SENIORS), "it takes more to approve this"),
    ],
    ids=["frozen", "forbidden", "one set more", "two of them", "others"],
)
async def test_t30_a_stricter_policy_ends_the_request(scene: Scene, policy: ChangePolicy, words: str) -> None:
    """What nobody may do any more, or only with more approvals, is asked for anew."""
    operation = await scene.request()
    await scene.fitted(policy=policy).vote(operation)
    now = await scene.now(operation)
    assert (now.state, now.votes) == (State.SUPERSEDED, ())
    assert words in now.outcome


async def test_t30_a_milder_policy_leaves_the_request_as_it_was_shown(scene: Scene) -> None:
    """What it takes is in the plan."""
    operation = await scene.request("restart api --risk high")
    mild = scene.fitted(policy=replace(POLICY, defaults={Risk.HIGH: Rule(sets=(APPROVERS,), humans=1)}))
    await mild.vote(operation, BOB)
    assert await state_of(scene, operation) is State.PENDING


# --- cancel, withdraw, resolve ----------------------------------------------------------------------------------------


async def test_the_requester_alone_cancels(scene: Scene) -> None:
    """Under any account of theirs, without anybody being looked up."""
    linked = scene.fitted(policy=replace(POLICY, humans={ANN: "ann", VIC: "ann"}))
    operation, other = await linked.request(), await linked.request("restart worker")
    assert (await linked.vote(operation, BOB, "cancel")).exit_code == 2
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    await linked.vote(operation, ANN, "cancel")
    await linked.vote(other, VIC, "cancel")
    assert [await state_of(scene, each) for each in (operation, other)] == [State.CANCELLED, State.CANCELLED]
    assert [row.actor for row in await scene.audit("cancelled")] == [ANN, VIC]
    assert (await linked.vote(operation, ANN, "cancel")).summary == "It was cancelled already."


async def test_the_requesters_id_in_another_workspace_is_somebody_else(scene: Scene) -> None:
    """Also while nobody can be looked up."""
    operation = await scene.request()
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await scene.say(f"cancel {operation.id}", by=ANN, team="T0OTHER")
    assert view.summary == "Only who asked for it can cancel it; an approver can deny it."
    assert await state_of(scene, operation) is State.PENDING


async def test_who_may_approve_may_deny_and_nobody_else(scene: Scene) -> None:
    """Neither an operator nor the requester."""
    operation = await scene.request()
    for person in (OLI, ANN, VIC):
        view = await scene.vote(operation, person, "deny")
        assert view.summary == "Only who could approve it can deny it; who asked for it can cancel it."
    scene.directory.problem = DirectoryUnavailable("Slack did not answer.")
    view = await scene.vote(operation, BOB, "deny")
    assert view.summary.startswith("Nothing of yours was counted: your groups could not be read")
    assert await state_of(scene, operation) is State.PENDING


async def test_an_approval_can_be_taken_back_until_it_runs(scene: Scene) -> None:
    """The vote stays on record as void; the same person may vote again."""
    operation = await scene.request()
    await scene.vote(operation, BOB)
    await scene.deliver()
    view = await scene.vote(operation, BOB, "withdraw")
    now = await scene.now(operation)
    assert view.summary == "Your approval is withdrawn. It waits for 1 of the approvers (@rag-leads)."
    assert (now.state, now.execute_by, [vote.void for vote in now.votes]) == (State.PENDING, None, ["withdrawn"])
    assert (await scene.vote(operation, LEA, "withdraw")).summary == "There is no approval of yours to withdraw."
    await scene.deliver()
    await scene.vote(operation, BOB)
    assert [vote.void for vote in (await scene.now(operation)).votes] == ["withdrawn", ""]
    assert [row.action for row in await scene.audit("vote", "withdrawn")] == ["vote", "withdrawn", "vote"]


async def doubtful(scene: Scene) -> Operation:
    operation = await scene.request("restart api --risk low")
    await step(scene, operation, lambda found, now: states.claim(found, now=now))
    await step(scene, operation, lambda found, now: states.lose(found, "no answer", now=now))
    return operation


async def test_an_operator_or_an_approver_says_what_became_of_it(scene: Scene) -> None:
    """Once; nobody else may, and nothing is done again."""
    operation = await doubtful(scene)
    assert (await scene.say(f"resolve {operation.id} happened", by=VIC)).exit_code == 2
    view = await scene.say(f"resolve {operation.id} undone by hand", by=OLI)
    now = await scene.now(operation)
    assert view.summary == "Recorded: it was undone. The object can be changed again."
    assert (now.state, now.resolution, now.closed_by) == (State.UNKNOWN, Resolution.UNDONE, OLI)
    [row] = await scene.audit("resolution")
    assert (row.result, row.detail["reason"]) == ("undone", "by hand")
    again = await scene.say(f"resolve {operation.id} happened", by=LEA)
    assert again.summary == "It was resolved already: undone."
    assert scene.server.seen.effects == []


async def test_only_a_doubt_is_resolved(scene: Scene) -> None:
    """And only in words that say what was found."""
    operation = await scene.request()
    assert (await scene.say(f"resolve {operation.id} happened", by=OLI)).exit_code == 2
    view = await scene.say(f"resolve {operation.id} perhaps", by=OLI)
    assert view.summary == 'Say what you found: "happened" or "did not happen" or "undone".'
    assert await state_of(scene, operation) is State.PENDING


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("happened", (Resolution.HAPPENED, "")),
        ("Happened. I looked", (Resolution.HAPPENED, "I looked")),
        ("did not happen", (Resolution.NOT_HAPPENED, "")),
        ("did not happen: old pods", (Resolution.NOT_HAPPENED, "old pods")),
        ("undone by hand", (Resolution.UNDONE, "by hand")),
    ],
)
def test_what_was_found_is_read_from_words(words: str, found: tuple[Resolution, str]) -> None:
    """With what is said beside it."""
    assert resolution_of(words) == found


@pytest.mark.parametrize("words", ["", "did", "did not", "perhaps happened"])
def test_other_words_are_no_finding(words: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError):
        resolution_of(words)


# --- terminals, crashes -----------------------------------------------------------------------------------------------


async def test_a_terminal_decides_on_nothing(scene: Scene) -> None:
    """It may ask; an approval comes from chat."""
    known = scene.fitted(policy=replace(POLICY, terminals={"bob@example.com": BOB}))
    operation = await known.request()
    text, key = f"approve {operation.id}", "terminal:1:bob@example.com"
    view = await known.say(text, by=BOB, team="", surface=Surface.TERMINAL, key=key)
    assert view.summary == "A terminal may ask for changes, but decide on none: do that in chat."
    assert await state_of(scene, operation) is State.PENDING


@pytest.mark.parametrize("point", ["voted:before-commit", "voted:after-commit"])
async def test_a_vote_counts_once_whatever_ends_in_between(scene: Scene, point: str) -> None:
    """What was not committed is done again from the inbox."""

    async def break_off(at: str) -> None:
        if at == point:
            raise StoreUnavailable

    operation = await scene.request("restart api --risk high")
    request = asked(f"approve {operation.id}", by=BOB)
    await scene.service.accept(request)
    first = await scene.store.inbox.claim(lease_s=0.01, key=request.key)
    assert first is not None
    with pytest.raises(StoreUnavailable):
        await scene.fitted(at=break_off).service.control(first)
    await asyncio.sleep(0.05)
    again = await scene.store.inbox.claim(lease_s=30, key=request.key)
    if again is not None:
        await scene.service.control(again)
    assert len((await scene.now(operation)).votes) == 1
    assert len(await scene.audit("vote")) == 1
