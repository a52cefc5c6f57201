"""The shortcut of a message: what does this error mean?"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from bot.diagnosis import all_codes
from bot.main.clock import SystemClock
from bot.references import References
from bot.slack.inbound.answering import Answering
from bot.slack.inbound.equipment import InboundEquipment
from bot.slack.inbound.kinds import Delivery, Kind
from bot.slack.inbound.meanings import MOST, codes_in
from bot.slack.inbound.payloads import message_words, shortcut_request
from bot.slack.outbound.directory import SlackDirectory
from bot.slack.outbound.notifier import SlackNotifier
from bot.slack.outbound.surfaces import SlackSurfaces
from bot.store.store import PostgresStore
from sandbox import gestures
from sandbox.slack.control import Shown
from tests.support.endless import ends
from tests.support.surfaces import Chat, chatting


@pytest.fixture
async def chat(store: PostgresStore) -> AsyncIterator[Chat]:
    async with chatting(store) as running:
        yield running


async def explained(chat: Chat, text: str, *, user: str = "ann", thread: bool = False) -> Shown:
    """Let bob write something, use the shortcut on it, and return the answer."""
    parent = (await chat.control.say("look", user="bob", channel="general")).ts if thread else None
    said = await chat.control.say(text, user="bob", channel="general", thread=parent)

    async def act() -> None:
        failed = await gestures.shortcut(
            chat.control, "rag_explain", user=user, channel="general", message=said.ts or ""
        )
        assert failed == ""

    return await chat.after(act, user=user, channel="general")


async def test_the_likeliest_meaning_is_told_privately(chat: Chat) -> None:
    """Others that may be meant are a press away."""
    answer = await explained(chat, "connection refused, then CrashLoopBackOff")
    assert answer.text.splitlines()[0] == "CRASH_LOOP"
    assert (answer.ephemeral, answer.buttons) == (True, ["CRASH_DEPENDENCY"])
    other = await chat.after(
        lambda: chat.control.press("CRASH_DEPENDENCY", user="ann", channel="general"), channel="general"
    )
    assert other.text.splitlines()[0] == "CRASH_DEPENDENCY"


async def test_a_reply_is_explained_in_its_thread(chat: Chat) -> None:
    """Where its readers are."""
    answer = await explained(chat, "OOMKilled", thread=True)
    assert answer.thread_ts not in {None, answer.ts}


async def test_what_means_nothing_is_said_to(chat: Chat) -> None:
    """With what to do instead."""
    answer = await explained(chat, "lunch at noon?")
    assert "I know no meaning" in answer.text
    assert "/rag status" in answer.text


async def test_the_words_of_blocks_and_attachments_are_read() -> None:
    """A bot's message often has a mere summary as its text."""
    leaf = {"type": "rich_text_section", "elements": [{"type": "text", "text": "ImagePullBackOff"}]}
    message = {
        "text": "an alert",
        "blocks": [{"type": "rich_text", "elements": [leaf]}, {"type": "section", "fields": [{"text": "one"}]}],
        "attachments": [{"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "two &amp; three"}}]}],
    }
    assert message_words(message) == "an alert\nImagePullBackOff\none\ntwo & three"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Back-off restarting failed container (CrashLoopBackOff)", "CRASH_LOOP"),
        ("Last State: Terminated, Reason: OOMKilled", "OOM_KILLED"),
        ("ImagePullBackOff: manifest unknown", "IMAGE_PULL_FAILED"),
        ("0/3 nodes are available: 3 Insufficient memory", "INSUFFICIENT_RESOURCES"),
        ("could not connect to server: Connection refused", "CRASH_DEPENDENCY"),
        ("see oom-killed and CRASH-LOOP", "CRASH_LOOP"),
        ('password authentication failed for user "rag"', "CRASH_CREDENTIALS"),
        ("pods is forbidden: exceeded quota: mem", "QUOTA_EXCEEDED"),
        ("MountVolume failed: FailedMount", "MOUNT_FAILED"),
    ],
)
def test_an_error_is_known_by_its_words(text: str, first: str) -> None:
    """Of a finding, of Kubernetes, or of the program itself."""
    assert codes_in(text)[0] == first


@pytest.mark.parametrize("text", ["", "hello there", "the ReplicaSet is fine", "Ready: True", "we deployed again"])
def test_plain_talk_means_nothing(text: str) -> None:
    """Words that many causes share are no sign of one."""
    assert codes_in(text) == ()


def test_every_code_is_known_by_its_name() -> None:
    """Also with dashes."""
    for code in all_codes():
        assert code.name in codes_in(f"what is {code.name}?")
        assert code.name in codes_in(f"what is {code.name.replace('_', '-')}?")


def test_a_wall_of_words_gives_few() -> None:
    """An answer is for people."""
    assert len(codes_in(" ".join(code.name for code in all_codes()))) == MOST


def test_a_message_of_very_many_lines_is_read_from_its_end() -> None:
    """A program's last words are the last ones; who writes very many lines must not hold up everybody."""
    with ends():
        assert codes_in("x\n" * 100_000 + "Error: connection refused\n") == ("CRASH_DEPENDENCY",)


def equipment_of(chat: Chat) -> InboundEquipment:
    clock = SystemClock()
    return InboundEquipment(
        service=chat.service,
        notifier=SlackNotifier(chat.client, clock=clock, nonce=str),
        surfaces=SlackSurfaces(chat.client),
        directory=SlackDirectory(chat.client, chat.slack.workspace.team_id, clock=clock),
        references=References(random.Random(1)),
        clock=clock,
        wake=lambda: None,
    )


async def test_reading_a_long_message_holds_up_nobody(chat: Chat) -> None:
    """The loop goes on while the words are looked through."""
    body = {"message": {"blocks": [{"elements": [{"text": "Error: no such word\n" * 2_000}]}]}}
    answering = Answering(equipment_of(chat))
    request = shortcut_request(body, "explain")
    delivery = Delivery(kind=Kind.EXPLAIN, body=body, request=request)
    working = asyncio.create_task(answering.answer(delivery, request))
    turns = 0
    while not working.done():
        await asyncio.sleep(0)
        turns += 1
    assert "I know no meaning" in (await working).summary
    assert turns > 2
