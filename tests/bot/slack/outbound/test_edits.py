"""Messages that are edited: a card stays one message, whatever happens to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.requests import Place, Post
from bot.domain.view import Button, Buttons, Code, Confirm, Context, Headline, Paragraph, View, line
from bot.errors import DeliveryRefused, DeliveryThrottled, DeliveryUnknown
from bot.slack.outbound.notifier import SlackNotifier
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.records import Content, Message
from sandbox.slack.server import SlackServer

SURE = Confirm("Approve?", "rag-engine:v1.2 → v1.1", "Approve")
WAITING = View(
    "Roll back api?",
    (
        Headline("Roll back api?"),
        Paragraph((line("because of ", "<!channel>"),)),
        Context((line("fingerprint 3f9a12c0"),)),
        Buttons((Button("Approve", "approve 4fz", confirm=SURE), Button("Deny…", "deny 4fz", asks="Why?"))),
    ),
)
DONE = View("Rolled back api", (Headline("Rolled back api"), Context((line("done in 38 s"),))))
LOG = Code("\n".join(f"line {number}" for number in range(9_000)), "difference.txt")
OTHER_LOG = Code("\n".join(f"row {number}" for number in range(9_000)), "difference.txt")
PROSE = Paragraph((line("a line of prose that is not short " * 4),) * 250)


def messages(slack: SlackServer) -> list[Message]:
    return slack.workspace.place("ops").messages


def card(slack: SlackServer, view: View, version: int = 1, *, thread: str = "") -> Post:
    place = Place(slack.workspace.place("ops").id, thread)
    return Post(place, view, kind="card", subject="operation:1", version=version)


async def shown(slack: SlackServer, notifier: SlackNotifier, view: View = WAITING) -> str:
    """Post a card and return its message."""
    return await notifier.post(card(slack, view), tag="outbox-1")


async def edit(slack: SlackServer, notifier: SlackNotifier, message_id: str, view: View, version: int = 2) -> bool:
    return await notifier.edit(card(slack, view, version), message_id=message_id, tag=f"outbox-{version}")


async def test_a_card_is_edited_in_place(slack: SlackServer, notifier: SlackNotifier) -> None:
    """All of it is new but its tag; no button is left, and nobody is pinged."""
    ts = await shown(slack, notifier)
    assert await edit(slack, notifier, ts, DONE)
    (message,) = messages(slack)
    before, after = (revision.content for revision in message.revisions)
    assert (after.text, [block["type"] for block in after.blocks]) == ("Rolled back api", ["header", "context"])
    assert after.metadata == before.metadata is not None
    assert message.pings == ()
    assert not {block["block_id"] for block in before.blocks} & {block["block_id"] for block in after.blocks}


async def test_every_version_has_block_ids_of_its_own(slack: SlackServer, notifier: SlackNotifier) -> None:
    """Even when the same is shown again under the same tag."""
    ts = await shown(slack, notifier)
    for version in (2, 3):
        await notifier.edit(card(slack, WAITING, version), message_id=ts, tag="outbox-1")
    ids = [{block["block_id"] for block in revision.content.blocks} for revision in messages(slack)[0].revisions]
    assert len(set().union(*ids)) == 3 * len(WAITING.blocks)


async def test_hostile_words_ping_nobody_after_an_edit(
    slack: SlackServer, notifier: SlackNotifier, hostile: tuple[str, ...]
) -> None:
    """An edit is parsed by default; this one is not."""
    ts = await shown(slack, notifier)
    for number, text in enumerate(words[:400] for words in hostile):
        view = View(text, (Headline(text), Paragraph((line(text),)), Context((line("said: ", text[:500]),))))
        assert await edit(slack, notifier, ts, view, number + 2)
    assert messages(slack)[0].pings == ()
    links = [link for revision in messages(slack)[0].revisions for link in revision.content.reading.links]
    assert links == []


async def test_an_edit_is_repeated_without_harm(slack: SlackServer, notifier: SlackNotifier) -> None:
    """After a lost answer the same is done once more."""
    ts = await shown(slack, notifier)
    slack.faults.add(Fault(Kind.RESET_AFTER, "chat.update"))
    with pytest.raises(DeliveryUnknown):
        await edit(slack, notifier, ts, DONE)
    assert await edit(slack, notifier, ts, DONE)
    (message,) = messages(slack)
    assert message.content.text == "Rolled back api"


async def test_an_edit_that_is_throttled_says_for_how_long(slack: SlackServer, notifier: SlackNotifier) -> None:
    ts = await shown(slack, notifier)
    slack.faults.add(Fault(Kind.RATELIMITED, "chat.update", seconds=9))
    with pytest.raises(DeliveryThrottled) as error:
        await edit(slack, notifier, ts, DONE)
    assert error.value.retry_after_s == 9.0


def delete(slack: SlackServer) -> None:
    slack.workspace.delete(messages(slack)[0])


def give_away(slack: SlackServer) -> None:
    messages(slack)[0].user_id = slack.workspace.person("ann").id


def too_old(slack: SlackServer) -> None:
    slack.faults.add(Fault(Kind.ERROR, "chat.update", error="edit_window_closed"))


@pytest.mark.parametrize("change", [delete, give_away, too_old])
async def test_a_message_that_is_gone_is_told(
    slack: SlackServer, notifier: SlackNotifier, change: Callable[[SlackServer], None]
) -> None:
    """Whoever asked can then post a new one."""
    ts = await shown(slack, notifier)
    change(slack)
    assert not await edit(slack, notifier, ts, DONE)
    assert len(messages(slack)) == 1


async def test_a_channel_that_was_archived_meanwhile(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A new message would be refused, too."""
    ts = await shown(slack, notifier)
    slack.workspace.place("ops").is_archived = True
    with pytest.raises(DeliveryRefused, match="archived"):
        await edit(slack, notifier, ts, DONE)


async def test_blocks_that_are_refused_are_edited_away(slack: SlackServer, notifier: SlackNotifier) -> None:
    """The words stand alone then: blocks that are not mentioned would stay, buttons and all."""
    ts = await shown(slack, notifier)
    slack.faults.add(Fault(Kind.ERROR, "chat.update", error="invalid_blocks"))
    assert await edit(slack, notifier, ts, WAITING)
    (message,) = messages(slack)
    assert message.content.blocks == ()
    assert "because of &lt;!channel&gt;" in message.content.text


async def test_a_message_of_prose_alone_that_cannot_be_edited_is_told(
    slack: SlackServer, notifier: SlackNotifier
) -> None:
    """The platform may refuse to put other blocks, or none, in place of rich text."""
    ts = await shown(slack, notifier, View("v", (Paragraph((line("only prose"),)),)))
    assert not await edit(slack, notifier, ts, DONE)


async def test_what_is_more_than_one_message_stands_in_the_thread_once(
    slack: SlackServer, notifier: SlackNotifier
) -> None:
    """Later versions that say the same add nothing there; one that says something else adds that."""
    view = View("v", (Headline("v"), LOG, *WAITING.blocks))
    ts = await shown(slack, notifier, view)
    for version in (2, 3):
        assert await edit(slack, notifier, ts, View("w", (Headline("w"), LOG, Context((line("x"),)))), version)
    parent, upload = messages(slack)
    assert (parent.content.text, upload.thread_ts, len(upload.files)) == ("w", ts, 1)
    assert await edit(slack, notifier, ts, View("w", (Headline("w"), OTHER_LOG)), 4)
    assert [len(message.files) for message in messages(slack)] == [0, 1, 1]


async def test_parts_that_are_missing_are_made_up_for(slack: SlackServer, notifier: SlackNotifier) -> None:
    """Wherever an edit broke off, its repeat posts what is not there yet."""
    ts = await shown(slack, notifier)
    long = View("long", (Headline("long"), PROSE))
    slack.faults.add(Fault(Kind.SERVER_ERROR, "chat.postMessage", skip=1))
    with pytest.raises(DeliveryUnknown):
        await edit(slack, notifier, ts, long)
    assert len(messages(slack)) == 2
    assert await edit(slack, notifier, ts, long)
    parts = [message.content.metadata or {} for message in messages(slack)[1:]]
    assert [part["event_payload"]["part"] for part in parts] == list(range(2, len(parts) + 2))
    assert {message.thread_ts for message in messages(slack)[1:]} == {ts}


async def test_a_card_of_several_parts_that_broke_off_is_completed(slack: SlackServer, notifier: SlackNotifier) -> None:
    """It is found again by its tag, so that there is one."""
    long = View("long", (Headline("long"), PROSE))
    slack.faults.add(Fault(Kind.SERVER_ERROR, "chat.postMessage", skip=2))
    with pytest.raises(DeliveryUnknown):
        await shown(slack, notifier, long)
    ts = await shown(slack, notifier, long)
    assert [message.ts for message in messages(slack) if message.thread_ts is None] == [ts]
    count = len(messages(slack))
    assert await edit(slack, notifier, ts, long)
    assert len(messages(slack)) == count


async def test_a_card_in_a_thread_keeps_to_it(slack: SlackServer, notifier: SlackNotifier) -> None:
    """Its parts follow in the same thread: there are no threads within."""
    parent = slack.workspace.post(slack.workspace.place("ops"), slack.workspace.person("ann"), Content("look"))
    post = card(slack, View("v", (Headline("v"), LOG)), thread=parent.ts)
    ts = await notifier.post(post, tag="outbox-1")
    assert await notifier.edit(card(slack, DONE, 2, thread=parent.ts), message_id=ts, tag="outbox-2")
    assert {message.thread_ts for message in messages(slack)[1:]} == {parent.ts}


async def test_an_edit_needs_no_more_than_the_right_to_write(slack: SlackServer, client: AsyncWebClient) -> None:
    """`chat:write`, which the manifest asks for."""
    token = slack.workspace.tokens[slack.workspace.bot_token]
    slack.workspace.tokens[token.value] = type(token)(token.value, token.kind, frozenset({"chat:write"}))
    ts = (await client.chat_postMessage(channel=slack.workspace.place("ops").id, text="x"))["ts"]
    assert (await client.chat_update(channel=slack.workspace.place("ops").id, ts=ts, text="y"))["ok"]
