"""The bot's own page: shown when it is opened, once for a burst, and again when a button on it is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.slack.outbound.surfaces import SlackSurfaces
from bot.store.store import PostgresStore
from sandbox import gestures
from tests.support.surfaces import Chat, chatting, events_in, with_button
from tests.support.waiting import until


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store) as running:
        yield running


async def test_it_says_how_things_are(chat: Chat) -> None:
    """As soon as somebody opens it."""
    await chat.control.open_home("ann")
    page = await chat.page("ann", bool)
    assert "Hello @ann" in page
    assert "shop is healthy" in page


async def test_a_gesture_opens_and_reads_it(chat: Chat) -> None:
    """For scripts."""
    assert "Hello @bob" in await gestures.open_home(chat.control, user="bob")


async def test_refresh_shows_it_anew(chat: Chat) -> None:
    """In the same place."""
    await chat.control.open_home("ann")
    await chat.page("ann", bool)
    before = await chat.control.home("ann")
    assert before is not None
    assert (await chat.control.press("Refresh", user="ann")).ok

    async def version() -> str:
        shown = await chat.control.home("ann")
        return str(shown.raw["hash"]) if shown else ""

    await until(version, lambda now: now != before.raw["hash"])
    assert "Hello @ann" in await chat.page("ann", bool)


@pytest.mark.parametrize("user", ["eve", "sam", "kim"], ids=["guest", "single-channel guest", "stranger"])
async def test_who_is_no_member_is_refused(chat: Chat, user: str) -> None:
    """The page names no place."""
    await chat.control.open_home(user)
    page = await chat.page(user, bool)
    assert "You can't use home" in page
    assert "shop" not in page


async def test_other_tabs_are_left_alone(chat: Chat) -> None:
    """Opening the messages says nothing about the page."""
    assert (await chat.control.open_home("ann", tab="messages")).acked
    await chat.control.settle()
    assert await chat.control.home("ann") is None


async def test_a_burst_is_shown_once_more_at_most(chat: Chat) -> None:
    """What comes while a page is made is answered by one more page."""
    await chat.control.set_fault("latency", method="views.publish", seconds=2, times=1)
    await asyncio.gather(*(chat.control.open_home("ann") for _ in range(8)))
    await chat.control.settle(quiet=0.6)
    assert (await chat.control.state())["calls"]["views.publish"] == 2
    assert "Hello @ann" in await chat.page("ann", bool)


async def test_one_person_does_not_wait_for_another(chat: Chat) -> None:
    """Pages are made side by side."""
    await chat.control.set_fault("latency", method="views.publish", seconds=3, times=1)
    await chat.control.open_home("ann")
    await until(chat.control.state, lambda state: "views.publish" in state["calls"], every_s=0.01)
    await chat.control.open_home("bob")
    assert "Hello @bob" in await chat.page("bob", bool)


async def test_a_newer_page_is_not_undone(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    """Another replica may have shown one meanwhile."""
    caplog.set_level("INFO")
    await chat.control.open_home("ann")
    await chat.page("ann", bool)
    await chat.inbound.drain(60)
    await chat.control.set_fault("latency", method="views.publish", seconds=2, times=1)
    await chat.control.open_home("ann")
    await asyncio.sleep(0.2)
    ann = chat.slack.workspace.person("ann").id
    await SlackSurfaces(chat.client).publish_home(ann, with_button("status"))
    await chat.inbound.drain(60)
    assert "Here is a button" in await chat.page("ann", bool)
    assert "home_outdated" in events_in(caplog)


async def test_a_page_that_is_switched_off_is_said_in_the_log(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    """It is a switch of the app; nothing else suffers."""
    await chat.control.set_home(enabled=False)
    await chat.control.open_home("ann")
    await chat.inbound.drain(60)
    assert "home_lost" in events_in(caplog)
    assert "switch it on in the app's settings" in caplog.text
    assert (await chat.said("/rag status", channel="general")).text


async def test_a_page_whose_blocks_are_refused_is_shown_as_text(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    """Words are better than nothing."""
    await chat.control.set_fault("error", method="views.publish", error="invalid_arguments", times=1)
    await chat.control.open_home("ann")
    assert "shop is healthy" in await chat.page("ann", bool)
    assert "blocks_refused" in events_in(caplog)
