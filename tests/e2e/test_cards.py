"""Cards in a channel: shown, edited, pressed, asked about; and what of it is written down, word for word.

Nobody carries out what was written down here: it is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.people import Actor
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.view import Button, Buttons, ButtonStyle, Confirm, Context, Headline, View, line
from bot.ports import Claimed
from bot.slack.inbound.asking import LONGEST_WORDS, UNSAID
from bot.slack.outbound.surfaces import SlackSurfaces
from bot.store.store import PostgresStore
from sandbox.slack.faults import Kind
from tests.support import hostile
from tests.support.surfaces import Chat, Setup, chatting

TOKEN = "4fzq-_9yAbCdEfGhIjKlMn"
WHY = "Why do you deny it?"
SURE = Confirm("Approve?", "rag-engine:v1.2 → v1.1", "Approve")
WAITING = View(
    "Roll back api to revision 7?",
    (
        Headline("Roll back api to revision 7?"),
        Buttons(
            (
                Button("Approve", f"approve {TOKEN}", ButtonStyle.PRIMARY, confirm=SURE),
                Button("Deny…", f"deny {TOKEN}", ButtonStyle.DANGER, asks=WHY),
                Button("Cancel", f"cancel {TOKEN}"),
            )
        ),
    ),
)
DONE = View("Done in 38 s", (Headline("Done in 38 s"), Context((line("fingerprint 3f9a12c0"),))))
CHANNEL = "general"


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store, Setup(works=False)) as running:
        yield running


@pytest.fixture
async def forgetful() -> AsyncIterator[Chat]:
    """A chat whose bot has no database."""
    async with chatting(None) as running:
        yield running


def place(chat: Chat, name: str = CHANNEL, thread: str = "") -> Place:
    return Place(chat.slack.workspace.place(name).id, thread)


def actor(chat: Chat, name: str) -> Actor:
    return Actor(chat.slack.workspace.person(name).id, chat.slack.workspace.team_id)


async def card(chat: Chat, *, thread: str = "") -> str:
    """Show the card, and return its message."""
    post = Post(place(chat, thread=thread), WAITING, kind="card", subject="operation:1", version=1)
    return await chat.notifier.post(post, tag="outbox-1")


async def edited(chat: Chat, ts: str, view: View = DONE) -> None:
    post = Post(place(chat), view, kind="card", subject="operation:1", version=2)
    assert await chat.notifier.edit(post, message_id=ts, tag="outbox-2")


async def kept(store: PostgresStore) -> list[Request]:
    """Return what was written down and not looked at yet, in the order of its arrival."""
    found: list[Claimed] = []
    while (claimed := await store.inbox.claim(lease_s=60)) is not None:
        found.append(claimed)
    return [claimed.request for claimed in found]


async def asked(chat: Chat, user: str = "bob") -> None:
    """Press Deny, and wait for the question."""
    assert (await chat.control.press("Deny…", user=user, channel=CHANNEL)).ok
    await chat.dialog(user, lambda text: WHY in text)


# --- presses ----------------------------------------------------------------------------------------------------------


async def test_a_press_is_written_down_with_its_message(chat: Chat, store: PostgresStore) -> None:
    """Who pressed, where, on which message, and where that person alone is answered."""
    ts = await card(chat)
    assert (
        await chat.control.aim("Approve", user="bob")
    ).asks == "== Approve? ==\nrag-engine:v1.2 → v1.1\n[Approve] [Back]"
    assert (await chat.control.press("Approve", user="bob", channel=CHANNEL)).ok
    [request] = await kept(store)
    assert request.reply_to.startswith(chat.slack.origin)
    assert (request.surface, request.text, request.message) == (Surface.BUTTON, f"approve {TOKEN}", ts)
    assert (request.actor, request.place) == (actor(chat, "bob"), place(chat))


async def test_a_press_in_a_thread_knows_both(chat: Chat, store: PostgresStore) -> None:
    """The thread, in which it is answered, and the message in it."""
    parent = await chat.control.say("look", user="bob", channel=CHANNEL)
    ts = await card(chat, thread=str(parent.ts))
    await chat.control.press("Cancel", user="ann", channel=CHANNEL)
    [request] = await kept(store)
    assert (request.place.thread, request.message) == (parent.ts, ts)


async def test_a_stale_copy_carries_what_it_showed(chat: Chat, store: PostgresStore) -> None:
    """A finished card has no button; a client that missed the edit still sends the old value, and the same message."""
    ts = await card(chat)
    await edited(chat, ts)
    [shown] = await chat.seen(user="bob", channel=CHANNEL)
    assert (shown.buttons, shown.text.splitlines()[0]) == ([], "Done in 38 s")
    assert (await chat.control.press("Approve", user="bob", channel=CHANNEL, message=ts, revision=0)).ok
    [request] = await kept(store)
    assert (request.text, request.message) == (f"approve {TOKEN}", ts)


async def test_a_copied_value_says_from_where_it_came(chat: Chat, store: PostgresStore) -> None:
    """In another channel or on another message it is told apart; whose it is, is the payload's word."""
    ts = await card(chat)
    payload = (await chat.control.aim("Approve", user="bob")).payload
    elsewhere = place(chat, "incidents").channel
    container = payload["container"]
    forged: list[dict[str, Any]] = [
        payload
        | {"container": container | {"channel_id": elsewhere}, "channel": {"id": elsewhere, "name": "incidents"}},
        payload | {"container": container | {"message_ts": "1.000001"}},
        payload | {"user": {"id": "UEVE", "team_id": "TELSEWHERE"}},
    ]
    for one in forged:
        assert (await chat.control.forge(one)).ok
    wrong_place, wrong_message, wrong_person = await kept(store)
    assert (wrong_place.place.channel, wrong_place.message) == (elsewhere, ts)
    assert (wrong_message.place, wrong_message.message) == (place(chat), "1.000001")
    assert wrong_person.actor == Actor("UEVE", "TELSEWHERE")


async def test_of_two_actions_at_once_none_is_taken(chat: Chat, store: PostgresStore) -> None:
    """The platform sends one; more are acknowledged and dropped."""
    await card(chat)
    approve = (await chat.control.aim("Approve", user="bob")).payload
    cancel = (await chat.control.aim("Cancel", user="bob")).payload
    assert (await chat.control.forge(approve | {"actions": [*approve["actions"], *cancel["actions"]]})).ok
    assert await kept(store) == []
    assert ("other", "unhandled") in chat.meter.acks


async def test_two_people_press_at_the_same_instant(chat: Chat, store: PostgresStore) -> None:
    """Both are written down, each once, however often they are delivered."""
    await card(chat)
    aimed = [(await chat.control.aim("Approve", user=user)).payload for user in ("bob", "lea")]
    await asyncio.gather(*(chat.control.forge(payload) for payload in (*aimed, *aimed)))
    assert {request.actor for request in await kept(store)} == {actor(chat, "bob"), actor(chat, "lea")}


# --- questions --------------------------------------------------------------------------------------------------------


async def test_a_question_is_answered_before_anything_is_written_down(chat: Chat, store: PostgresStore) -> None:
    """The answer is the command's last words; the rest is as if the button had been pressed."""
    ts = await card(chat)
    await asked(chat)
    shown = await chat.dialog("bob", bool)
    assert shown.splitlines()[0] == "== Deny =="
    assert "[Deny]" in shown
    assert await kept(store) == []
    sent = await chat.control.view_submit({WHY: "wait for\n the  hotfix"}, user="bob")
    assert sent.closed
    [request] = await kept(store)
    assert request == Request(
        key=request.key,
        actor=actor(chat, "bob"),
        surface=Surface.BUTTON,
        text=f"deny {TOKEN} wait for the hotfix",
        place=place(chat),
        message=ts,
    )


async def test_what_travels_with_a_question_is_no_secret(chat: Chat) -> None:
    """Its person can read it: with the private address they could edit the card in the bot's name."""
    await card(chat)
    await asked(chat)
    view = await chat.control.view("bob")
    assert view is not None
    assert TOKEN in view.raw["private_metadata"]
    assert "/response/" not in view.raw["private_metadata"]


async def test_nothing_said_is_no_answer(chat: Chat, store: PostgresStore) -> None:
    """The client refuses an empty field; blanks, and what cannot be seen, are told in the dialog."""
    await card(chat)
    await asked(chat)
    for words, error in (("", "Please complete this required field."), (" \n ", UNSAID), ("\u200b\u202e", UNSAID)):
        sent = await chat.control.view_submit({WHY: words}, user="bob")
        assert (sent.closed, list(sent.errors.values())) == (False, [error])
    assert await kept(store) == []


async def test_an_answer_has_its_length(chat: Chat, store: PostgresStore) -> None:
    """The client keeps to it, and who goes around the client is cut."""
    await card(chat)
    await asked(chat)
    sent = await chat.control.view_submit({WHY: "x" * (LONGEST_WORDS + 1)}, user="bob")
    assert list(sent.errors.values()) == [f"Must be at most {LONGEST_WORDS} characters."]
    payload = (await chat.control.view_submit({WHY: "x"}, user="bob")).payload
    values = {"form:words": {"form:words": {"type": "plain_text_input", "value": "y" * 9_000}}}
    view = payload["view"] | {"id": "V2", "state": {"values": values}}
    assert (await chat.control.forge(payload | {"view": view})).ok
    assert [request.text for request in await kept(store)] == [f"deny {TOKEN} x", f"deny {TOKEN} {'y' * LONGEST_WORDS}"]


@pytest.mark.parametrize("words", [*hostile.PINGS[:3], *hostile.DISGUISES[:3], "'; drop table", "-n kube-system"])
async def test_whatever_is_said_is_words(chat: Chat, store: PostgresStore, words: str) -> None:
    """On one line, without what cannot be seen."""
    await card(chat)
    await asked(chat)
    assert (await chat.control.view_submit({WHY: f"no: {words}"}, user="bob")).closed
    [request] = await kept(store)
    assert request.text.startswith(f"deny {TOKEN} no: ")
    assert request.text.isprintable()


async def test_secrets_in_an_answer_go_nowhere(chat: Chat, store: PostgresStore) -> None:
    """What is written down stays in the audit."""
    await card(chat)
    await asked(chat)
    await chat.control.view_submit({WHY: "DB_PASSWORD=correct-horse-battery leaked"}, user="bob")
    [request] = await kept(store)
    assert "correct-horse-battery" not in request.text
    assert "leaked" in request.text


async def test_who_answers_is_the_payloads_word(chat: Chat, store: PostgresStore) -> None:
    """Not that of whoever opened the dialog; an answer that comes again is the same."""
    await card(chat)
    await asked(chat)
    await chat.control.set_fault("duplicate", method="interactive", times=1)
    payload = (await chat.control.view_submit({WHY: "no"}, user="bob")).payload
    assert [request.actor for request in await kept(store)] == [actor(chat, "bob")]
    lea = chat.slack.workspace.person("lea").id
    await chat.control.forge(payload | {"user": payload["user"] | {"id": lea}, "view": payload["view"] | {"id": "V2"}})
    assert [request.actor for request in await kept(store)] == [actor(chat, "lea")]


@pytest.mark.parametrize(
    "metadata",
    ["", "nonsense", "{}", '{"form":"x","state":"{}"}', '{"form":"x","state":"[1]"}', '{"form":"x","state":"no"}'],
)
async def test_an_answer_to_nothing_is_not_taken(chat: Chat, store: PostgresStore, metadata: str) -> None:
    """What travels with a dialog is looked at when it comes back."""
    await card(chat)
    await asked(chat)
    payload = (await chat.control.view_submit({WHY: "no"}, user="bob")).payload
    await kept(store)
    answered = await chat.control.forge(
        payload | {"view": payload["view"] | {"private_metadata": metadata, "id": "V2"}}
    )
    assert answered.answer["response_action"] == "errors"
    assert await kept(store) == []


async def test_a_question_that_comes_too_late_is_told(chat: Chat, store: PostgresStore) -> None:
    """Nothing was decided, and the button is still there."""
    await card(chat)
    await chat.control.set_fault(Kind.ERROR, method="views.open", error="expired_trigger_id", times=1)
    answer = await chat.after(
        lambda: chat.control.press("Deny…", user="bob", channel=CHANNEL), user="bob", channel=CHANNEL
    )
    assert answer.ephemeral
    assert "could not be opened" in answer.text
    assert "Nothing was changed" in answer.text
    assert await kept(store) == []


async def test_an_answer_that_cannot_be_kept_stays_in_the_dialog(forgetful: Chat) -> None:
    """Opening it needs no database; sending it does, and its person can try again."""
    await card(forgetful)
    await asked(forgetful)
    sent = await forgetful.control.view_submit({WHY: "wait"}, user="bob")
    [error] = sent.errors.values()
    assert error.startswith("There is no database here")
    assert "Nothing was changed." in error
    assert WHY in await forgetful.dialog("bob", bool)


# --- words in the thread ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["approve 3f9a12c0", "deny 3f9a12c0 wait for it"])
async def test_a_decision_can_be_typed_below_the_card(chat: Chat, store: PostgresStore, text: str) -> None:
    """It is answered there, to its person alone."""
    ts = await card(chat)
    said = await chat.control.say(f"@rag {text}", user="bob", channel=CHANNEL, thread=ts)
    assert said.ok
    [request] = await kept(store)
    assert (request.surface, request.text, request.opens_thread) == (Surface.MENTION, text, False)
    assert request.place == place(chat, thread=ts)
    await chat.notifier.reply(request, View("Noted.", (Headline("Noted."),)))
    assert [(shown.text.splitlines()[0], shown.thread_ts) for shown in await answers(chat, "bob")] == [("Noted.", ts)]
    assert await answers(chat, "ann") == []


async def answers(chat: Chat, user: str) -> list[Any]:
    return [shown for shown in await chat.seen(user=user, channel=CHANNEL) if shown.ephemeral]


# --- a change that is asked for ---------------------------------------------------------------------------------------


async def test_a_change_that_is_typed_is_said_to_be_prepared(chat: Chat, store: PostgresStore) -> None:
    """With the acknowledgement, to its person alone, with nothing of it taken for markup."""
    said = await chat.control.say("/rag rollback api --reason <!here>", user="ann", channel=CHANNEL)
    assert said.answer["text"] == "Preparing: rollback api --reason &lt;!here&gt; …"
    [shown] = await answers(chat, "ann")
    assert (shown.text, shown.pings) == ("Preparing: rollback api --reason <!here> …", [])
    assert await answers(chat, "bob") == []
    assert [request.text for request in await kept(store)] == ["rollback api --reason <!here>"]


@pytest.mark.parametrize("text", ["approve 3f9a12c0", "share status", "rollback", "status"])
async def test_only_a_change_is_said_to_be_prepared(chat: Chat, text: str) -> None:
    """All else is answered at once, or is a mistake."""
    assert (await chat.control.say(f"/rag {text}", user="ann", channel=CHANNEL)).answer == {}


async def test_a_change_that_could_not_be_kept_is_not_prepared(forgetful: Chat) -> None:
    said = await forgetful.control.say("/rag rollback api", user="ann", channel=CHANNEL)
    assert said.answer == {}
    assert any("no database here" in shown.text for shown in await answers(forgetful, "ann"))


FINDING = View("v", (Headline("api is degraded"), Buttons((Button("Roll back…", "build rollback api --to 7"),))))


async def test_a_finding_leads_to_a_dialog_that_is_filled_in(chat: Chat) -> None:
    """From a message, and from the bot's own page."""
    await chat.notifier.post(Post(place(chat), FINDING), tag="outbox-9")
    assert (await chat.control.press("Roll back…", user="ann", channel=CHANNEL)).ok
    await filled_in(chat)
    await SlackSurfaces(chat.client).publish_home(chat.slack.workspace.person("ann").id, FINDING)
    assert (await chat.control.press("Roll back…", user="ann")).ok
    await filled_in(chat)


async def filled_in(chat: Chat) -> None:
    await chat.dialog("ann", lambda text: "Answer in" in text)
    view = await chat.control.view("ann")
    assert view is not None
    elements = [block["element"] for block in view.raw["blocks"] if block["type"] == "input"]
    assert elements[0]["initial_option"]["value"] == "=rollback"
    assert {"api", "7"} <= {element.get("initial_value") for element in elements}
    await chat.control.view_close(user="ann")


async def test_a_dialog_that_is_filled_in_is_sent_as_it_is(chat: Chat, store: PostgresStore) -> None:
    """Nothing must be chosen again."""
    assert (await chat.control.say("/rag build rollback api --reason 'it is slow'", user="ann", channel=CHANNEL)).ok
    await chat.dialog("ann", lambda text: "Answer in" in text)
    sent = await chat.control.view_submit(user="ann")
    assert sent.closed, sent
    [request] = await kept(store)
    assert (request.surface, request.text) == (Surface.FORM, "rollback api --reason 'it is slow'")
    assert request.place == place(chat)


async def test_where_no_dialog_can_be_opened_a_button_does(chat: Chat) -> None:
    """A mention brings no trigger; the button keeps what was said."""
    shown = await chat.said("@rag build rollback api --to 7", channel=CHANNEL)
    assert shown.buttons == ["Build a command…"]
    assert (await chat.control.press("Build a command…", user="ann", channel=CHANNEL)).ok
    await filled_in(chat)
