"""Copies of a card in direct messages, from the command to the end, through the whole bot and the stand-in Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.slack.outbound.kept_groups import FRESH_S
from sandbox.slack.control import Shown
from sandbox.slack.faults import Fault, Kind
from tests.e2e.changing import API, Card, ask, audited, image_of, number_of
from tests.support.sandboxed import NO_LIMIT, Stage, Staging, sandboxed, sighted
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(120)

DECIDING = {"Approve", "Deny…", "Withdraw", "Cancel", "Details"}


@pytest.fixture
async def free(tmp_path: Path, store_url: str) -> AsyncIterator[Stage]:
    """The bot in front of the bad release, for people in a hurry."""
    async with sandboxed(tmp_path, store_url, Staging(settings=NO_LIMIT, speed=10.0)) as running:
        await sighted(running)
        yield running


async def in_hand(stage: Stage, user: str) -> list[Shown]:
    """Return what a person has from the bot in their direct message, the oldest first."""
    direct = stage.slack.workspace.direct_channel(stage.slack.workspace.person(user))
    return await stage.seen(user=user, channel=direct.id)


async def copy_of(stage: Stage, card: Card, user: str) -> Shown:
    """Wait for a person's copy of a card, and return it."""
    number = number_of(await card.shown())

    async def copies() -> list[Shown]:
        return [message for message in await in_hand(stage, user) if f"request {number}" in message.text]

    [found] = await until(copies, bool, within_s=30)
    return found


async def press(stage: Stage, label: str, *, user: str, on: Shown) -> Shown:
    """Press a button of a copy, and return what the person then sees besides."""
    before = {message.ts for message in await in_hand(stage, user)}
    channel = stage.slack.workspace.direct_channel(stage.slack.workspace.person(user)).id
    pressed = await stage.control.press(label, user=user, channel=channel, message=on.ts)
    assert pressed.ok, pressed.seen

    async def fresh() -> list[Shown]:
        return [message for message in await in_hand(stage, user) if message.ts not in before]

    return (await until(fresh, bool, within_s=30))[-1]


async def bare(stage: Stage, card: Card, user: str, *words: str) -> Shown:
    """Wait until a person's copy says one of these and has no button."""
    return await until(
        lambda: copy_of(stage, card, user),
        lambda shown: not shown.buttons and any(word in shown.text for word in words),
        within_s=60,
    )


async def test_an_approver_approves_from_the_direct_message(free: Stage, store_url: str) -> None:
    """The change is carried out once; card and copies tell it alike, and no copy keeps a button."""
    card = await ask(free, '/rag rollback api --reason "500s since 14:02"')
    copy = await copy_of(free, card, "bob")
    assert copy.buttons == ["Approve", "Deny…", "Details"]
    assert "500s since 14:02" in copy.text
    assert copy.text.startswith("Roll back api to revision 7?")

    answer = await press(free, "Approve", user="bob", on=copy)

    assert answer.ephemeral
    assert "Approved" in answer.text
    said = (await card.ended()).text
    assert "api is at revision 7 again" in said
    assert "@bob" in said
    assert image_of(free, API).endswith(":v1.1")
    assert not DECIDING & set((await card.shown()).buttons)
    for user in ("bob", "lea"):
        ended = await bare(free, card, user, "api is at revision 7 again")
        assert all(word in ended.text for word in ("@ann", "@bob", "fingerprint"))
    assert [what for _, what, _, _ in await audited(store_url, "vote", "patched")] == ["vote", "patched"]


async def test_a_denial_from_the_direct_message_ends_every_copy(free: Stage) -> None:
    """With the reason that its dialog asked for."""
    card = await ask(free, "/rag rollback api")
    copy = await copy_of(free, card, "lea")
    direct = free.slack.workspace.direct_channel(free.slack.workspace.person("lea")).id
    assert (await free.control.press("Deny…", user="lea", channel=direct, message=copy.ts)).ok
    await until(lambda: free.control.view("lea"), lambda view: view is not None)
    sent = await free.control.view_submit({"Why do you deny it?": "wait for the hotfix"}, user="lea")
    assert sent.ok, sent.seen
    await card.says("Denied")
    for user in ("bob", "lea"):
        assert "wait for the hotfix" in (await bare(free, card, user, "Denied")).text
    assert image_of(free, API).endswith(":v1.2")


async def test_who_loses_the_right_between_copy_and_press_is_refused(free: Stage, store_url: str) -> None:
    """The groups are read again at the press; the request waits on, and both pictures still say so."""
    card = await ask(free, "/rag rollback api")
    copy = await copy_of(free, card, "bob")
    free.slack.workspace.set_group("rag-leads", ["lea"])

    await asyncio.sleep(FRESH_S)  # what was read for the copies would still count, as it would in the channel
    answer = await press(free, "Approve", user="bob", on=copy)
    assert answer.ephemeral
    assert "You are in none of the groups that this needs" in answer.text
    assert "Waiting for 1 of" in (await card.shown()).text
    assert image_of(free, API).endswith(":v1.2")
    [(who, _, result, _)] = await audited(store_url, "vote_refused")
    assert (who, result) == (free.slack.workspace.person("bob").id, "refused")


async def test_the_details_are_shown_to_who_asks_for_them(free: Stage) -> None:
    """In the channel and in the direct message: the whole plan, and the object by its uid."""
    card = await ask(free, "/rag rollback api")
    copy = await copy_of(free, card, "bob")
    for shown in (await card.press("Details", user="vic"), await press(free, "Details", user="bob", on=copy)):
        assert shown.ephemeral
        assert "uid" in shown.text
        assert "Rollback" in shown.text
        assert "dry run" in shown.text


async def test_a_platform_without_direct_messages_leaves_the_card(free: Stage) -> None:
    """The app lacks the scope: the request stands, and the log names what is missing."""
    free.slack.faults.add(Fault(Kind.ERROR, method="conversations.open", times=None, error="missing_scope"))
    card = await ask(free, "/rag rollback api")
    await card.press("Approve", user="bob")
    assert "api is at revision 7 again" in (await card.ended()).text
    assert {line["event"] for line in free.journal.events("card_copy_left_out")} == {"card_copy_left_out"}
    assert await in_hand(free, "bob") == []
