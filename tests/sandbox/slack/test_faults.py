"""What goes wrong on demand: before the effect, after it, or instead of it."""

from __future__ import annotations

import time

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import ControlError, SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace


async def posted(control: SlackControl) -> int:
    return len(await control.read())


@pytest.mark.parametrize(
    ("kind", "effect"),
    [("reset_before", 0), ("reset_after", 1), ("hang", 0), ("reply_lost", 1)],
)
async def test_a_cut_connection_leaves_the_effect_or_not(
    kind: str, effect: int, client: AsyncWebClient, control: SlackControl
) -> None:
    """The caller cannot tell the two apart; the workspace can."""
    await control.set_fault(kind, method="chat.postMessage", seconds=0.1)
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await client.chat_postMessage(channel="ops", text="x")
    assert await posted(control) == effect
    assert (await client.chat_postMessage(channel="ops", text="x"))["ok"]


async def test_the_default_client_posts_twice_after_a_lost_reply(
    server: SlackServer, world: Workspace, control: SlackControl
) -> None:
    """The SDK's default retry is a trap that this workspace shows."""
    naive = AsyncWebClient(token=world.bot_token, base_url=server.base_url)
    await control.set_fault("reset_after", method="chat.postMessage")
    await naive.chat_postMessage(channel="ops", text="x")
    assert await posted(control) == 2


async def test_server_errors_and_slack_errors_have_no_effect(client: AsyncWebClient, control: SlackControl) -> None:
    """A 503 and an internal_error, then all is well; wildcards and skips aim the fault."""
    await control.set_fault("server_error", method="chat.*", status=503)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="ops", text="x")
    assert caught.value.response.status_code == 503
    await control.set_fault("error", method="usergroups.list", error="internal_error", skip=1, times=None)
    assert (await client.usergroups_list())["ok"]
    for _ in range(2):
        with pytest.raises(SlackApiError, match="internal_error"):
            await client.usergroups_list()
    await control.clear_faults()
    assert (await client.usergroups_list())["ok"]
    assert await posted(control) == 0


async def test_a_429_says_when_to_come_back(client: AsyncWebClient, control: SlackControl) -> None:
    """Retry-After is in the header."""
    await control.set_fault("ratelimited", method="views.publish", seconds=7)
    with pytest.raises(SlackApiError) as caught:
        await client.views_publish(user_id="U0000ANN0", view={"type": "home", "blocks": []})
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize("kind", ["latency", "slow_drip"])
async def test_a_slow_answer_is_still_an_answer(kind: str, client: AsyncWebClient, control: SlackControl) -> None:
    """It takes its time, and the effect is there once."""
    await control.set_fault(kind, method="chat.postMessage", seconds=0.2)
    began = time.monotonic()
    assert (await client.chat_postMessage(channel="ops", text="x"))["ok"]
    assert time.monotonic() - began >= 0.15
    assert await posted(control) == 1


async def test_an_unknown_fault_is_refused(control: SlackControl) -> None:
    """A script with a typing error is told what there is."""
    with pytest.raises(ControlError, match="reset_after"):
        await control.set_fault("rest_after")
