"""Hostile words by every new way in: nobody is pinged, nothing becomes a link, every block is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.store.store import PostgresStore
from sandbox.slack.control import ControlError
from tests.support import hostile
from tests.support.databases import contents
from tests.support.surfaces import Chat, audited, chatting, events_in
from tests.support.waiting import until

TROUBLE = {"blocks_refused", "request_broken", "listener_failed", "worker_failed", "form_lost", "home_lost"}
TYPED = (*hostile.WORDS, *hostile.LARGE, *(words for words, _ in hostile.SECRETS))
VERB = "What do you want to do?"


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store) as running:
        yield running


async def assert_harmless(chat: Chat, caplog: pytest.LogCaptureFixture, *channels: str, user: str = "ann") -> int:
    """Assert that nothing the bot said does harm, and return how much it said."""
    await chat.control.settle(quiet=1)
    said = [shown for channel in channels for shown in await chat.seen(user=user, channel=channel)]
    for shown in said:
        assert set(shown.pings) <= {f"@{user}"}, shown.text
        assert shown.links == [], shown.text
        assert hostile.controls_in(shown.text) == []
        assert hostile.secrets_in(shown.text) == []
    assert TROUBLE.isdisjoint(events_in(caplog))
    state = await chat.control.state()
    assert (state["unacked"], state["retry_after_violations"]) == (0, 0)
    return len(said)


async def test_direct_messages(chat: Chat, store: PostgresStore, caplog: pytest.LogCaptureFixture) -> None:
    """As a verb and as the argument of one; each is answered."""
    lines = [start + words for words in TYPED for start in ("", "explain ", "share explain ")]
    for line in lines:
        await chat.control.say(line, user="ann", channel="@rag")
    await until(lambda: chat.seen(channel="@rag"), lambda seen: len(seen) >= len(lines), within_s=60)
    assert await assert_harmless(chat, caplog, "@rag") >= len(lines)
    assert hostile.secrets_in(await audited(store)) == []


async def test_fields_of_the_dialog(
    chat: Chat, store_url: str, store: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Drawn anew with them, sent with them, and what is wrong is said with them."""
    for words in TYPED:
        await chat.control.say("/rag build", user="ann", channel="general")
        await chat.dialog("ann", lambda text: VERB in text)
        await chat.control.view_fill({VERB: "share"}, user="ann")
        await chat.dialog("ann", lambda text: "Post the answer" in text)
        await chat.control.view_fill({"command": f"explain {words}"}, user="ann")
        await chat.control.view_fill({VERB: "logs"}, user="ann")
        await chat.dialog("ann", lambda text: "Show the logs" in text)
        sent = await chat.control.view_submit({"workload": words}, user="ann")
        assert sent.closed or sent.errors, sent
        assert hostile.secrets_in(repr(sent.errors)) == []
        if not sent.closed:
            await chat.control.view_close(user="ann")
    assert await assert_harmless(chat, caplog, "general") > 0
    assert store is not None
    assert hostile.secrets_in(contents(store_url)) == []


async def test_messages_that_are_explained(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    """Words, and a code among them."""
    said = 0
    for words in TYPED:
        for text in (words, f"{words} CrashLoopBackOff {words}"):
            message = await chat.control.say(text, user="bob", channel="general")
            assert (await chat.control.shortcut("rag_explain", user="ann", message=message.ts, channel="general")).ok
            said += 1
    await until(lambda: chat.seen(channel="general"), lambda seen: len(seen) >= said, within_s=60)
    assert await assert_harmless(chat, caplog, "general") == said


async def test_a_message_that_nobody_can_see_cannot_be_explained(chat: Chat) -> None:
    """The workspace itself sees to that."""
    message = await chat.control.say("OOMKilled", user="bob", channel="leads")
    with pytest.raises(ControlError):
        await chat.control.shortcut("rag_explain", user="ann", message=message.ts, channel="leads")
