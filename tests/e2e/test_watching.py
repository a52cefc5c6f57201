"""The whole bot watches: its own alerts and Alertmanager's, what people say to them, the digest with its picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.main.ingredients import AlertsDoor
from bot.settings import Listen, Secret
from sandbox.slack.control import Shown
from sandbox.slack.world import demo_workspace
from tests.support.addresses import own_host, own_port
from tests.support.sandboxed import Stage, Staging, sandboxed
from tests.support.waiting import until
from tests.support.webhooks import alert, body

TOKEN = "alertmanager-token-planted-0001"
CHANNELS = {name: channel.id for name, channel in demo_workspace().channels.items()}
TOML = f"""
[watch]
every_s = 5
[alerts]
warning = "{CHANNELS["incidents"]}"
clear_s = 0
[digests.morning]
cron = "0 9 * * *"
time_zone = "Europe/Berlin"
channels = ["{CHANNELS["general"]}"]
namespaces = ["rag-engine"]
"""


@pytest.fixture
def door() -> AlertsDoor:
    return AlertsDoor(Listen(own_host(), own_port()), Secret(TOKEN))


@pytest.fixture
async def stage(tmp_path: Path, store_url: str, door: AlertsDoor) -> AsyncIterator[Stage]:
    """The bot in front of the bad release, watching it."""
    async with sandboxed(tmp_path, store_url, Staging(settings=TOML, alerts=door)) as running:
        yield running


async def told(stage: Stage, *words: str, channel: str = "incidents") -> Shown:
    """Wait until exactly one message for everybody holds all of these words, and return it."""

    async def fitting() -> list[Shown]:
        shown = await stage.public(channel=channel)
        return [message for message in shown if all(word in message.text for word in words)]

    [message] = await until(fitting, bool)
    return message


async def knock(door: AlertsDoor, content: bytes, *, token: str = TOKEN) -> int:
    """Send a webhook, and return the status of its answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{door.listen}/alertmanager", data=content, headers=headers) as response,
    ):
        return response.status


async def test_what_is_broken_is_told_acknowledged_and_silenced(stage: Stage) -> None:
    """One message for each cause, which says who looks at it; a silence is listed with who wanted it until when."""
    first = await told(stage, "api", "DATABASE_URL")
    await told(stage, "worker", "out of memory")
    assert first.buttons[-2:] == ["Acknowledge", "Silence 1 h"]

    pressed = await stage.control.press("Acknowledge", user="ann", channel="incidents", message=first.ts)
    assert pressed.ok, pressed.seen

    async def again() -> Shown:
        return next(each for each in await stage.public(channel="incidents") if each.ts == first.ts)

    seen = await until(again, lambda message: "@ann" in message.text)
    assert "Acknowledge" not in seen.buttons
    await stage.answer('/rag silence worker --for 2h "the vendor is on it"')
    listed = await stage.answer("/rag alerts")
    assert "2 alerts open" in listed.text
    assert "the vendor is on it" in listed.text
    assert len(await stage.public(channel="incidents")) == 2


async def test_alertmanager_is_let_in_with_its_token_alone_and_joins_the_messages(
    stage: Stage, door: AlertsDoor
) -> None:
    """Its alert is a message like ours, edited when it is over; what is sent twice is one message."""
    assert await knock(door, body(alert()), token="another-token-0002") == 401
    for _ in range(2):
        assert await knock(door, body(alert())) == 200
    message = await told(stage, "HighErrorRate", "5 % of requests fail")

    assert await knock(door, body(alert(status="resolved"))) == 200

    async def again() -> Shown:
        return next(each for each in await stage.public(channel="incidents") if each.ts == message.ts)

    over = await until(again, lambda shown: "Over" in shown.text)
    assert over.buttons == []


async def test_the_digest_is_sent_with_its_picture_and_says_when_it_comes_next(stage: Stage) -> None:
    """Asked for now: the verdict, what needs a person, the picture that was uploaded, the details in the thread."""
    await told(stage, "api", "DATABASE_URL")
    assert "morning" in (await stage.answer("/rag schedule")).text
    preview = await stage.answer("/rag digest preview")
    assert "needs you: 2 things" in preview.text
    assert preview.ephemeral

    await stage.answer("/rag digest now")
    digest = await told(stage, "needs you: 2 things", channel="general")
    [picture] = [block for block in digest.raw["blocks"] if block["type"] == "image"]
    assert (await stage.control.file(picture["slack_file"]["id"])).startswith(b"\x89PNG")
    assert "ready pods" in picture["alt_text"].lower()
    details = await told(stage, "Looked at", channel="general")
    assert details.thread_ts == digest.ts


async def test_a_paused_schedule_says_by_whom(stage: Stage) -> None:
    """And goes on when it is resumed."""
    await stage.answer("/rag schedule pause morning --for 2d we move house")
    listed = await stage.answer("/rag schedule")
    assert "we move house" in listed.text
    assert "Resume morning" in listed.buttons
    await stage.answer("/rag schedule resume morning")
    assert "we move house" not in (await stage.answer("/rag schedule")).text


async def test_health_and_deps_answer_where_nothing_was_configured(stage: Stage) -> None:
    """What can be looked at is; what would have to be written is shown."""
    assert "2 things need you" in (await stage.answer("/rag health")).text
    assert "[dependencies." in (await stage.answer("/rag deps")).text
