"""Sending to a workspace over HTTP: what arrives, and what is known when things break."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import Actor
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.view import (
    Button,
    Buttons,
    Code,
    Context,
    Headline,
    Mark,
    Mention,
    Paragraph,
    View,
    line,
    mention_channel,
)
from bot.errors import DeliveryRefused, DeliveryThrottled, DeliveryUnknown
from bot.slack.outbound.client import make_client
from bot.slack.outbound.notifier import SlackNotifier
from bot.slack.outbound.planner import Message
from bot.slack.outbound.posting import Posting
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.records import Channel, User
from sandbox.slack.records import Message as Shown
from sandbox.slack.server import SlackServer

CARD = View(
    "api is degraded",
    (
        Headline("api is degraded", Mark.CRITICAL),
        Paragraph((line("because of ", "<!channel>"),)),
        Context((line("only you"),)),
        Buttons((Button("Refresh", "status api", replaces=True),)),
    ),
)
LONG = View("logs", (Code("\n".join(f"line {number}" for number in range(9_000)), "api.log"),))
MANY = View("many", (Paragraph((line("a line of prose that is not short " * 4),) * 250),))


def ops(slack: SlackServer) -> Channel:
    return slack.workspace.place("ops")


def ann(slack: SlackServer) -> User:
    return slack.workspace.person("ann")


def posts(slack: SlackServer) -> list[Shown]:
    return ops(slack).messages


def request(slack: SlackServer, *, reply_to: str = "", thread: str = "", user: str = "ann") -> Request:
    actor = Actor(slack.workspace.person(user).id, slack.workspace.team_id)
    place = Place(ops(slack).id, thread)
    return Request(key="k", actor=actor, surface=Surface.COMMAND, text="status", place=place, reply_to=reply_to)


def response_url(slack: SlackServer, source: Shown | None = None) -> str:
    hook = slack.workspace.issue_hook(ops(slack), ann(slack), source)
    return f"{slack.origin}/response/{hook.secret}"


async def test_post_arrives_as_blocks_with_its_tag(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A post is one message with blocks, a fallback text and metadata, and pings nobody."""
    ts = await notifier.post(Post(Place(ops(slack).id), CARD), tag="outbox-1")
    (message,) = posts(slack)
    assert message.ts == ts
    assert [block["type"] for block in message.content.blocks] == ["header", "rich_text", "context", "actions"]
    assert message.content.text == "api is degraded"
    assert message.content.metadata == {
        "event_type": "ragops_post",
        "event_payload": {"tag": "outbox-1", "part": 1, "parts": 1, "files": 0},
    }
    assert message.pings == ()
    assert slack.workspace.bot.id == message.user_id


async def test_post_goes_into_its_thread(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A place with a thread is answered there."""
    parent = await notifier.post(Post(Place(ops(slack).id), CARD), tag="a")
    await notifier.post(Post(Place(ops(slack).id, parent), CARD), tag="b")
    assert posts(slack)[1].thread_ts == parent


async def test_hostile_texts_ping_nobody(slack: SlackServer, notifier: SlackNotifier, hostile: tuple[str, ...]) -> None:
    """The strict workspace takes every text of the corpus with its blocks; nobody is pinged, nothing becomes a link."""
    for number, text in enumerate(hostile):
        view = View(text, (Headline(text), Paragraph((line(text),)), Code(text[:2_000]), Context((line(text[:500]),))))
        await notifier.post(Post(Place(ops(slack).id), view), tag=f"hostile-{number}")
    found = [message for message in posts(slack) if not message.files]
    assert len(found) >= len(hostile)
    assert all(message.pings == () and message.content.reading.links == () for message in found)
    assert all(message.content.blocks for message in found if message.content.text != "(nothing to show)")


async def test_people_are_mentioned_by_id_only(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A mention of a view pings that person, in prose and in small print."""
    who = Mention(ann(slack).id)
    view = View("v", (Paragraph((line("ask ", who),)), Context((line("asked by ", who, " just now"),))))
    await notifier.post(Post(Place(ops(slack).id), view), tag="t")
    assert posts(slack)[0].pings == (ann(slack).id,)


async def test_channels_are_mentioned_by_id_only(slack: SlackServer, notifier: SlackNotifier) -> None:
    """By a name that leads there, in prose and in small print; what is no id of a channel stays text."""
    place = ops(slack).id
    said = line("goes to ", mention_channel(place), mention_channel("<!channel>"))
    await notifier.post(Post(Place(place), View("v", (Paragraph((said,)), Context((said,))))), tag="t")
    [message] = posts(slack)
    prose, small = message.content.blocks[0], message.content.blocks[1]
    assert {"type": "channel", "channel_id": place} in prose["elements"][0]["elements"]
    assert {"type": "mrkdwn", "text": f"<#{place}>", "verbatim": True} in small["elements"]
    assert message.pings == ()


async def test_long_text_is_a_file_in_the_thread(slack: SlackServer, notifier: SlackNotifier) -> None:
    """The whole of a long text is uploaded under the post."""
    ts = await notifier.post(Post(Place(ops(slack).id), LONG), tag="t")
    message, upload = posts(slack)
    file = slack.workspace.files[upload.files[0]]
    assert (message.ts, upload.thread_ts) == (ts, ts)
    assert file.title == "api.log"
    assert file.body is not None
    assert file.body.decode().splitlines()[-1] == "line 8999"


async def test_parts_follow_in_the_thread(slack: SlackServer, notifier: SlackNotifier) -> None:
    """What does not fit into one message follows under it, in order."""
    ts = await notifier.post(Post(Place(ops(slack).id), MANY), tag="t")
    first, *rest = posts(slack)
    assert first.ts == ts
    assert len(rest) >= 2
    assert {message.thread_ts for message in rest} == {ts}


@pytest.mark.parametrize("skip", [0, 1, 2])
async def test_second_try_posts_only_what_is_missing(slack: SlackServer, notifier: SlackNotifier, skip: int) -> None:
    """Wherever a post of several parts broke off, the look-back finds it incomplete and the next try completes it."""
    place = Place(ops(slack).id)
    slack.faults.add(Fault(Kind.SERVER_ERROR, "chat.postMessage", skip=skip))
    with pytest.raises(DeliveryUnknown):
        await notifier.post(Post(place, MANY), tag="t")
    assert len(posts(slack)) == skip
    assert await notifier.find(place, tag="t") is None
    ts = await notifier.post(Post(place, MANY), tag="t")
    parts = [message.content.metadata or {} for message in posts(slack)]
    assert [part["event_payload"]["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert await notifier.find(place, tag="t") == ts


async def test_second_try_does_not_upload_twice(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A file whose sharing was confirmed to nobody is found by its name."""
    place = Place(ops(slack).id)
    slack.faults.add(Fault(Kind.RESET_AFTER, "files.completeUploadExternal"))
    with pytest.raises(DeliveryUnknown):
        await notifier.post(Post(place, LONG), tag="t")
    ts = await notifier.find(place, tag="t")
    assert ts == posts(slack)[0].ts
    assert await notifier.post(Post(place, LONG), tag="t") == ts
    assert len(posts(slack)) == 2


async def test_lost_answer_is_found_again(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A connection reset after the effect is unknown, sent once, and found by its tag."""
    place = Place(ops(slack).id)
    slack.faults.add(Fault(Kind.RESET_AFTER, "chat.postMessage"))
    with pytest.raises(DeliveryUnknown):
        await notifier.post(Post(place, CARD), tag="lost")
    assert len(posts(slack)) == 1
    assert await notifier.find(place, tag="lost") == posts(slack)[0].ts
    assert await notifier.find(place, tag="other") is None


async def test_lost_answer_in_a_thread_is_found_again(slack: SlackServer, notifier: SlackNotifier) -> None:
    """The look-back reads the thread that the post belongs to."""
    parent = await notifier.post(Post(Place(ops(slack).id), CARD), tag="parent")
    place = Place(ops(slack).id, parent)
    slack.faults.add(Fault(Kind.RESET_AFTER, "chat.postMessage"))
    with pytest.raises(DeliveryUnknown):
        await notifier.post(Post(place, CARD), tag="lost")
    assert await notifier.find(place, tag="lost") == posts(slack)[1].ts


async def test_somebody_elses_tag_is_not_ours(slack: SlackServer, notifier: SlackNotifier) -> None:
    """Metadata in a message of another account proves nothing."""
    await notifier.post(Post(Place(ops(slack).id), CARD), tag="t")
    posts(slack)[0].user_id = ann(slack).id
    assert await notifier.find(Place(ops(slack).id), tag="t") is None


async def test_look_back_without_the_scope_finds_nothing(slack: SlackServer, notifier: SlackNotifier) -> None:
    """Where history may not be read, posts are at least once."""
    await notifier.post(Post(Place(ops(slack).id), CARD), tag="t")
    forget(slack, "channels:history", "groups:history", "im:history")
    assert await notifier.find(Place(ops(slack).id), tag="t") is None


async def test_look_back_that_fails_says_nothing(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A look-back that could not look raises: not found would mean that it was not sent."""
    await notifier.post(Post(Place(ops(slack).id), CARD), tag="t")
    slack.faults.add(Fault(Kind.SERVER_ERROR, "conversations.history"))
    with pytest.raises(DeliveryUnknown):
        await notifier.find(Place(ops(slack).id), tag="t")


def forget(slack: SlackServer, *scopes: str) -> None:
    """Take scopes from the bot's token."""
    token = slack.workspace.tokens[slack.workspace.bot_token]
    slack.workspace.tokens[token.value] = type(token)(token.value, token.kind, token.scopes - set(scopes))


async def test_throttling_says_how_long_to_wait(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A 429 carries its wait, and nothing was posted."""
    slack.faults.add(Fault(Kind.RATELIMITED, "chat.postMessage", seconds=7))
    with pytest.raises(DeliveryThrottled) as error:
        await notifier.post(Post(Place(ops(slack).id), CARD), tag="t")
    assert error.value.retry_after_s == 7.0
    assert posts(slack) == []


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("not_in_channel", DeliveryRefused, "invite me to the channel"),
        ("channel_not_found", DeliveryRefused, "invite me"),
        ("is_archived", DeliveryRefused, "archived"),
        ("restricted_action", DeliveryRefused, "settings"),
        ("some_new_code", DeliveryRefused, "some_new_code"),
        ("token_revoked", DeliveryThrottled, "token"),
        ("invalid_auth", DeliveryThrottled, "token"),
        ("fatal_error", DeliveryUnknown, "fatal_error"),
        ("internal_error", DeliveryUnknown, "internal_error"),
    ],
)
async def test_errors_are_told_in_plain_words(
    slack: SlackServer, notifier: SlackNotifier, code: str, kind: type[Exception], words: str
) -> None:
    """Each code means never, later, or nobody knows."""
    slack.faults.add(Fault(Kind.ERROR, "chat.postMessage", error=code))
    with pytest.raises(kind, match=words):
        await notifier.post(Post(Place(ops(slack).id), CARD), tag="t")


async def test_missing_scope_is_named(slack: SlackServer, notifier: SlackNotifier) -> None:
    """The person who installs the app reads which scope is missing."""
    forget(slack, "chat:write")
    with pytest.raises(DeliveryRefused, match="chat:write"):
        await notifier.post(Post(Place(ops(slack).id), CARD), tag="t")


async def test_silence_is_unknown(slack: SlackServer) -> None:
    """No answer in time leaves doubt."""
    client = make_client(slack.workspace.bot_token, slack.base_url)
    client.timeout = 1
    slack.faults.add(Fault(Kind.REPLY_LOST, "chat.postMessage", seconds=3))
    with pytest.raises(DeliveryUnknown, match="in time"):
        await Posting(client).post(ops(slack).id, "", Message("hello", ()), {})
    assert len(posts(slack)) == 1


async def test_refused_file_is_said_in_the_thread(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A file that may not be uploaded leaves a note in its place, once."""
    forget(slack, "files:write")
    place = Place(ops(slack).id)
    ts = await notifier.post(Post(place, LONG), tag="t")
    _, note = posts(slack)
    assert note.thread_ts == ts
    assert "could not attach the file api.log" in note.content.text
    assert "files:write" in note.content.text
    assert await notifier.find(place, tag="t") == ts


async def test_blocks_that_are_refused_go_out_as_text(
    slack: SlackServer, notifier: SlackNotifier, caplog: pytest.LogCaptureFixture
) -> None:
    """When the platform does not take the blocks, the words go out as text, once, and it is logged."""
    slack.faults.add(Fault(Kind.ERROR, "chat.postMessage", error="invalid_blocks"))
    await notifier.post(Post(Place(ops(slack).id), CARD), tag="t")
    (message,) = posts(slack)
    assert message.content.blocks == ()
    assert "because of &lt;!channel&gt;" in message.content.text
    assert message.pings == ()
    assert [getattr(record, "event", "") for record in caplog.records] == ["blocks_refused"]


async def test_our_own_look_refuses_before_sending(slack: SlackServer, client: AsyncWebClient) -> None:
    """A message that our checker finds wrong never leaves with its blocks."""
    blocks: tuple[dict[str, Any], ...] = (
        {"type": "header", "block_id": "a", "text": {"type": "plain_text", "text": ""}},
    )
    await Posting(client).post(ops(slack).id, "", Message("fallback", blocks), {})
    assert [(message.content.text, message.content.blocks) for message in posts(slack)] == [("fallback", ())]


async def test_reply_by_the_private_address(slack: SlackServer, notifier: SlackNotifier) -> None:
    """An answer at the response address is seen by the asker alone."""
    await notifier.reply(request(slack, reply_to=response_url(slack)), CARD)
    (message,) = posts(slack)
    assert (message.only_for, message.by_response_url) == (ann(slack).id, True)


async def test_reply_replaces_the_pressed_message(slack: SlackServer, notifier: SlackNotifier) -> None:
    """`replace` edits the message whose button was pressed, with new block ids."""
    await notifier.reply(request(slack, reply_to=response_url(slack)), CARD)
    (source,) = posts(slack)
    await notifier.reply(request(slack, reply_to=response_url(slack, source)), CARD, replace=True)
    assert len(posts(slack)) == 1
    before, after = ({block["block_id"] for block in revision.content.blocks} for revision in posts(slack)[0].revisions)
    assert not before & after


async def test_reply_without_address_is_ephemeral(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A mention has no private address: the answer is shown to the person in the channel."""
    await notifier.reply(request(slack), CARD)
    (message,) = posts(slack)
    assert (message.only_for, message.by_response_url) == (ann(slack).id, False)


async def test_reply_in_a_thread_stays_there(slack: SlackServer, notifier: SlackNotifier) -> None:
    """A private answer to a mention in a thread is shown in that thread."""
    parent = await notifier.post(Post(Place(ops(slack).id), CARD), tag="a")
    await notifier.post(Post(Place(ops(slack).id, parent), CARD), tag="b")
    await notifier.reply(request(slack, thread=parent), CARD)
    assert (posts(slack)[-1].thread_ts, posts(slack)[-1].only_for) == (parent, ann(slack).id)


async def test_gone_address_falls_back(slack: SlackServer, notifier: SlackNotifier) -> None:
    """When the address is used up, the answer takes the other way."""
    url = response_url(slack)
    for _ in range(6):
        await notifier.reply(request(slack, reply_to=url), CARD)
    assert [message.by_response_url for message in posts(slack)] == [True] * 5 + [False]


WAYS_TO_FAIL = [
    (Kind.RATELIMITED, DeliveryThrottled),
    (Kind.RESET_AFTER, DeliveryUnknown),
    (Kind.SERVER_ERROR, DeliveryUnknown),
]


@pytest.mark.parametrize("kind", [kind for kind, _ in WAYS_TO_FAIL], ids=["429", "reset", "503"])
async def test_a_private_address_that_fails_is_made_up_for_in_the_channel(
    slack: SlackServer, notifier: SlackNotifier, kind: Kind
) -> None:
    """Seen twice by one person is better than not at all."""
    slack.faults.add(Fault(kind, "response_url", seconds=3))
    await notifier.reply(request(slack, reply_to=response_url(slack)), CARD)
    assert not posts(slack)[-1].by_response_url


@pytest.mark.parametrize(("kind", "error"), WAYS_TO_FAIL, ids=["429", "reset", "503"])
async def test_a_private_answer_that_fails_both_ways_is_said_to_fail(
    slack: SlackServer, notifier: SlackNotifier, kind: Kind, error: type[Exception]
) -> None:
    """The caller learns how."""
    slack.faults.add(Fault(kind, "response_url", seconds=3))
    slack.faults.add(Fault(kind, "chat.postEphemeral", seconds=3))
    with pytest.raises(error):
        await notifier.reply(request(slack, reply_to=response_url(slack)), CARD)


async def test_reply_whose_blocks_are_refused_is_text(slack: SlackServer, notifier: SlackNotifier) -> None:
    """The private way falls back to text too."""
    slack.faults.add(Fault(Kind.ERROR, "response_url", error="invalid_blocks"))
    await notifier.reply(request(slack, reply_to=response_url(slack)), CARD)
    assert posts(slack)[0].content.blocks == ()


async def test_reply_to_somebody_outside_the_channel_is_refused(slack: SlackServer, notifier: SlackNotifier) -> None:
    """The platform does not show an answer to who is not in the channel."""
    slack.faults.add(Fault(Kind.ERROR, "chat.postEphemeral", error="user_not_in_channel"))
    with pytest.raises(DeliveryRefused, match="not in that channel"):
        await notifier.reply(request(slack), CARD)


async def test_reply_with_no_way_is_refused(slack: SlackServer, notifier: SlackNotifier) -> None:
    """Without address and channel nobody can be answered."""
    actor = Actor(ann(slack).id, slack.workspace.team_id)
    lost = Request(key="k", actor=actor, surface=Surface.COMMAND, text="status")
    with pytest.raises(DeliveryRefused):
        await notifier.reply(lost, CARD)


async def test_reply_to_a_person_at_a_terminal_is_a_direct_message(slack: SlackServer, notifier: SlackNotifier) -> None:
    """There is no conversation that they asked in; what they are told stays, and nobody else sees it."""
    person = ann(slack)
    there = Request(
        key="terminal:1:ann@example.com",
        actor=Actor(person.id, slack.workspace.team_id),
        surface=Surface.TERMINAL,
        text="restart api",
        place=Place(person.id),
    )
    await notifier.reply(there, CARD)
    assert posts(slack) == []
    [told] = slack.workspace.direct_channel(person).messages
    assert "api is degraded" in told.content.text


async def test_wire_log_says_nothing_at_debug(
    slack: SlackServer, notifier: SlackNotifier, caplog: pytest.LogCaptureFixture
) -> None:
    """Messages and reply addresses never reach the log, whatever the level of the root."""
    caplog.set_level("DEBUG")
    url = response_url(slack)
    await notifier.post(Post(Place(ops(slack).id), CARD), tag="t")
    await notifier.reply(request(slack, reply_to=url), CARD)
    assert not [record for record in caplog.records if url in record.getMessage() or "degraded" in record.getMessage()]
