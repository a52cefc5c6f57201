"""Deliveries that come again although they were taken, faults for a share of the calls, and a chosen connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.delivery import Courier, Delivery, Retry, Timing
from sandbox.slack.faults import Fault, Faults, Kind
from sandbox.slack.records import Json
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace


@dataclass(slots=True)
class Shelf:
    """A transport whose app takes everything; it keeps what came."""

    came: list[tuple[str, Json, Retry]] = field(default_factory=list)

    async def send(self, kind: str, payload: Json, retry: Retry) -> Delivery:
        self.came.append((kind, payload, retry))
        return Delivery(acked=True)


def test_a_fault_hits_its_share_of_the_calls() -> None:
    """By chance, the same for the same seed; what one rule misses the next may hit."""
    rare, rest = Fault(Kind.DUPLICATE, times=None, share=0.1), Fault(Kind.DUPLICATE, times=None)
    faults = Faults([rare, rest])

    hit = [faults.take("slash_commands", Kind.DUPLICATE) for _ in range(1000)]

    assert 70 < sum(fault is rare for fault in hit) < 130
    assert all(fault is rare or fault is rest for fault in hit)
    again = Faults([rare, rest])
    assert [again.take("slash_commands", Kind.DUPLICATE) for _ in range(1000)] == hit


@pytest.mark.parametrize(
    ("kind", "retry"), [("slash_commands", Retry()), ("events_api", Retry(1, "timeout"))], ids=["command", "event"]
)
async def test_an_echo_comes_after_the_ack(world: Workspace, kind: str, retry: Retry) -> None:
    """It is the same payload; an event says that it comes again, a command does not."""
    shelf = Shelf()
    courier = Courier(world, Faults([Fault(Kind.ECHO, seconds=0.01)]), Timing(), shelf)

    assert (await courier.deliver(kind, {"trigger_id": "1.2.3"})).acked
    assert shelf.came == [(kind, {"trigger_id": "1.2.3"}, Retry())]
    assert courier.on_the_way
    async with asyncio.timeout(60):
        while courier.on_the_way:  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0.01)

    assert shelf.came == [(kind, {"trigger_id": "1.2.3"}, Retry()), (kind, {"trigger_id": "1.2.3"}, retry)]
    assert courier.repeats == 1


async def test_an_envelope_goes_over_the_connection_that_was_chosen(
    server: SlackServer, client: AsyncWebClient, world: Workspace
) -> None:
    """Tests that need to know which replica hears something choose it."""
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(2):
            url = str((await client.apps_connections_open(app_token=world.app_token))["url"])
            sockets.append(await session.ws_connect(url))
            assert (await sockets[-1].receive_json(timeout=60))["type"] == "hello"

        for number in (1, 0, 1):
            sending = asyncio.create_task(
                server.hub.send_over(server.hub.connections[number], "interactive", {"number": number}, Retry())
            )
            envelope = await sockets[number].receive_json(timeout=60)
            await sockets[number].send_json({"envelope_id": envelope["envelope_id"]})
            assert envelope["payload"] == {"number": number}
            assert (await sending).acked
