"""Changes from the keyboard to the cluster and back: asked for, approved by another person, carried out, told.

The bot is whole: sockets, inbox, plans, cards, votes, the worker, a simulated API server that takes writes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.slack.outbound.kept_groups import FRESH_S
from tests.e2e.changing import API, NAMESPACE, WORKER, Card, ask, audited, image_of, number_of, told, workload
from tests.support.sandboxed import NO_LIMIT, Stage, Staging, sandboxed, sighted
from tests.support.waiting import until

MARKER = "ragops.dev/operation-id"


@pytest.fixture
async def free(tmp_path: Path, store_url: str) -> AsyncIterator[Stage]:
    """The bot in front of the bad release, for people in a hurry."""
    async with sandboxed(tmp_path, store_url, Staging(settings=NO_LIMIT, speed=10.0)) as running:
        await sighted(running)
        yield running


async def approved(card: Card, *, user: str = "bob") -> str:
    """Approve a card, where that is asked for, and return what it says once it is over."""
    if "Approve" in (await card.shown()).buttons:
        await card.press("Approve", user=user)
    return (await card.ended()).text


# --- one request, from asking to the verdict --------------------------------------------------------------------------


async def test_a_bad_release_is_rolled_back_by_two_people(free: Stage, store_url: str) -> None:
    """Ann asks, bob approves in the thread's card, the template changes once, and everybody reads how it went."""
    card = await ask(free, '/rag rollback api --reason "500s since 14:02"')
    shown = await card.shown()
    assert shown.text.startswith("Roll back api to revision 7?")
    assert "500s since 14:02" in shown.text
    assert "rag-engine:v1.2" in shown.text
    assert image_of(free, API).endswith(":v1.2")
    assert shown.buttons == ["Approve", "Deny…", "Cancel", "Details"]

    said = await approved(card)

    assert "api is at revision 7 again" in said
    assert image_of(free, API).endswith(":v1.1")
    marked = workload(free, API)["metadata"]["annotations"]
    assert marked[MARKER].startswith(number_of(await card.shown()))
    assert free.slack.workspace.person("bob").id in marked["kubernetes.io/change-cause"]
    assert not {"Approve", "Deny…", "Cancel", "Withdraw"} & set((await card.shown()).buttons)
    steps = [what for _, what, _, _ in await audited(store_url)]
    assert [each for each in steps if each in {"requested", "vote", "claimed", "patched", "result"}] == [
        "requested",
        "vote",
        "claimed",
        "patched",
        "result",
    ]


async def test_the_thread_tells_requester_and_approver_how_it_ended(free: Stage) -> None:
    """Below the card, with both of them named."""
    card = await ask(free, "/rag rollback api")
    await approved(card)

    async def below() -> list[str]:
        return [m.text for m in await free.public() if m.thread_ts == card.ts]

    [said] = await until(below, bool)
    assert "api is at revision 7 again" in said
    assert "@ann" in said
    assert "@bob" in said


async def test_what_was_done_can_be_undone_by_a_new_request(free: Stage) -> None:
    """The button asks anew, and that takes an approval again."""
    card = await ask(free, "/rag set memory worker 1Gi")
    await approved(card)
    limits = workload(free, WORKER)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["memory"] == "1Gi"

    again = await ask(free, f"/rag undo {number_of(await card.shown())}")
    await approved(again)

    limits = workload(free, WORKER)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["memory"] == "512Mi"


async def test_what_needs_no_second_person_happens_at_once(free: Stage) -> None:
    """A reversible step while all is well: the request itself is enough, and the card says so."""
    card = await ask(free, "/rag scale rag-engine-gateway 3")

    said = (await card.ended()).text

    assert "Done in" in said
    assert workload(free, "rag-engine-gateway")["spec"]["replicas"] == 3


# --- who may say what -------------------------------------------------------------------------------------------------


async def test_t08_nobody_approves_their_own_request(free: Stage, store_url: str) -> None:
    """Not even when they become an approver meanwhile; the refusal is on record and nothing happens."""
    card = await ask(free, "/rag rollback api")
    free.slack.workspace.set_group("rag-leads", ["ann", "bob"])

    answer = await card.press("Approve", user="ann")

    assert answer.ephemeral
    assert "Nobody approves their own request" in answer.text
    assert image_of(free, API).endswith(":v1.2")
    [(who, _, result, _)] = await audited(store_url, "vote_refused")
    assert (who, result) == (free.slack.workspace.person("ann").id, "refused")


@pytest.mark.parametrize("user", ["vic", "eve", "sam", "kim"])
async def test_t09_whoever_is_no_approver_decides_nothing(free: Stage, store_url: str, user: str) -> None:
    """A viewer, guests and people of other workspaces: by both buttons, and by words. All are on record."""
    card = await ask(free, "/rag rollback api")
    number = number_of(await card.shown())

    answer = await card.press("Approve", user=user)
    assert answer.ephemeral
    await free.answer(f"/rag approve {number}", user=user)
    await free.answer(f"/rag deny {number} no", user=user)

    assert "Waiting for 1 of" in (await card.shown()).text
    assert image_of(free, API).endswith(":v1.2")
    refused = [who for who, what, result, _ in await audited(store_url) if what in {"vote_refused", "approve", "deny"}]
    assert refused.count(free.slack.workspace.person(user).id) == 3


async def test_t05_an_approver_denies_with_a_reason(free: Stage) -> None:
    """The dialog asks why; the card names who and quotes it, and has no button left that decides."""
    card = await ask(free, "/rag rollback api")
    pressed = await free.control.press("Deny…", user="bob", channel="ops", message=card.ts)
    assert pressed.ok
    view = await until(lambda: free.control.view("bob"), bool)
    assert view is not None
    block = next(block for block in view.raw["blocks"] if block["type"] == "input")
    sent = await free.control.view_submit(
        {block["element"]["action_id"]: "wait for the *hotfix* <!channel>"}, user="bob"
    )
    assert sent.closed, sent.errors

    shown = await card.says("Denied")

    assert "@bob" in shown.text
    assert "hotfix" in shown.text
    assert set(shown.pings) == {"@ann", "@bob"}
    assert not {"Approve", "Deny…", "Cancel"} & set(shown.buttons)
    assert image_of(free, API).endswith(":v1.2")


async def test_the_requester_cancels_and_nobody_else_does(free: Stage) -> None:
    """Who did not ask cannot take it back."""
    card = await ask(free, "/rag rollback api")

    refused = await card.press("Cancel", user="bob")
    assert "Only who asked for it can cancel it" in refused.text
    await card.press("Cancel", user="ann")

    assert "Cancelled" in (await card.ended()).text
    assert image_of(free, API).endswith(":v1.2")


async def test_it_is_approved_by_words_in_its_thread(free: Stage) -> None:
    """A mention with the request's number counts like the button, and is answered to that person alone."""
    card = await ask(free, "/rag rollback api")
    number = number_of(await card.shown())

    said = await free.control.say(f"@rag approve {number}", user="bob", channel="ops", thread=card.ts)
    assert said.ok

    assert "api is at revision 7 again" in (await card.ended()).text


async def test_t02_a_double_click_counts_once(free: Stage, store_url: str) -> None:
    """Two presses in the same instant: one vote, one change."""
    card = await ask(free, "/rag rollback api")
    aimed = await free.control.aim("Approve", user="bob", channel="ops", message=card.ts)
    await asyncio.gather(*(free.control.forge(aimed.payload) for _ in range(5)))

    await card.ended()

    assert len(await audited(store_url, "vote")) == 1
    assert len(await audited(store_url, "patched")) == 1


async def test_t07_a_button_s_value_is_worth_nothing_elsewhere(free: Stage, store_url: str) -> None:
    """The value of a card, pressed in another channel or on another message by an approver: refused and on record."""
    card = await ask(free, "/rag rollback api")
    aimed = await free.control.aim("Approve", user="bob", channel="ops", message=card.ts)
    for channel, message in (("general", card.ts), ("ops", "1700000000.000100")):
        payload = json.loads(json.dumps(aimed.payload))
        place = free.slack.workspace.place(channel).id
        payload["container"] = {**payload["container"], "channel_id": place, "message_ts": message}
        payload["channel"] = {**payload["channel"], "id": place}
        payload["message"] = {**payload.get("message", {}), "ts": message}
        payload["actions"][0]["action_ts"] = f"17{message[2:]}"
        await free.control.forge(payload)
    await until(lambda: audited(store_url, "vote_refused"), lambda rows: len(rows) == 2)

    assert "Waiting for 1 of" in (await card.shown()).text
    assert image_of(free, API).endswith(":v1.2")


# --- what changes between asking and approving ------------------------------------------------------------------------


async def test_t14_what_was_edited_meanwhile_is_asked_for_again(free: Stage) -> None:
    """Another image than the one that was shown: the click changes nothing, and the card says what moved."""
    card = await ask(free, "/rag rollback api")
    edited = workload(free, API)
    edited["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/rag-engine:v1.3"
    free.world.apply("deployments", edited)

    await card.press("Approve", user="bob")

    shown = await card.ended()
    assert "pod template was changed" in shown.text
    assert "Ask again" in shown.buttons
    assert image_of(free, API).endswith(":v1.3")


async def test_t14_another_object_of_the_same_name_is_another_object(free: Stage) -> None:
    """Deleted and made anew: its uid is not the one that was shown."""
    card = await ask(free, "/rag scale rag-engine-web 30")
    made = workload(free, "rag-engine-web")
    free.world.store.delete("deployments", NAMESPACE, "rag-engine-web")
    for key in ("uid", "resourceVersion", "creationTimestamp", "generation"):
        made["metadata"].pop(key, None)
    free.world.apply("deployments", made)

    await card.press("Approve", user="bob")

    assert "made anew" in (await card.ended()).text
    assert workload(free, "rag-engine-web")["spec"]["replicas"] != 30


async def test_a_target_that_is_gone_is_said_to_be(free: Stage) -> None:
    """Between the request and the click."""
    card = await ask(free, "/rag rollback api")
    free.world.store.delete("deployments", NAMESPACE, API)

    await card.press("Approve", user="bob")

    assert "is gone" in (await card.ended()).text


async def test_a_paused_deployment_is_refused_before_anybody_is_asked(free: Stage) -> None:
    """Nothing would move; there is no card."""
    paused = workload(free, API)
    paused["spec"]["paused"] = True
    free.world.apply("deployments", paused)

    answer = await told(free, "/rag rollback api")

    assert "paused" in answer.text


async def test_t28_one_request_at_a_time_and_the_second_may_replace_the_first(free: Stage) -> None:
    """Another one for the same object shows the first; replacing ends the first in the same moment."""
    first = await ask(free, "/rag rollback api")

    answer = await told(free, "/rag set image api :v1.1")
    assert "Another request has it" in answer.text
    second = await ask(free, "/rag set image api :v1.1 --replace")

    assert "Approve" not in (await first.ended()).buttons
    await second.press("Approve", user="bob")

    async def image() -> str:
        return image_of(free, API)

    # Its pods will never be ready, which it takes the roll-out ten minutes to say: the write alone is waited for.
    await until(image, lambda name: name.endswith(":v1.1"))


async def test_an_autoscaler_in_the_way_is_told_its_bounds(tmp_path: Path, store_url: str) -> None:
    """Scaling what an autoscaler owns is a change of the autoscaler, and it then scales."""
    async with sandboxed(tmp_path, store_url, Staging(scenario="healthy", settings=NO_LIMIT, speed=10.0)) as well:
        await sighted(well)
        card = await ask(well, "/rag scale api 5")
        assert "autoscaler" in (await card.shown()).text.lower()

        said = await approved(card)

        assert "Done in" in said
        assert workload(well, "rag-engine-api-hpa", "horizontalpodautoscalers")["spec"]["minReplicas"] == 5
        assert workload(well, API)["spec"]["replicas"] == 5
        assert workload(well, API)["metadata"]["annotations"].get(MARKER) is None


async def test_scaling_a_release_that_crashes_is_refused(free: Stage) -> None:
    """More of what fails does not help: it says what does."""
    answer = await told(free, "/rag scale api 5")

    assert "rollback" in answer.text
    assert workload(free, "rag-engine-api-hpa", "horizontalpodautoscalers")["spec"]["minReplicas"] != 5


# --- trouble on the way -----------------------------------------------------------------------------------------------


async def test_t26_a_card_that_somebody_deletes_comes_again(free: Stage) -> None:
    """The state is not the message: a new one is posted, and it ends with the result."""
    card = await ask(free, "/rag rollback api")
    number = number_of(await card.shown())
    await free.control.delete(card.ts, user="bob")

    await free.answer(f"/rag approve {number}", user="bob")

    async def other() -> list[str]:
        return [m.text for m in await free.public() if m.ts != card.ts and "again" in m.text and m.thread_ts is None]

    assert await until(other, bool)
    assert image_of(free, API).endswith(":v1.1")


async def test_t35_a_hostile_reason_stays_a_quotation(free: Stage) -> None:
    """It pings nobody, links nowhere, and cannot look like the card's own words."""
    reason = "ok <!channel> *Done in 1 s* ✔ <https://evil.example|here>"
    card = await ask(free, f'/rag rollback api --reason "{reason}"')

    shown = await card.shown()

    assert shown.pings == ["@ann"]
    assert shown.links == []
    assert shown.text.splitlines()[0] == "Roll back api to revision 7?"


async def test_t11_without_groups_nobody_votes_and_afterwards_it_works(free: Stage) -> None:
    """Slack does not tell who is in a group: the click counts for nothing, the request waits, a later click counts."""
    card = await ask(free, "/rag rollback api")
    await free.control.set_fault("error", method="usergroups.list", error="internal_error")
    await free.control.set_fault("error", method="usergroups.users.list", error="internal_error")
    await asyncio.sleep(FRESH_S)  # what was read for the request would still count
    answer = await card.press("Approve", user="bob")
    assert answer.ephemeral
    assert "your groups could not be read" in answer.text
    assert await free.control.settle()
    assert "Waiting for 1 of" in (await card.shown()).text
    await free.control.clear_faults()

    assert "api is at revision 7 again" in await approved(card)


async def test_what_waits_runs_and_ended_is_listed(free: Stage) -> None:
    """`requests` tells what was asked for, by whom, and how it ended."""
    await ask(free, "/rag rollback api")
    done = await ask(free, "/rag scale rag-engine-gateway 3")
    await done.ended()

    text = (await told(free, "/rag requests")).text

    assert "Roll back api to revision 7" in text
    assert "@ann" in text
    assert number_of(await done.shown()) in text
