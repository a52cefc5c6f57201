"""Deliveries that come twice, and what is counted of every delivery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.hot.memory import MemoryHotState
from bot.main.clock import SystemClock
from bot.slack.inbound.app import Identity
from bot.slack.inbound.keeping import ONCE_S
from bot.store.store import PostgresStore
from tests.support.surfaces import Chat, Setup, chatting
from tests.support.waiting import until

HEALTHY = "shop is healthy"


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store) as running:
        yield running


async def healthy(chat: Chat) -> int:
    """Return how often the answer is seen once nothing more comes."""
    await chat.control.settle(quiet=1)
    return len([shown for shown in await chat.seen(channel="general") if HEALTHY in shown.text])


async def test_a_command_that_comes_twice_is_answered_once(chat: Chat) -> None:
    """Both deliveries are acknowledged."""
    await chat.control.set_fault("duplicate", method="slash_commands", times=1)
    await chat.control.say("/rag status", user="ann", channel="general")
    assert await healthy(chat) == 1
    assert sorted(chat.meter.acks) == [("command", "new"), ("command", "repeat")]
    assert (await chat.control.state())["unacked"] == 0


async def test_two_commands_of_the_same_words_are_two(chat: Chat) -> None:
    """Words are no sign of a repeat."""
    for _ in range(2):
        await chat.control.say("/rag status", user="ann", channel="general")
    assert await healthy(chat) == 2


async def test_a_press_that_comes_twice_is_answered_once(chat: Chat) -> None:
    """A second press is another one."""
    await chat.said("/rag status", channel="general")
    await chat.control.set_fault("duplicate", method="interactive", times=1)
    await chat.control.press("Refresh", user="ann", channel="general")
    await chat.control.settle(quiet=1)
    [shown] = await chat.seen(channel="general")
    assert shown.edits == 1
    await chat.control.press("Refresh", user="ann", channel="general")
    await chat.control.settle(quiet=1)
    assert [shown.edits for shown in await chat.seen(channel="general")] == [2]


async def test_a_page_that_is_opened_twice_by_one_event_is_shown_once(chat: Chat) -> None:
    """The event's own id tells."""
    opened = await chat.control.open_home("ann")
    await chat.page("ann", bool)
    assert (await chat.control.redeliver(opened.event)).acked
    await chat.control.settle()
    assert (await chat.control.state())["calls"]["views.publish"] == 1
    assert chat.meter.acks == [("home", "new"), ("home", "repeat")]


async def test_a_direct_message_that_comes_again_is_answered_once(chat: Chat) -> None:
    """It was written down, so that even another replica would know."""
    said = await chat.control.say("status", user="ann", channel="@rag")
    assert (await chat.control.redeliver(said.event)).acked
    await chat.control.settle(quiet=1)
    assert len(await chat.seen(channel="@rag")) == 1
    assert chat.meter.acks == [("direct", "new"), ("direct", "repeat")]
    assert dict(chat.inbound.retries) == {"timeout": 1}


async def test_every_delivery_is_counted_with_its_time(chat: Chat) -> None:
    """From the door to the acknowledgement; what nobody handles, too."""
    await chat.control.say("/rag share status", user="ann", channel="general")
    await chat.control.shortcut("of_another_app")
    await chat.control.settle()
    assert chat.meter.acks == [("command", "new"), ("other", "unhandled")]
    assert all(0 <= seconds < 60 for seconds in chat.meter.seconds)


async def test_nothing_is_acknowledged_late(chat: Chat) -> None:
    """A database at work and answers under way do not hold up what comes in."""
    await asyncio.gather(
        *(chat.control.say(text, user="ann", channel="general") for text in ["/rag status", "/rag share status"] * 20)
    )
    await chat.control.settle()
    assert max((await chat.control.state())["acks_ms"]) < 3_000


class SilentHot(MemoryHotState):
    """A hot state that takes for ever to tell."""

    async def first(self, key: str, *, keep_s: int) -> bool | None:
        await asyncio.sleep(10)
        return await super().first(key, keep_s=keep_s)


class BlindHot(MemoryHotState):
    """A hot state that cannot tell."""

    async def first(self, key: str, *, keep_s: int) -> bool | None:
        del key, keep_s
        return None


async def test_a_read_does_not_wait_for_long_to_be_known_as_new(store: PostgresStore) -> None:
    """Answering twice is better than not at all."""
    async with chatting(store, Setup(hot=SilentHot(SystemClock()))) as chat:
        said = await chat.control.say("/rag status", user="ann", channel="general")
        assert said.ok
        assert said.ack_ms is not None
        assert said.ack_ms < ONCE_S * 1_000 + 500
        await until(lambda: chat.seen(channel="general"), bool)


async def test_the_database_knows_what_the_hot_state_does_not(store: PostgresStore) -> None:
    """It is asked only then."""
    async with chatting(store, Setup(hot=BlindHot(SystemClock()))) as chat:
        await chat.control.set_fault("duplicate", method="slash_commands", times=1)
        await chat.control.say("/rag status", user="ann", channel="general")
        assert await healthy(chat) == 1


async def test_a_read_is_answered_when_nobody_can_tell_whether_it_is_new() -> None:
    """Here there is nobody to ask at all."""
    async with chatting(None) as chat:
        await chat.control.set_fault("duplicate", method="slash_commands", times=1)
        await chat.control.say("/rag status", user="ann", channel="general")
        assert await healthy(chat) == 2


async def test_the_secret_is_never_taken_from_the_environment(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bolt would do so by itself."""
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "of another app")
    identity = Identity(team_id="T1", bot_user_id="U1", bot_id="B1", token="xoxb-1")
    app = chat.inbound.app(AsyncWebClient(token="xoxb-1"), identity, signing_secret=None)
    assert app._signing_secret == ""


async def test_with_a_secret_bolt_checks_signatures_too(chat: Chat) -> None:
    """An unsigned request over HTTP does not get past it."""
    identity = Identity(team_id="T1", bot_user_id="U1", bot_id="B1", token="xoxb-1")
    app = chat.inbound.app(AsyncWebClient(token="xoxb-1"), identity, signing_secret="s")
    body: Mapping[str, Any] = {"command": "/rag", "text": "status", "team_id": "T1", "user_id": "U1", "trigger_id": "1"}
    response = await app.async_dispatch(
        AsyncBoltRequest(mode="http", body="&".join(f"{k}={v}" for k, v in body.items()))
    )
    assert response.status == 401
    assert chat.meter.acks == []
