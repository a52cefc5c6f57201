"""The dialog that builds a command: the real Bolt app over a socket, in a workspace that is as strict as Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.domain.policy import RateLimits
from bot.ports import AuditQuery
from bot.slack.inbound.dialogs import NOT_FOR_YOU, OUTDATED
from bot.store.store import PostgresStore
from sandbox import gestures
from sandbox.slack.control import Submitted
from tests.support.surfaces import Chat, Setup, audited, chatting, events_in
from tests.support.twins import CountingLimiter
from tests.support.waiting import until

WHERE = "Answer in"
VERB = "What do you want to do?"
HEALTHY = "shop is healthy"


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store) as running:
        yield running


async def opened(chat: Chat, *, user: str = "ann", channel: str = "general") -> str:
    """Open the dialog by its command, and return it once it asks."""
    said = await chat.control.say("/rag build", user=user, channel=channel)
    assert said.ok, said.seen
    return await chat.dialog(user, lambda text: VERB in text)


async def choose(chat: Chat, verb: str, *, asks: str = WHERE, user: str = "ann") -> str:
    """Choose a verb, and return the dialog once it asks that verb's questions."""
    filled = await chat.control.view_fill({VERB: verb}, user=user)
    assert filled.ok, filled.seen
    return await chat.dialog(user, lambda text: asks in text and WHERE in text)


async def send(chat: Chat, values: dict[str, str] | None = None, *, user: str = "ann") -> Submitted:
    return await chat.control.view_submit(values or {}, user=user)


async def test_a_command_opens_it(chat: Chat) -> None:
    """First a word to wait, then the verbs; nothing is said in the channel."""
    text = await opened(chat)
    assert text.splitlines()[0] == "== Build a command =="
    assert "status" in text
    assert await chat.seen(channel="general") == []


async def test_a_shortcut_opens_it_anywhere(chat: Chat) -> None:
    """There is no conversation to come from, so that one must be chosen."""
    assert (await chat.control.shortcut("rag_build")).ok
    await chat.dialog("ann", lambda text: VERB in text)
    await choose(chat, "status")
    assert (await send(chat)).errors == {"form:channel": "Please complete this required field."}
    answer = await chat.after(lambda: send(chat, {WHERE: "#incidents"}), channel="incidents")
    assert HEALTHY in answer.text


async def test_help_has_a_button_that_opens_it(chat: Chat) -> None:
    """A press brings the trigger that a dialog needs."""
    assert "Build a command…" in (await chat.said("/rag", channel="general")).buttons
    assert (await chat.control.press("Build a command…", user="ann", channel="general")).ok
    await chat.dialog("ann", lambda text: VERB in text)


async def test_where_no_trigger_is_a_button_is_offered(chat: Chat) -> None:
    """A mention cannot open a dialog."""
    answer = await chat.said("@rag build", channel="general")
    assert (answer.buttons, answer.ephemeral) == (["Build a command…"], True)


async def test_the_page_of_the_bot_has_it(chat: Chat) -> None:
    """Its button opens the dialog and leaves the page as it is."""
    await chat.control.open_home("ann")
    page = await chat.page("ann", bool)
    await chat.control.press("Build a command…", user="ann")
    await chat.dialog("ann", lambda text: VERB in text)
    assert await chat.page("ann", bool) == page


async def test_a_built_query_is_answered_privately_where_its_person_wants(chat: Chat) -> None:
    """The conversation that they came from is chosen already."""
    await opened(chat)
    await choose(chat, "status")
    answer = await chat.after(lambda: send(chat, {"where": "kube-system on prod-eu"}), channel="general")
    assert (answer.ephemeral, "kube-system" in answer.text) == (True, True)
    assert await chat.control.view("ann") is None


async def test_a_channel_shared_with_others_is_not_offered(chat: Chat) -> None:
    """#ops is shared with another company, so that it is neither filled in nor taken."""
    await opened(chat, channel="ops")
    await choose(chat, "status")
    assert (await send(chat)).errors == {"form:channel": "Please complete this required field."}


async def test_typed_values_survive_another_choice(chat: Chat) -> None:
    """As far as the other verb asks the same."""
    await opened(chat)
    await choose(chat, "logs", asks="workload")
    await chat.control.view_fill({"container": "main", WHERE: "#incidents"}, user="ann")
    await choose(chat, "describe", asks="what")
    await choose(chat, "logs", asks="workload")
    sent = await send(chat, {"workload": "api"})
    assert sent.closed, sent
    assert sent.payload["response_urls"][0]["channel_id"] == chat.slack.workspace.place("incidents").id


async def test_what_makes_no_command_stands_at_a_field_that_is_there(chat: Chat) -> None:
    """And the dialog stays open."""
    await opened(chat)
    await choose(chat, "logs", asks="workload")
    sent = await send(chat, {"workload": "--bogus"})
    assert sent.errors == {"form:verb": 'logs has no option "--bogus".'}
    assert (await send(chat, {"workload": "api"})).closed


async def test_numbers_keep_to_their_bounds(chat: Chat) -> None:
    """The client itself refuses what is out of them."""
    await opened(chat)
    await choose(chat, "logs", asks="workload")
    sent = await send(chat, {"workload": "api", "tail": "0"})
    assert sent.errors == {"form:parameter:tail": "Enter a number that is at least 1."}


async def test_sent_before_its_questions_appeared_it_asks_them(chat: Chat) -> None:
    """A dialog never runs a command that its person was not asked about."""
    await opened(chat)
    await chat.control.set_fault("latency", method="views.update", seconds=0.5, times=1)
    await chat.control.view_fill({VERB: "status"}, user="ann")
    sent = await send(chat)
    assert sent.errors == {"form:verb": OUTDATED}
    await chat.dialog("ann", lambda text: WHERE in text)
    await chat.control.settle()
    assert (await send(chat)).closed


@pytest.mark.parametrize(("first_s", "second_s"), [(0.2, 0.6), (0.6, 0.2)], ids=["in order", "out of order"])
async def test_of_two_quick_choices_the_last_is_drawn(chat: Chat, first_s: float, second_s: float) -> None:
    """Both were made of the same version of the dialog, so that the second conflicts, or comes first."""
    await opened(chat)
    for verb, seconds in (("logs", first_s), ("compare", second_s)):
        await chat.control.set_fault("latency", method="views.update", seconds=seconds, times=1)
        await chat.control.view_fill({VERB: verb}, user="ann")
    await asyncio.sleep(1)
    await chat.control.settle()
    await chat.dialog("ann", lambda text: "Show what differs between two revisions" in text)


@pytest.mark.parametrize("user", ["eve", "sam", "kim"], ids=["guest", "single-channel guest", "stranger"])
async def test_who_may_look_at_nothing_learns_no_name(chat: Chat, store: PostgresStore, user: str) -> None:
    """Neither of verbs nor of services nor of places; each try is on record."""
    for act in (chat.control.shortcut("rag_build", user=user), chat.control.say("/rag build", user=user)):
        await act
        text = await chat.dialog(user, lambda text: NOT_FOR_YOU.words[:30] in text)
        assert not any(name in text for name in ("status", "search", "kube-system", "shop"))
        await chat.control.view_close(user=user)
    tried = await store.audit_trail.search(AuditQuery(operation="build"))
    assert [(row.result, row.actor) for row in tried] == [("refused", chat.slack.workspace.person(user).id)] * 2


async def test_who_opens_it_again_and_again_is_asked_to_wait(store: PostgresStore) -> None:
    """Each time counts as a command: nobody can fill the record, or have people looked up, as fast as they click."""
    setup = Setup(hot=CountingLimiter(), limits=RateLimits(person=2))
    async with chatting(store, setup) as chat:
        for _ in range(2):
            await chat.control.shortcut("rag_build", user="eve")
            await chat.dialog("eve", lambda text: NOT_FOR_YOU.words[:30] in text)
            await chat.control.view_close(user="eve")
        await chat.control.shortcut("rag_build", user="eve")
        await chat.dialog("eve", lambda text: "more than 2 commands in a minute" in text)
        assert len(await store.audit_trail.search(AuditQuery(operation="build"))) == 2


async def test_a_double_click_runs_it_once(chat: Chat) -> None:
    """The version of the dialog tells that it is the same."""
    await opened(chat)
    await choose(chat, "share", asks="command")
    await chat.control.set_fault("duplicate", method="interactive", times=1)
    await send(chat, {"command": "status"})
    await chat.control.settle(quiet=1.5)
    shown = [message for message in await chat.seen(user="bob", channel="general") if not message.ephemeral]
    assert len(shown) == 1
    assert ("form", "repeat") in chat.meter.acks


async def test_a_dialog_that_comes_too_late_is_told(chat: Chat) -> None:
    """With a button for another try."""
    await chat.control.set_fault("error", method="views.open", error="expired_trigger_id", times=1)
    answer = await chat.said("/rag build", channel="general")
    assert (answer.ephemeral, answer.buttons) == (True, ["Build a command…"])
    assert "Nothing was changed" in answer.text


async def test_a_dialog_that_is_refused_says_so(chat: Chat) -> None:
    """Instead of a word to wait that never ends."""
    await chat.control.set_fault("error", method="views.update", error="invalid_arguments", times=1)
    await chat.control.say("/rag build", user="ann", channel="general")
    assert "could not be drawn" in await chat.dialog("ann", lambda text: "could not" in text)


async def test_a_dialog_that_was_closed_meanwhile_is_no_trouble(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for it."""
    await chat.control.set_fault("latency", method="views.update", seconds=0.4, times=1)
    await chat.control.say("/rag build", user="ann", channel="general")
    await chat.dialog("ann", lambda text: "One moment" in text)
    await chat.control.view_close(user="ann")
    await chat.inbound.drain(2)
    assert not {"form_lost", "listener_failed"} & set(events_in(caplog))


async def test_gestures_build_a_command(chat: Chat) -> None:
    """For scripts: open, fill in, send, read."""
    assert await gestures.shortcut(chat.control, "rag_build", user="bob") == ""
    await chat.dialog("bob", lambda text: VERB in text)
    assert "Explain" not in await gestures.dialog(chat.control, user="bob")
    assert "code" in await gestures.fill(chat.control, {VERB: "explain"}, user="bob")
    where = {WHERE: "#general"}
    assert await gestures.submit(chat.control, where, user="bob") == "code: Please complete this required field."
    assert await gestures.submit(chat.control, {"code": "CRASH_LOOP", **where}, user="bob") == ""
    await chat.control.settle(quiet=0.5)
    assert "Recognised" in await gestures.read(chat.control, user="bob", channel="general")
    assert await gestures.dialog(chat.control, user="bob") == "(nothing is there)"


async def test_secrets_typed_into_it_go_nowhere(chat: Chat, store: PostgresStore) -> None:
    """A command that is kept stays in the audit."""
    await opened(chat)
    await choose(chat, "share", asks="command")
    await send(chat, {"command": "explain DB_PASSWORD=correct-horse-battery"})
    claimed = await until(lambda: audited(store), bool)
    assert "correct-horse-battery" not in claimed
    assert "explain" in claimed
