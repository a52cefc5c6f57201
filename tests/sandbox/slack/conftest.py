"""A running workspace, a person's hand in it, and a client of the real SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import SlackControl
from sandbox.slack.delivery import Timing
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace, demo_workspace


@dataclass
class HandClock:
    """Time that moves only when a test moves it."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def world(clock: HandClock) -> Workspace:
    return demo_workspace(clock)


@pytest.fixture
async def server(world: Workspace) -> AsyncIterator[SlackServer]:
    timing = Timing(ack_s=1.5, retry_s=(0.0, 0.1, 0.2), warning_s=0.2)
    async with SlackServer(world, timing=timing) as running:
        yield running


@pytest.fixture
async def control(server: SlackServer) -> AsyncIterator[SlackControl]:
    async with SlackControl(server.control_url) as hand:
        yield hand


@pytest.fixture
def client(server: SlackServer, world: Workspace) -> AsyncWebClient:
    return AsyncWebClient(token=world.bot_token, base_url=server.base_url, retry_handlers=[], timeout=2)
