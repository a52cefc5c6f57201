"""Pictures in messages: uploaded and shown; and the message goes out whatever becomes of its picture."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.charts import Chart
from bot.domain.people import Actor
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.view import Button, Buttons, Headline, Mark, Picture, View
from bot.errors import DeliveryThrottled, DeliveryUnknown
from bot.pictures import PictureFailed
from bot.slack.outbound import limits
from bot.slack.outbound.checker import check
from bot.slack.outbound.notifier import SlackNotifier
from bot.slack.outbound.pictures import Pictures, spelled
from bot.slack.outbound.planner import plan_view, text_only
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.records import Message as Shown
from sandbox.slack.server import SlackServer
from sandbox.slack.show import render_text
from tests.support.charts import a_day, png
from tests.support.clocks import SteppedClock

OTHER = replace(a_day(), title="Another finding")


@dataclass(slots=True)
class Brush:
    """Draws a dot at once, and counts; or fails."""

    fails: bool = False
    drawn: list[Chart] = field(default_factory=list)

    async def __call__(self, chart: Chart) -> bytes:
        self.drawn.append(chart)
        if self.fails:
            raise PictureFailed("It was not drawn within 10 s.")
        return png(chart)


@pytest.fixture
def brush() -> Brush:
    return Brush()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def painting(client: AsyncWebClient, brush: Brush, clock: SteppedClock) -> SlackNotifier:
    numbers = count()
    return SlackNotifier(client, clock=clock, nonce=lambda: f"nonce-{next(numbers)}", draw=brush)


def digest(*charts: Chart) -> View:
    last = Buttons((Button("Status now", "status"),))
    return View("api is healthy", (Headline("api is healthy", Mark.OK), *map(Picture, charts), last))


def messages(slack: SlackServer) -> list[Shown]:
    return slack.workspace.place("ops").messages


def post(slack: SlackServer, view: View, **more: object) -> Post:
    return Post(Place(slack.workspace.place("ops").id), view, **more)  # type: ignore[arg-type]  # fields of a post


def kinds(message: Shown) -> list[str]:
    return [block["type"] for block in message.content.blocks]


def calls(slack: SlackServer, method: str) -> int:
    return slack._api.calls.get(method, 0)


def request(slack: SlackServer) -> Request:
    hook = slack.workspace.issue_hook(slack.workspace.place("ops"), slack.workspace.person("ann"))
    actor = Actor(slack.workspace.person("ann").id, slack.workspace.team_id)
    place = Place(slack.workspace.place("ops").id)
    address = f"{slack.origin}/response/{hook.secret}"
    return Request(key="k", actor=actor, surface=Surface.COMMAND, text="health", place=place, reply_to=address)


async def test_a_picture_is_shown_in_its_message(slack: SlackServer, painting: SlackNotifier) -> None:
    """Uploaded to no channel, with its words for those who do not see it; the buttons stay below it."""
    await painting.post(post(slack, digest(a_day())), tag="t")
    (message,) = messages(slack)
    assert kinds(message) == ["header", "image", "actions"]
    image = message.content.blocks[1]
    file = slack.workspace.files[image["slack_file"]["id"]]
    assert (file.body, file.shared_in) == (png(a_day()), None)
    assert image["alt_text"] == a_day().alt
    assert f"[picture: {a_day().alt}]" in render_text({"blocks": list(message.content.blocks)})


async def test_the_real_picture_is_shown(slack: SlackServer, notifier: SlackNotifier) -> None:
    """As the program of its own draws it."""
    await notifier.post(post(slack, digest(a_day())), tag="t")
    (message,) = messages(slack)
    body = slack.workspace.files[message.content.blocks[1]["slack_file"]["id"]].body
    assert body is not None
    assert len(body) > 20_000


async def test_a_file_that_is_not_ready_is_waited_for(
    slack: SlackServer, painting: SlackNotifier, clock: SteppedClock
) -> None:
    """The platform looks at an image for a moment before a message can show it."""
    slack.workspace.clock = lambda: clock.now().timestamp()
    slack.workspace.picture_delay_s = 1.2
    await painting.post(post(slack, digest(a_day())), tag="t")
    (message,) = messages(slack)
    assert "image" in kinds(message)
    assert clock.slept == [0.5, 1.0]


async def test_a_picture_that_is_never_ready_goes_into_the_thread(
    slack: SlackServer, painting: SlackNotifier, clock: SteppedClock
) -> None:
    """The message has it in characters, and its buttons; the wait is bounded."""
    slack.workspace.picture_delay_s = 3600
    ts = await painting.post(post(slack, digest(a_day())), tag="t")
    message, upload = messages(slack)
    assert (message.ts, kinds(message)) == (ts, ["header", "rich_text", "actions"])
    assert "█" in str(message.content.blocks)
    assert upload.thread_ts == ts
    assert slack.workspace.files[upload.files[0]].body == png(a_day())
    assert sum(clock.slept) < 5


async def test_what_cannot_be_drawn_is_spelled(slack: SlackServer, painting: SlackNotifier, brush: Brush) -> None:
    """The message is sent at once, and nothing is uploaded."""
    brush.fails = True
    await painting.post(post(slack, digest(a_day())), tag="t")
    (message,) = messages(slack)
    assert kinds(message) == ["header", "rich_text", "actions"]
    assert slack.workspace.files == {}


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.RESET_AFTER])
@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"])
async def test_an_upload_that_fails_does_not_hold_the_message_up(
    slack: SlackServer, painting: SlackNotifier, kind: Kind, method: str
) -> None:
    """Wherever it breaks: the picture is spelled."""
    slack.faults.add(Fault(kind, method))
    await painting.post(post(slack, digest(a_day())), tag="t")
    (message,) = messages(slack)
    assert kinds(message) == ["header", "rich_text", "actions"]


async def test_without_the_right_to_upload_the_message_goes_out(slack: SlackServer, client: AsyncWebClient) -> None:
    """An app without files:write still sends its digest."""
    token = slack.workspace.tokens[slack.workspace.bot_token]
    slack.workspace.tokens[token.value] = replace(token, scopes=token.scopes - {"files:write"})
    notifier = SlackNotifier(client, clock=SteppedClock(), nonce=str, draw=Brush())
    await notifier.post(post(slack, digest(a_day())), tag="t")
    assert kinds(messages(slack)[0]) == ["header", "rich_text", "actions"]


async def test_an_upload_that_is_to_wait_is_waited_for(slack: SlackServer, painting: SlackNotifier) -> None:
    """Retry-After holds for uploads as well: the outbox waits, and nothing was posted meanwhile."""
    slack.faults.add(Fault(Kind.RATELIMITED, "files.getUploadURLExternal", seconds=7))
    with pytest.raises(DeliveryThrottled) as caught:
        await painting.post(post(slack, digest(a_day())), tag="t")
    assert caught.value.retry_after_s == 7
    assert messages(slack) == []
    await painting.post(post(slack, digest(a_day())), tag="t")
    assert "image" in kinds(messages(slack)[0])


async def test_a_message_that_is_tried_again_does_not_upload_again(
    slack: SlackServer, painting: SlackNotifier, brush: Brush
) -> None:
    """Nor does the same digest in another channel; another chart is another picture."""
    slack.faults.add(Fault(Kind.SERVER_ERROR, "chat.postMessage", times=3))
    for _ in range(3):
        with pytest.raises(DeliveryUnknown):
            await painting.post(post(slack, digest(a_day())), tag="t")
    await painting.post(post(slack, digest(a_day())), tag="t")
    await painting.post(replace(post(slack, digest(a_day())), place=_general(slack)), tag="u")
    assert (calls(slack, "upload"), len(brush.drawn)) == (1, 1)
    await painting.post(post(slack, digest(OTHER)), tag="v")
    assert calls(slack, "upload") == 2


def _general(slack: SlackServer) -> Place:
    return Place(slack.workspace.place("general").id)


async def test_an_edit_shows_the_new_picture(slack: SlackServer, painting: SlackNotifier, brush: Brush) -> None:
    """And one that is the same is not uploaded again."""
    ts = await painting.post(post(slack, digest(a_day()), subject="s", version=1), tag="t")
    for version, chart in ((2, a_day()), (3, OTHER)):
        assert await painting.edit(post(slack, digest(chart), subject="s", version=version), message_id=ts, tag="t")
    (message,) = messages(slack)
    first, second, third = (revision.content.blocks[1]["slack_file"]["id"] for revision in message.revisions)
    assert first == second != third
    assert len(brush.drawn) == 2


async def test_an_edit_without_its_picture_is_an_edit(slack: SlackServer, painting: SlackNotifier) -> None:
    """What the platform does not show in the message goes below it."""
    ts = await painting.post(post(slack, digest(a_day()), subject="s", version=1), tag="t")
    slack.workspace.picture_delay_s = 3600
    assert await painting.edit(post(slack, digest(OTHER), subject="s", version=2), message_id=ts, tag="t")
    message, upload = messages(slack)
    assert kinds(message) == ["header", "rich_text", "actions"]
    assert upload.thread_ts == ts


async def test_blocks_that_are_refused_for_another_reason_go_out_as_text(
    slack: SlackServer, painting: SlackNotifier
) -> None:
    """First without the picture, then without blocks; the words are there."""
    slack.faults.add(Fault(Kind.ERROR, "chat.postMessage", times=5, error="invalid_blocks"))
    await painting.post(post(slack, digest(a_day())), tag="t")
    message = messages(slack)[0]
    assert message.content.blocks == ()
    assert "█" in message.content.text
    assert "api is healthy" in message.content.text


async def test_private_answers_spell_pictures(slack: SlackServer, painting: SlackNotifier) -> None:
    """A file that nobody shared is not certain to be seen there, so none is made."""
    await painting.reply(request(slack), digest(a_day()))
    (message,) = messages(slack)
    assert kinds(message) == ["header", "rich_text", "actions"]
    assert slack.workspace.files == {}


async def test_drawing_has_an_end(client: AsyncWebClient) -> None:
    """A picture that takes too long is spelled."""

    async def for_ever(_chart: Chart) -> bytes:
        await asyncio.sleep(60)
        return b""

    async def send(message: object) -> object:
        return message

    (message,) = plan_view(digest(a_day()), nonce="n", files_allowed=True).messages
    sent, unshown = await Pictures(client, for_ever, limit_s=0.05).show(message, send)  # type: ignore[arg-type]  # any
    assert sent == spelled(message)
    assert list(unshown) == []


def test_a_message_has_room_for_its_pictures_in_characters() -> None:
    """Whichever way it goes out, both checks pass; pictures beyond two are spelled at once."""
    view = digest(*(replace(a_day(), title=f"Finding {number}") for number in range(4)))
    plan = plan_view(view, nonce="n", files_allowed=True)
    shown = [block["type"] for message in plan.messages for block in message.blocks]
    assert shown.count("image") == limits.PICTURES
    for message in plan.messages:
        assert check(message) == check(spelled(message)) == []
        assert spelled(message).charts == text_only(message).charts == ()


def test_without_blocks_a_picture_is_its_words() -> None:
    """For notifications, screen readers, and where blocks are refused."""
    (message,) = plan_view(digest(a_day()), nonce="n", files_allowed=True).messages
    assert a_day().alt in text_only(message).text
