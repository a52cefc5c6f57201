"""Direct messages: what a person types is a command, everything else in there is left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.store.store import PostgresStore
from sandbox import gestures
from sandbox.slack.world import BOT_EVENTS, BOT_SCOPES
from tests.support.surfaces import Chat, Setup, chatting

HEALTHY = "shop is healthy"


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store) as running:
        yield running


@pytest.mark.parametrize("typed", ["status", "@rag status", " /rag status", "@rag /rag  status", "  status  "])
async def test_a_command_is_understood_with_or_without_a_name(chat: Chat, typed: str) -> None:
    """People type what they are used to."""
    answer = await chat.said(typed, channel="@rag")
    assert (HEALTHY in answer.text, answer.ephemeral) == (True, False)


async def test_a_name_elsewhere_is_part_of_the_command(chat: Chat) -> None:
    """Only what leads is taken away."""
    answer = await chat.said("explain @rag", channel="@rag")
    assert "There is no finding" in answer.text


async def test_a_gesture_types_there(chat: Chat) -> None:
    """For scripts."""
    assert await gestures.direct(chat.control, "status", user="bob") == ""
    await chat.control.settle(quiet=0.5)
    assert HEALTHY in await gestures.read(chat.control, user="bob", channel=gestures.DIRECT)


async def test_the_bot_does_not_answer_itself(chat: Chat) -> None:
    """Its own words come back as events."""
    await chat.said("status", channel="@rag")
    await chat.control.settle(quiet=0.5)
    assert len(await chat.seen(channel="@rag")) == 1
    assert [kind for kind, _ in chat.meter.acks] == ["direct"]


async def test_an_edit_runs_nothing(chat: Chat) -> None:
    """A command that was changed afterwards is not run a second time; it is acknowledged without a word."""
    said = await chat.control.say("explain CRASH_LOOP", user="ann", channel="@rag")
    await chat.control.settle(quiet=0.5)
    await chat.control.edit("status", user="ann", message=said.ts or "")
    await chat.control.settle(quiet=0.5)
    assert len(await chat.seen(channel="@rag")) == 1
    assert chat.meter.acks == [("direct", "new"), ("quiet", "unhandled")]
    assert chat.inbound.unhandled == 0
    assert (await chat.control.state())["unacked"] == 0


async def test_nothing_is_heard_without_the_scope(store: PostgresStore) -> None:
    """A subscription alone is not enough, so that the manifest must ask for both."""
    async with chatting(store, Setup(scopes=BOT_SCOPES - {"im:history"}, events=BOT_EVENTS)) as chat:
        said = await chat.control.say("status", user="ann", channel="@rag")
        assert (said.ok, said.event) == (True, {})
