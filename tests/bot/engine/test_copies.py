"""Copies of a card as direct messages: who gets one, what it counts for, and that it follows the card to the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import ChangePolicy, Rota
from bot.domain.operations import Operation, Progress, State
from bot.domain.people import RoleBinding, RoleName, Standing
from bot.domain.plans import Risk
from bot.domain.requests import Place
from bot.engine.keeping import show
from bot.errors import DeliveryRefused, DirectoryUnavailable
from bot.rights import DirectoryRights
from bot.store.store import PostgresStore
from tests.support.engine import (
    ANN,
    BOB,
    CHANNEL,
    GUS,
    LEA,
    LEADS,
    NIL,
    OLI,
    OPS,
    POLICY,
    RIGHTS,
    SENIORS,
    VIC,
    Scene,
    buttons_of,
    member,
    people,
    scene_on,
)
from tests.support.twins import TableDirectMessages, TableDirectory

APPROVERS = RuleSet(name="approvers", roles=(RoleName.APPROVER,))
DECIDING = {"Approve", "Deny…", "Withdraw", "Cancel", "Details"}


@pytest.fixture
def direct() -> TableDirectMessages:
    return TableDirectMessages()


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path, direct: TableDirectMessages) -> AsyncIterator[Scene]:
    """The usual scene, in which the bot can write to people directly."""
    async with scene_on(store, tmp_path) as set_up:
        yield set_up.fitted(direct=direct)


def policy_of(*sets: RuleSet, **more: Any) -> ChangePolicy:
    """Return a policy by which a change of medium risk needs these sets."""
    return replace(POLICY, defaults={Risk.MEDIUM: Rule(sets=sets, humans=1)}, **more)


def dm(user: str) -> Place:
    return Place(f"D-{user}")


def having(operation: Operation) -> set[str]:
    """Return who got a copy."""
    assert all(each.channel == f"D-{each.user_id}" for each in operation.copies)
    return {each.user_id for each in operation.copies}


def labels(scene: Scene, operation: Operation, place: Place) -> set[str]:
    """Return the labels of the buttons on the newest picture in a place."""
    return {button.label for button in buttons_of(scene.pictures(operation, place.channel)[-1])}


# --- who gets one -----------------------------------------------------------------------------------------------------


async def test_whoever_may_approve_gets_a_copy_with_the_card(scene: Scene) -> None:
    """The leads, but no guest among them; the copies are put out with the card, and on record."""
    operation = await scene.request()
    assert having(operation) == {BOB, LEA}
    assert [(post.place.channel, post.kind, post.version) for post in scene.posted] == [
        (CHANNEL, "card", 1),
        (f"D-{BOB}", "copy", 1),
        (f"D-{LEA}", "copy", 1),
    ]
    assert labels(scene, operation, dm(BOB)) == {"Approve", "Deny…", "Details"}
    [row] = await scene.audit("requested")
    assert row.detail["copies"] == f"{BOB} {LEA}"
    assert GUS not in {each.user_id for each in operation.copies}


async def test_the_requester_gets_none(scene: Scene) -> None:
    """Nor any other account of theirs, although all of them are among the approvers."""
    scene.directory.people |= {ANN: member(ANN, OPS, LEADS), NIL: member(NIL, LEADS)}
    policy = replace(POLICY, humans=MappingProxyType({ANN: "ann", NIL: "ann"}))
    assert having(await scene.fitted(policy=policy).request()) == {BOB, LEA}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RuleSet(name="seniors", groups=(SENIORS,)), {OLI}),
        (RuleSet(name="named", users=(VIC, GUS, ANN)), {VIC}),
        (RuleSet(name="on call", on_call=True), {NIL}),
        (RuleSet(name="on call", on_call=True, tiers=(2,)), set()),
        (RuleSet(name="gone", groups=("S0GONE",)), set()),
        (RuleSet(name="both", roles=(RoleName.APPROVER,), users=(VIC,)), {BOB, LEA, VIC}),
    ],
)
async def test_the_rule_of_the_plan_says_who_may(scene: Scene, wanted: RuleSet, found: set[str]) -> None:
    """By role, group, name or rota, as a vote would be judged."""
    scene.directory.people[OLI] = member(OLI, SENIORS)
    rota = Rota(people=(NIL,), starts=datetime(2020, 1, 1, tzinfo=UTC))
    assert having(await scene.fitted(policy=policy_of(wanted, rotas=(rota,))).request()) == found


async def test_who_may_not_use_the_command_gets_none(scene: Scene) -> None:
    """`[verbs]` leaves approving to administrators: no vote of a lead would count."""
    narrowed = replace(RIGHTS, verbs=MappingProxyType({"approve": frozenset({RoleName.ADMIN})}))
    assert having(await scene.fitted(rights=DirectoryRights(scene.directory, narrowed)).request()) == set()


async def test_a_role_that_is_held_elsewhere_gives_none(scene: Scene) -> None:
    """Vic approves on another cluster."""
    elsewhere = RoleBinding(RoleName.APPROVER, users=frozenset({VIC}), clusters=frozenset({"elsewhere"}))
    rights = replace(RIGHTS, bindings=(*RIGHTS.bindings, elsewhere))
    assert having(await scene.fitted(rights=DirectoryRights(scene.directory, rights)).request()) == {BOB, LEA}


@pytest.mark.parametrize(("most", "found"), [(3, {BOB, LEA, VIC}), (2, set()), (0, set())])
async def test_where_more_may_approve_than_get_one_nobody_does(
    scene: Scene, direct: TableDirectMessages, most: int, found: set[str]
) -> None:
    """Nobody is chosen, and no conversation opened; the card in the channel is there as always."""
    scene.directory.people.pop(GUS)
    scene.directory.people[VIC] = member(VIC, LEADS)
    operation = await scene.fitted(policy=replace(POLICY, direct_messages=most)).request()
    assert having(operation) == set(direct.opened) == found
    assert [post.kind for post in scene.posted if post.place.channel == CHANNEL] == ["card"]


async def test_a_rule_that_everybody_fills_spams_nobody(scene: Scene, direct: TableDirectMessages) -> None:
    """Every full member is a viewer."""
    policy = policy_of(RuleSet(name="viewers", roles=(RoleName.VIEWER,)), direct_messages=20)
    assert having(await scene.fitted(policy=policy).request()) == set(direct.opened) == set()


async def test_what_needs_no_second_person_has_no_copies(scene: Scene, direct: TableDirectMessages) -> None:
    """It begins at once."""
    operation = await scene.request("restart api --risk low")
    assert (operation.state, having(operation), direct.opened) == (State.APPROVED, set(), [])


# --- what cannot be had -----------------------------------------------------------------------------------------------


class Groupless(TableDirectory):
    """A directory that knows each person, but cannot list a group."""

    async def members(self, groups: Collection[str]) -> frozenset[str]:
        raise DirectoryUnavailable(f"Slack did not tell me who is in {len(groups)} groups.")


async def test_without_the_groups_nobody_gets_one(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Those that the rule names are not told alone: the request stands with its card, and the log says why."""
    directory = Groupless(*people().people.values())
    named = RuleSet(name="both", users=(VIC,), groups=(LEADS,))
    fitted = scene.fitted(rights=DirectoryRights(directory, RIGHTS), policy=policy_of(named))
    with caplog.at_level(logging.WARNING):
        operation = await fitted.request()
    assert (operation.state, having(operation)) == (State.PENDING, set())
    assert "who may approve cannot be told: Slack did not tell me who is in 1 groups." in caplog.text


async def test_whoever_cannot_be_reached_is_no_error_for_the_others(
    scene: Scene, direct: TableDirectMessages, caplog: pytest.LogCaptureFixture
) -> None:
    """Lea gets hers; the log names bob and the reason."""
    direct.closed[BOB] = DeliveryRefused("Slack refuses this (cannot_dm_user).")
    with caplog.at_level(logging.WARNING):
        operation = await scene.request()
    assert having(operation) == {LEA}
    assert [getattr(record, "user", "") for record in caplog.records] == [BOB]
    assert "cannot_dm_user" in caplog.text


async def test_a_platform_that_hangs_does_not_hold_the_request_up(scene: Scene, direct: TableDirectMessages) -> None:
    """Not for as long as a look for a decision may take: then it is asked without copies."""
    direct.hanging = {BOB, LEA}
    async with asyncio.timeout(60):
        operation = await scene.fitted(look_s=3600.0, copy_s=0.05).request()
    assert (operation.state, having(operation)) == (State.PENDING, set())


async def test_copies_use_up_none_of_the_look_ups_that_decisions_need(scene: Scene) -> None:
    """Were each approver asked for afresh, a few requests in a row would have the platform refuse those of votes."""
    await scene.request()
    assert {fresh for user, fresh in scene.directory.asked if user in (BOB, LEA, GUS)} == {False}


async def test_one_conversation_is_used_once(scene: Scene) -> None:
    """Should the platform give two people the same one: an address belongs to one message."""

    class Crossed(TableDirectMessages):
        async def open(self, user_id: str) -> str:
            return f"D-{LEA}" if await super().open(user_id) else ""

    operation = await scene.fitted(direct=Crossed()).request()
    assert [each.channel for each in operation.copies] == [f"D-{LEA}"]


# --- what a press on one counts for -----------------------------------------------------------------------------------


async def test_an_approval_from_a_copy_counts_as_on_the_card(scene: Scene) -> None:
    """Judged alike, on record alike, and every picture shows it."""
    operation = await scene.request()
    view = await scene.press(operation, "approve", by=BOB, on=dm(BOB))
    now = await scene.now(operation)
    assert (view.summary, now.state) == ("Approved: Restart api. It begins now.", State.APPROVED)
    [vote] = now.votes
    assert (vote.user_id, vote.sets, vote.groups, vote.digest) == (BOB, ("approvers",), (LEADS,), operation.digest)
    await scene.deliver()
    shown = {place: scene.pictures(operation, place)[-1] for place in (CHANNEL, f"D-{BOB}", f"D-{LEA}")}
    assert {view.summary for view in shown.values()} == {"Approved, not yet executed: restart api"}
    assert all(BOB in repr(view.blocks) for view in shown.values())
    assert labels(scene, operation, dm(BOB)) == {"Deny…", "Withdraw", "Details"}
    assert labels(scene, operation, dm(LEA)) == {"Deny…", "Details"}


async def test_the_same_person_counts_once_wherever_they_press(scene: Scene) -> None:
    """On the copy, then on the card."""
    operation = await scene.fitted(policy=policy_of(replace(APPROVERS, count=2))).request()
    pressing = scene.fitted(policy=policy_of(replace(APPROVERS, count=2)))
    await pressing.press(operation, "approve", by=BOB, on=dm(BOB))
    view = await pressing.press(operation, "approve", by=BOB)
    assert view.summary == "Your approval is already recorded."
    assert len((await scene.now(operation)).votes) == 1


async def test_who_lost_the_right_since_is_refused_on_the_copy(scene: Scene) -> None:
    """The message in their hands gives no right; the request waits on, and the refusal is on record."""
    operation = await scene.request()
    scene.directory.people[BOB] = member(BOB)
    view = await scene.press(operation, "approve", by=BOB, on=dm(BOB))
    assert view.summary == "You are in none of the groups that this needs."
    view = await scene.press(operation, "deny", by=BOB, on=dm(BOB), words="no")
    assert "Only who could approve it can deny it" in view.summary
    assert (await scene.now(operation)).state is State.PENDING
    assert [(row.actor, row.result) for row in await scene.audit("vote_refused")] == [(BOB, "refused")] * 2


async def test_who_became_a_guest_since_is_refused_on_the_copy(scene: Scene) -> None:
    """The account is looked at again, too."""
    operation = await scene.request()
    scene.directory.people[BOB] = member(BOB, LEADS, standing=Standing.GUEST)
    await scene.press(operation, "approve", by=BOB, on=dm(BOB))
    assert (await scene.now(operation)).votes == ()


async def test_a_change_since_is_found_on_the_copy_too(scene: Scene) -> None:
    """The object is read at the press, wherever that was."""
    operation = await scene.request()
    scene.touch("api", lambda of: of["spec"]["template"]["spec"]["containers"][0].update(image="other:v3"))
    view = await scene.press(operation, "approve", by=BOB, on=dm(BOB))
    assert view.summary.startswith("Not approved: something changed")
    await scene.deliver()
    for place in (Place(CHANNEL), dm(BOB), dm(LEA)):
        assert not labels(scene, operation, place) & DECIDING


async def test_the_requester_approves_on_no_copy(scene: Scene) -> None:
    """Should they get at one: the payload says who presses."""
    operation = await scene.request()
    scene.directory.people[ANN] = member(ANN, OPS, LEADS)
    view = await scene.press(operation, "approve", by=ANN, on=dm(BOB))
    assert view.summary == "Nobody approves their own request."


@pytest.mark.parametrize("at", [Place(CHANNEL), dm(LEA)], ids=["the channel", "another's copy"])
async def test_t07_the_address_of_a_copy_counts_in_its_own_conversation_alone(scene: Scene, at: Place) -> None:
    """Wherever else it is carried to, and whatever message is named there."""
    operation = await scene.request()
    message = await scene.store.operations.message(f"operation:{operation.id}", at.channel)
    view = await scene.press(operation, "approve", by=BOB, on=dm(BOB), place=at, message=message)
    assert view.summary == "This belongs to a button of a request's card, and does nothing elsewhere."
    assert (await scene.now(operation)).state is State.PENDING


async def test_t07_the_address_of_a_copy_counts_on_its_own_message_alone(scene: Scene) -> None:
    """An older message in the same conversation shows another request."""
    first, second = await scene.request(), await scene.request("restart worker")
    message = await scene.store.operations.message(f"operation:{second.id}", f"D-{BOB}")
    view = await scene.press(first, "approve", by=BOB, on=dm(BOB), message=message)
    assert view.summary == "This message does not show the request any more; use the newer one."


# --- that they follow -------------------------------------------------------------------------------------------------


async def end_by_deny(scene: Scene, operation: Operation) -> None:
    await scene.press(operation, "deny", by=LEA, words="wait for the hotfix")


async def end_by_cancel(scene: Scene, operation: Operation) -> None:
    await scene.press(operation, "cancel", by=ANN)


async def end_by_replacing(scene: Scene, operation: Operation) -> None:
    assert (await scene.now(operation)).state is State.PENDING
    await scene.say("scale api --replace")


@pytest.mark.parametrize("end", [end_by_deny, end_by_cancel, end_by_replacing])
async def test_once_it_is_over_no_copy_has_a_button(scene: Scene, end: Any) -> None:
    """Each says what the card says: how it ended, and by whom."""
    operation = await scene.request()
    await end(scene, operation)
    await scene.deliver()
    now = await scene.now(operation)
    assert now.state.final
    for place in (dm(BOB), dm(LEA)):
        view = scene.pictures(now, place.channel)[-1]
        assert labels(scene, now, place) == set()
        assert view.summary == scene.pictures(now)[-1].summary
        assert ANN in repr(view.blocks)
        assert not now.closed_by or now.closed_by in repr(view.blocks)


async def test_a_copy_that_waits_is_painted_over(scene: Scene) -> None:
    """As the card is: of two changes that nobody delivered, the newer one is."""
    operation = await scene.request()
    await scene.press(operation, "approve", by=BOB, on=dm(BOB))
    await scene.say(f"withdraw {operation.id}", by=BOB)
    before = len(scene.posted)
    await scene.deliver()
    newest = [post for post in scene.posted[before:] if post.place == dm(LEA)]
    assert [post.version for post in newest] == [3]


async def test_how_far_it_is_stands_on_the_card_alone(scene: Scene) -> None:
    """A bar that moves each few seconds would use up the edits that the platform takes."""
    operation = await scene.request()
    running = replace(
        operation, state=State.EXECUTING, began_at=operation.created_at, progress=Progress(ready=1, wanted=2), version=9
    )
    async with scene.store.transaction() as transaction:
        await show(transaction, running)
    before = len(scene.posted)
    await scene.deliver()
    assert [post.place.channel for post in scene.posted[before:]] == [CHANNEL]


async def test_the_next_to_ask_reads_who_got_copies_from_the_row(scene: Scene) -> None:
    """Another worker, with another policy, takes the buttons away from the same messages."""
    operation = await scene.request()
    await end_by_deny(scene.fitted(direct=None, policy=replace(POLICY, direct_messages=0)), operation)
    await scene.deliver()
    assert labels(scene, operation, dm(BOB)) == set()
