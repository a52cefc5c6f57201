"""From a command to a card: what is kept, what is refused, and what stays as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain import transitions as states
from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import RuleFor
from bot.domain.operations import Operation, State
from bot.domain.people import RoleName
from bot.domain.plans import Risk, canonical, digest_of
from bot.domain.requests import Place, Surface
from bot.domain.view import View
from bot.errors import Lost, StoreUnavailable
from bot.ports import OperationQuery
from bot.store.store import PostgresStore
from sandbox.cluster.api.access import Deny
from sandbox.cluster.faults import Fault, FaultKind
from tests.support.engine import (
    ANN,
    BOB,
    CHANNEL,
    LEA,
    OLI,
    POLICY,
    REQUESTS_CHANNEL,
    VIC,
    InterposedWriter,
    Scene,
    asked,
    buttons_of,
    scene_on,
)


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_on(store, tmp_path) as set_up:
        yield set_up


def told(view: View) -> str:
    return repr(view.blocks)


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_a_request_is_kept_with_its_card_and_an_audit_entry(scene: Scene) -> None:
    """In one transaction; the cluster was only tried."""
    view = await scene.say("restart api --reason 'it hangs'")
    assert view.summary.startswith("Restart api: asked for; it waits for 1 of the approvers (@rag-leads) until ")
    await scene.deliver()
    [card] = scene.posted
    [row] = await scene.audit()
    operation = await scene.now(row.subject)
    plan = operation.plan
    assert (operation.state, plan.reason, plan.requester.user_id) == (State.PENDING, "it hangs", ANN)
    assert operation.digest == digest_of(canonical(plan))
    assert operation.expires_at - operation.created_at == timedelta(seconds=POLICY.time_to_live_s)
    assert (card.kind, card.version, card.place, card.asked_by) == ("card", 1, Place(CHANNEL), ANN)
    assert (row.action, row.result, row.actor) == ("requested", "PENDING", ANN)
    assert row.detail["digest"] == operation.digest
    assert row.detail["uid"] == plan.draft.target.uid
    assert scene.server.asked["patch deployments.apps"] == 1
    assert scene.server.seen.effects == []


async def test_the_plan_holds_what_the_policy_was_then(scene: Scene) -> None:
    """Rule, version, time to live and the human behind the account."""
    rule = Rule(sets=(RuleSet(name="operators", roles=(RoleName.OPERATOR,)),), humans=1)
    policy = replace(
        POLICY,
        version="v7",
        rules=(RuleFor(rule=rule, verbs=frozenset({"restart"})),),
        times_to_live_s={"restart": 60},
        humans={ANN: "ann"},
    )
    operation = await scene.fitted(policy=policy).request()
    plan = operation.plan
    named = replace(rule, sets=(replace(rule.sets[0], known_as="@rag-oncall"),))
    assert (plan.rule, plan.policy_version, plan.human) == (named, "v7", "ann")
    assert plan.expires_at - plan.created_at == timedelta(seconds=60)


async def test_what_needs_no_second_person_is_approved_at_once(scene: Scene) -> None:
    """It is kept, shown and on record all the same."""
    view = await scene.say("restart api --risk low")
    assert view.summary == "Restart api: it begins now, nobody else is asked."
    [row] = await scene.audit("requested")
    operation = await scene.now(row.subject)
    assert (operation.state, row.result) == (State.APPROVED, "APPROVED")
    assert operation.approved_at is not None
    assert operation.execute_by == operation.approved_at + timedelta(seconds=POLICY.execute_within_s)
    assert operation.plan.rule.empty


@pytest.mark.parametrize(
    ("how", "place"),
    [
        ({"place": Place(CHANNEL, "17.1")}, Place(CHANNEL, "17.1")),
        ({"place": Place(CHANNEL, "17.1"), "surface": Surface.MENTION, "opens_thread": True}, Place(CHANNEL)),
        ({"place": Place("D0ANN"), "surface": Surface.DIRECT}, Place(REQUESTS_CHANNEL)),
        ({"place": Place("D0ANN")}, Place(REQUESTS_CHANNEL)),
        ({"place": Place(""), "surface": Surface.HOME}, Place(REQUESTS_CHANNEL)),
    ],
    ids=["in a thread", "by a mention", "in a direct message", "a command in a direct message", "on the own page"],
)
async def test_the_card_is_where_others_are(scene: Scene, how: dict[str, Any], place: Place) -> None:
    """Asked for where nobody else is, it is shown in the channel that the configuration names."""
    operation = await scene.request(**how)
    assert operation.place == place


async def test_without_a_channel_for_it_a_private_request_is_refused(scene: Scene) -> None:
    """And says how to configure one."""
    silent = scene.fitted(policy=replace(POLICY, channel=""))
    view = await silent.say("restart api", place=Place("D0ANN"))
    assert "channel under [changes] in ragops.toml" in view.summary
    assert await scene.audit("requested") == []


async def test_a_rule_that_nobody_could_fill_is_warned_of(scene: Scene) -> None:
    """The request stands, but whoever made it knows."""
    nobody = (RuleSet(name="@rag-gone", groups=("S0GONE",)), RuleSet(name="on call", on_call=True))
    rule = Rule(sets=(*nobody, RuleSet(name="approvers", roles=(RoleName.APPROVER,))), humans=3)
    view = await scene.fitted(policy=replace(POLICY, defaults={Risk.MEDIUM: rule})).say("restart api")
    assert view.exit_code == 0
    assert "Careful: nobody could agree as @rag-gone: the workspace has no such group" in told(view)
    assert "Careful: nobody could agree as on call: nobody else is on call now" in told(view)
    assert "nobody could agree as approvers" not in told(view)


# --- what is refused --------------------------------------------------------------------------------------------------


async def refused(scene: Scene, view: View, words: str) -> None:
    """Check that nothing was kept but the reason."""
    assert view.exit_code == 2
    assert words in view.summary
    [row] = await scene.audit("requested")
    assert row.result == "refused"
    assert scene.server.seen.effects == []
    await scene.deliver()
    assert scene.posted == []


async def test_a_plan_that_would_do_harm_is_refused_with_its_reason(scene: Scene) -> None:
    """The verb decides that."""
    scene.touch("worker", lambda deployment: deployment["metadata"].update(name="untouchable", uid=""))
    await refused(scene, await scene.say("restart untouchable"), "It would take the last ready pod.")


async def test_what_the_policy_forbids_or_freezes_is_not_asked_for(scene: Scene) -> None:
    """By the rule of now."""
    frozen = replace(POLICY, frozen=(RuleFor(forbidden="Black Friday"),))
    await refused(scene, await scene.fitted(policy=frozen).say("restart api"), "Changes are frozen here: Black Friday")


async def test_what_the_server_would_refuse_is_not_asked_for(scene: Scene) -> None:
    """The dry run says so before anybody is bothered; the reason is the server's."""
    scene.server.rbac = [Deny(verb="patch", resource="deployments")]
    await refused(scene, await scene.say("restart api"), "The API server would refuse this change: The right to patch")


async def test_a_viewer_asks_for_no_change(scene: Scene) -> None:
    """The verb's permission is judged before anything is read."""
    view = await scene.say("restart api", by=VIC)
    assert view.summary.startswith("You can't use restart: that needs the role operator")
    assert scene.server.asked["get deployments.apps"] == 0


async def test_what_moves_while_it_is_planned_is_planned_once_more(scene: Scene) -> None:
    """The card shows what is there now."""
    moved = False

    def release(look: int) -> None:
        nonlocal moved
        if look == 1:
            moved = True
            scene.touch("api", lambda of: of["spec"]["template"]["metadata"].update(annotations={"by": "a person"}))

    writer = InterposedWriter(scene.workshop.writer, release)
    operation = await scene.fitted(writer=writer).request()
    assert (operation.state, moved) == (State.PENDING, True)
    assert writer.looks == 4


async def test_what_moves_all_the_time_is_told(scene: Scene) -> None:
    """Nothing is kept then."""

    def release(look: int) -> None:
        scene.touch("api", lambda of: of["spec"]["template"]["metadata"].update(annotations={"by": str(look)}))

    view = await scene.fitted(writer=InterposedWriter(scene.workshop.writer, release)).say("restart api")
    assert view.exit_code == 2
    assert "was changed while the change was planned: its pod template was changed" in view.summary
    assert await scene.store.operations.search(OperationQuery()) == ()


async def test_a_cluster_that_does_not_answer_is_told(scene: Scene) -> None:
    """Nothing is kept, and the request can be made again."""
    scene.server.faults.add(Fault(FaultKind.STATUS, verb="get", status=500))
    view = await scene.say("restart api")
    assert view.exit_code == 2
    assert "Nothing was changed." in told(view)
    scene.server.faults.clear()
    assert (await scene.request()).state is State.PENDING


# --- crashes and repeats ----------------------------------------------------------------------------------------------


async def test_whoever_lost_the_request_keeps_nothing(scene: Scene) -> None:
    """Another worker has it, and the card is made once."""
    request = asked("restart api")
    await scene.service.accept(request)
    late = await scene.store.inbox.claim(lease_s=0.01, key=request.key)
    assert late is not None
    await asyncio.sleep(0.05)
    taken = await scene.claimed(request)
    assert (await scene.service.control(taken)) is not None
    with pytest.raises(Lost):
        await scene.service.control(late)
    await scene.deliver()
    assert len(scene.posted) == 1


@pytest.mark.parametrize("point", ["requested:before-commit", "requested:after-commit"])
async def test_a_database_that_goes_away_leaves_one_request_or_none(scene: Scene, point: str) -> None:
    """What was not committed is done again from the inbox, what was is not."""

    async def break_off(at: str) -> None:
        if at == point:
            raise StoreUnavailable

    request = asked("restart api")
    await scene.service.accept(request)
    first = await scene.store.inbox.claim(lease_s=0.01, key=request.key)
    assert first is not None
    with pytest.raises(StoreUnavailable):
        await scene.fitted(at=break_off).service.control(first)
    await asyncio.sleep(0.05)
    again = await scene.store.inbox.claim(lease_s=30, key=request.key)
    assert (again is None) is (point == "requested:after-commit")
    if again is not None:
        await scene.service.control(again)
    assert len(await scene.audit("requested")) == 1
    await scene.deliver()
    assert len(scene.posted) == 1


# --- one at a time ----------------------------------------------------------------------------------------------------


async def test_t28_a_second_request_for_the_same_object_names_the_first(scene: Scene) -> None:
    """It is not kept; its requester may replace their own."""
    first = await scene.request("restart api")
    view = await scene.say("scale api")
    assert view.exit_code == 2
    assert view.summary == f"Another request has it: Restart api ({first.id[:8]})."
    assert [button.command for button in buttons_of(view)] == ["scale api --replace", "requests"]
    assert (await scene.now(first)).state is State.PENDING
    assert [row.result for row in await scene.audit("requested")] == ["PENDING", "refused"]


async def test_t28_many_at_once_leave_one(scene: Scene) -> None:
    """The database decides who is first."""
    views = await asyncio.gather(*(scene.say("restart api") for _ in range(5)))
    assert sorted(view.exit_code for view in views) == [0, 2, 2, 2, 2]


@pytest.mark.parametrize(("by", "may"), [(ANN, True), (OLI, False)], ids=["its requester", "another operator"])
async def test_t28_a_waiting_request_gives_way_to_its_own_requester(scene: Scene, by: str, *, may: bool) -> None:
    """Both happen in one transaction: the old one is over when the new one waits."""
    first = await scene.request("restart api")
    view = await scene.say("scale api --replace", by=by)
    old = await scene.now(first)
    if not may:
        assert (view.exit_code, old.state) == (2, State.PENDING)
        assert "--replace" not in told(view)
        return
    new = await waiting(scene)
    assert (old.state, old.outcome) == (State.SUPERSEDED, "a newer request took its place")
    assert (new.state, new.plan.command) == (State.PENDING, "scale api")
    [row] = await scene.audit("superseded")
    assert (row.subject, row.actor, row.detail["by"]) == (old.id, ANN, new.id)


async def test_t28_an_approver_may_replace_the_request_of_another(scene: Scene) -> None:
    """Whoever could deny it could do the same in two steps."""
    first = await scene.request("restart api")
    scene.directory.people[BOB] = replace(scene.directory.people[BOB], groups=frozenset({"S0OPS", "S0LEADS"}))
    await scene.say("scale api --replace", by=BOB)
    assert (await scene.now(first)).state is State.SUPERSEDED


async def test_t28_what_runs_is_not_replaced(scene: Scene) -> None:
    """It is too late for that."""
    first = await scene.request("restart api --risk low")
    await step(scene, first, lambda found, now: states.claim(found, now=now))
    view = await scene.say("scale api --replace")
    assert (view.exit_code, (await scene.now(first)).state) == (2, State.EXECUTING)
    assert "It is running already." in told(view)


async def test_t28_a_doubt_blocks_until_somebody_has_looked(scene: Scene) -> None:
    """Then the object can be changed again; nothing is done again by itself."""
    first = await scene.request("restart api --risk low")
    await step(scene, first, lambda found, now: states.claim(found, now=now))
    await step(scene, first, lambda found, now: states.lose(found, "no answer", now=now))
    view = await scene.say("scale api --replace")
    assert f"resolve {first.id[:8]} happened|did not happen|undone" in told(view)
    assert (await scene.say(f"resolve {first.id[:8]} did not happen", by=LEA)).exit_code == 0
    assert (await scene.request("scale api")).state is State.PENDING
    assert scene.server.seen.effects == []


async def waiting(scene: Scene) -> Operation:
    """Return the one request that waits."""
    [found] = await scene.store.operations.search(OperationQuery(states=frozenset({State.PENDING})))
    return found


async def step(scene: Scene, operation: Operation, change: Callable[[Operation, datetime], Operation]) -> None:
    """Take a request a step on, as the executor does."""
    async with scene.store.transaction() as transaction:
        found = await transaction.operation(operation.id)
        assert found is not None
        assert await transaction.save(change(found, await transaction.now()))


async def test_hostile_words_stay_words(scene: Scene) -> None:
    """A reason is kept as it is, cut, and is no command."""
    reason = "<!channel> *approved by @bob* " + "x" * 900
    operation = await scene.request(f"restart api --reason '{reason}'")
    assert operation.plan.reason == reason[:500]
    assert operation.plan.command.startswith("restart api --reason")
