"""Every way in, and what comes of it there: an answer, a record, a refusal, a hint, or word that it was not kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from bot.slack.outbound.planner import plan_view
from bot.slack.outbound.surfaces import SlackSurfaces
from bot.store.store import PostgresStore
from sandbox.slack.control import Shown
from tests.support.surfaces import Chat, chatting, with_button
from tests.support.waiting import until

HEALTHY = "shop is healthy"
REFUSED = "You can't use audit"
UNKNOWN = 'There is no command "stauts"'
NOT_KEPT = "There is no database here, so nothing can be kept."
CHANNEL = "general"


@dataclass(frozen=True, slots=True)
class Way:
    """A way in: what a person does to run a command there, and where the answers of that way are looked for."""

    name: str
    act: Callable[[Chat, str], Awaitable[None]]
    channel: str = CHANNEL
    threaded: bool = False
    public: bool = False

    @property
    def whispered(self) -> bool:
        """Where nobody else is, an answer for one person is a message that stays."""
        return self.channel != "@rag"


async def command(chat: Chat, text: str) -> None:
    said = await chat.control.say(f"/rag {text}", user="vic", channel=CHANNEL)
    assert said.ok, said.seen


async def mention(chat: Chat, text: str) -> None:
    await chat.control.say(f"@rag {text}", user="vic", channel=CHANNEL)


async def mention_in_thread(chat: Chat, text: str) -> None:
    parent = await chat.control.say("look at this", user="bob", channel=CHANNEL)
    await chat.control.say(f"@rag {text}", user="vic", channel=CHANNEL, thread=parent.ts)


async def press(chat: Chat, text: str) -> None:
    await _show(chat, text, thread=None)
    assert (await chat.control.press("Go", user="vic", channel=CHANNEL)).ok


async def press_in_thread(chat: Chat, text: str) -> None:
    parent = await chat.control.say("look at this", user="bob", channel=CHANNEL)
    await _show(chat, text, thread=parent.ts)
    assert (await chat.control.press("Go", user="vic", channel=CHANNEL)).ok


async def _show(chat: Chat, text: str, *, thread: str | None) -> None:
    [message] = plan_view(with_button(text), nonce="n", files_allowed=True).messages
    channel = chat.slack.workspace.place(CHANNEL).id
    await chat.client.chat_postMessage(
        channel=channel, text=message.text, blocks=list(message.blocks), thread_ts=thread
    )


async def direct(chat: Chat, text: str) -> None:
    await chat.control.say(text, user="vic", channel="@rag")


async def direct_in_thread(chat: Chat, text: str) -> None:
    place = chat.slack.workspace.direct_channel(chat.slack.workspace.person("vic"))
    parent = await chat.client.chat_postMessage(channel=place.id, text="hello")
    await chat.control.say(text, user="vic", channel="@rag", thread=parent["ts"])


async def form(chat: Chat, text: str) -> None:
    verb, _, rest = text.partition(" ")
    await chat.control.say("/rag build", user="vic", channel=CHANNEL)
    await chat.dialog("vic", lambda shown: "What do you want to do?" in shown)
    await chat.control.view_fill({"What do you want to do?": verb}, user="vic")
    await chat.dialog("vic", lambda shown: "Answer in" in shown)
    await chat.control.view_submit({"command": rest} if rest else {}, user="vic")


WAYS = (
    Way("command", command),
    Way("mention", mention, threaded=True, public=True),
    Way("mention in a thread", mention_in_thread, threaded=True, public=True),
    Way("button", press),
    Way("button in a thread", press_in_thread, threaded=True),
    Way("direct", direct, channel="@rag", public=True),
    Way("direct in a thread", direct_in_thread, channel="@rag", threaded=True, public=True),
    Way("form", form),
)
TYPED = tuple(way for way in WAYS if way.name != "form")
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
typed_ways = pytest.mark.parametrize("way", TYPED, ids=lambda way: way.name)


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store) as running:
        yield running


@pytest.fixture
async def forgetful() -> AsyncIterator[Chat]:
    """A chat whose bot has no database."""
    async with chatting(None) as running:
        yield running


async def answer(chat: Chat, way: Way, text: str, words: str) -> Shown:
    """Run a command, and return the message with these words that its person then sees."""
    await way.act(chat, text)

    async def look() -> list[Shown]:
        return [shown for shown in await chat.seen(user="vic", channel=way.channel) if words in shown.text]

    found = await until(look, bool, within_s=10, every_s=0.02)
    return found[-1]


def in_thread(shown: Shown) -> bool:
    return bool(shown.thread_ts) and shown.thread_ts != shown.ts


@ways
async def test_a_question_is_answered_where_it_was_asked(chat: Chat, way: Way) -> None:
    """For all to see where the question was for all to see."""
    shown = await answer(chat, way, "status", HEALTHY)
    assert (in_thread(shown), shown.ephemeral) == (way.threaded, not way.public)


@ways
async def test_what_is_for_others_is_posted_there_too(chat: Chat, way: Way) -> None:
    """And its person hears that it is on its way."""
    shown = await answer(chat, way, "share status", "Shared by")
    assert (in_thread(shown), shown.ephemeral) == (way.threaded, False)
    await until(
        lambda: chat.seen(user="vic", channel=way.channel),
        lambda seen: any(
            "On its way to everybody here" in message.text and message.ephemeral == way.whispered for message in seen
        ),
    )


@ways
async def test_a_refusal_is_seen_by_its_person_alone(chat: Chat, way: Way) -> None:
    """In the thread where there is one; a thread that nobody opened would hide it."""
    shown = await answer(chat, way, "audit", REFUSED)
    assert (in_thread(shown), shown.ephemeral) == (way.threaded and way.name != "mention", way.whispered)


@typed_ways
async def test_a_typing_error_is_hinted_at(chat: Chat, way: Way) -> None:
    """As privately as a refusal."""
    shown = await answer(chat, way, "stauts", UNKNOWN)
    assert (in_thread(shown), shown.ephemeral) == (way.threaded and way.name != "mention", way.whispered)


@ways
async def test_a_question_is_answered_without_a_database(forgetful: Chat, way: Way) -> None:
    """To its person alone: what others see must not be lost, so it would have to be kept."""
    shown = await answer(forgetful, way, "status", HEALTHY)
    assert (in_thread(shown), shown.ephemeral) == (way.threaded and way.name != "mention", way.whispered)


@typed_ways
async def test_what_cannot_be_kept_is_said(forgetful: Chat, way: Way) -> None:
    """Once, and nothing is posted."""
    shown = await answer(forgetful, way, "share status", NOT_KEPT)
    assert shown.ephemeral == way.whispered
    assert "Nothing was changed." in shown.text
    assert [message for message in await forgetful.seen(user="bob", channel=CHANNEL) if HEALTHY in message.text] == []


async def test_what_cannot_be_kept_stays_in_the_dialog(forgetful: Chat) -> None:
    """It can be sent again from there."""
    await form(forgetful, "share")
    sent = await forgetful.control.view_submit({"command": "status"}, user="vic")
    [(_, fault)] = sent.errors.items()
    assert fault.startswith(NOT_KEPT)
    assert await forgetful.control.view("vic") is not None


# --- the bot's own page -----------------------------------------------------------------------------------------------


async def pressed_at_home(chat: Chat, text: str, words: str) -> str:
    """Press a button of a page that runs a command, and return the page that then has these words."""
    vic = chat.slack.workspace.person("vic").id
    await SlackSurfaces(chat.client).publish_home(vic, with_button(text))
    assert (await chat.control.press("Go", user="vic")).ok
    return await chat.page("vic", lambda page: words in page)


@pytest.mark.parametrize(
    ("text", "words"),
    [("status", HEALTHY), ("audit", REFUSED), ("stauts", UNKNOWN), ("share status", "This needs a conversation")],
)
async def test_a_page_answers_in_its_own_place(chat: Chat, text: str, words: str) -> None:
    """With a way back; nothing is said anywhere else."""
    assert "[Back]" in await pressed_at_home(chat, text, words)
    assert await chat.seen(user="vic", channel="@rag") == []
    assert (await chat.control.press("Back", user="vic")).ok
    assert "Hello @vic" in await chat.page("vic", lambda page: "Hello" in page)


@pytest.mark.parametrize(("text", "words"), [("status", HEALTHY), ("share status", "This needs a conversation")])
async def test_a_page_answers_without_a_database(forgetful: Chat, text: str, words: str) -> None:
    """What it can."""
    await pressed_at_home(forgetful, text, words)
