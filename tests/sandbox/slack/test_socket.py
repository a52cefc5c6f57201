"""Socket Mode by hand: one-time addresses, ten connections, acks, redelivery, and every way to be sent away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace

Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def address(client: AsyncWebClient, world: Workspace) -> str:
    return str((await client.apps_connections_open(app_token=world.app_token))["url"])


async def connected(session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace) -> Socket:
    socket = await session.ws_connect(await address(client, world))
    assert (await socket.receive_json(timeout=60))["type"] == "hello"
    return socket


async def ack(socket: Socket) -> dict[str, Any]:
    envelope: dict[str, Any] = await socket.receive_json(timeout=60)
    await socket.send_json({"envelope_id": envelope["envelope_id"]})
    return envelope


async def test_an_address_is_good_for_one_connection(
    session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace
) -> None:
    """Whoever comes second is turned away."""
    url = await address(client, world)
    async with session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(url)


async def test_the_eleventh_connection_is_one_too_many(
    session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """hello counts the connections; the eleventh is told too_many_websockets."""
    await control.set_rates(enabled=False)
    async with AsyncExitStack() as stack:
        for number in range(1, 11):
            socket = await stack.enter_async_context(session.ws_connect(await address(client, world)))
            assert (await socket.receive_json())["num_connections"] == number
        async with session.ws_connect(await address(client, world)) as socket:
            refusal = await socket.receive_json()
    assert (refusal["type"], refusal["reason"]) == ("disconnect", "too_many_websockets")


async def test_an_unacked_event_comes_again_in_another_envelope(
    session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """Same event_id, next retry_attempt, and silence after the ack."""
    socket = await connected(session, client, world)
    said = await control.say("@rag hello")
    assert said.acked is False
    first, second = await socket.receive_json(timeout=60), await ack(socket)
    assert (first["retry_attempt"], second["retry_attempt"], second["retry_reason"]) == (0, 1, "timeout")
    assert first["payload"]["event_id"] == second["payload"]["event_id"]
    assert first["envelope_id"] != second["envelope_id"]
    with pytest.raises(TimeoutError):
        await socket.receive_json(timeout=0.5)


async def test_an_event_that_nobody_takes_is_lost_after_three_retries(control: SlackControl) -> None:
    """The workspace counts what it gave up."""
    await control.say("@rag hello")
    async with asyncio.timeout(60):
        while (await control.state())["lost_events"] == 0:  # noqa: ASYNC110  # state is behind HTTP, there is no event
            await asyncio.sleep(0.05)
    assert (await control.state())["unacked"] == 4


async def test_a_command_without_ack_is_not_sent_again(
    session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """The person sees the timeout and decides."""
    socket = await connected(session, client, world)
    assert not (await control.say("/rag status")).ok
    assert (await socket.receive_json(timeout=60))["type"] == "slash_commands"
    with pytest.raises(TimeoutError):
        await socket.receive_json(timeout=0.2)


async def test_an_ack_on_another_connection_does_not_count(
    session: aiohttp.ClientSession,
    client: AsyncWebClient,
    world: Workspace,
    server: SlackServer,
    control: SlackControl,
) -> None:
    """The harsher reading, unless the workspace is told otherwise."""
    one, two = await connected(session, client, world), await connected(session, client, world)

    async def answer_crosswise(here: Socket, there: Socket) -> None:
        envelope = await here.receive_json(timeout=60)
        await there.send_json({"envelope_id": envelope["envelope_id"]})

    async def say() -> bool:
        tasks = [asyncio.create_task(answer_crosswise(one, two)), asyncio.create_task(answer_crosswise(two, one))]
        said = await control.say("/rag status")
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return said.ok

    assert await say() is False
    server.hub.foreign_acks_count = True
    assert await say() is True


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_a_connection_is_sent_away_with_a_reason(
    reason: str, session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """A warning leaves the connection in use; the others end it; link_disabled lets nobody back in."""
    socket = await connected(session, client, world)
    leaving = asyncio.create_task(control.disconnect(reason))
    assert (await socket.receive_json(timeout=60))["reason"] == reason
    if reason == "warning":
        await leaving
        assert (await control.state())["connections"] == 1
        return
    await socket.close()
    await leaving
    assert (await control.state())["connections"] == 0
    again = await session.ws_connect(await address(client, world))
    expected = "disconnect" if reason == "link_disabled" else "hello"
    assert (await again.receive_json(timeout=60))["type"] == expected


async def test_a_dropped_connection_ends_without_a_word(
    session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """The network does not say good-bye."""
    socket = await connected(session, client, world)
    dropping = asyncio.create_task(control.disconnect("drop"))
    assert (await socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
    await dropping


async def test_a_duplicate_comes_in_two_envelopes(
    session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """Dedupe is by Slack's ids, not by envelope."""
    socket = await connected(session, client, world)
    await control.set_fault("duplicate", method="slash_commands")
    saying = asyncio.create_task(control.say("/rag status"))
    first, second = await ack(socket), await ack(socket)
    assert (await saying).ok
    assert first["payload"]["trigger_id"] == second["payload"]["trigger_id"]
    assert first["envelope_id"] != second["envelope_id"]


async def test_a_late_delivery_is_overtaken(
    session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """Order is not promised."""
    socket = await connected(session, client, world)
    await control.set_fault("reorder", method="slash_commands", seconds=0.15)
    both = asyncio.gather(control.say("/rag first"), control.say("/rag second", user="bob"))
    arrived = [(await ack(socket))["payload"]["text"] for _ in range(2)]
    await both
    assert len(set(arrived)) == 2


async def test_an_event_may_be_delivered_again_on_demand(
    session: aiohttp.ClientSession, client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """A script can replay what was sent."""
    socket = await connected(session, client, world)
    saying = asyncio.create_task(control.say("@rag hello"))
    first = await ack(socket)
    again = asyncio.create_task(control.redeliver((await saying).event, attempt=2))
    second = await ack(socket)
    assert (await again).acked
    assert (second["retry_attempt"], second["payload"]) == (2, first["payload"])
