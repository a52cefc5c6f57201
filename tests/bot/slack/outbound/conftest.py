"""A workspace to send to, and the texts that try to be more than text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.outbound.client import make_client
from bot.slack.outbound.notifier import SlackNotifier
from sandbox.slack.rates import RateLimits
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace

CORPUS = Path(__file__).with_name("hostile.json")  # pairs: a text, and how often it is repeated


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture(scope="session")
def hostile() -> tuple[str, ...]:
    return tuple(text * times for text, times in json.loads(CORPUS.read_text()))


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(demo_workspace(), rates=RateLimits(enabled=False)) as server:
        yield server


@pytest.fixture
def client(slack: SlackServer) -> AsyncWebClient:
    return make_client(slack.workspace.bot_token, slack.base_url)


@pytest.fixture
def notifier(client: AsyncWebClient) -> SlackNotifier:
    numbers = count()
    return SlackNotifier(client, clock=SystemClock(), nonce=lambda: f"nonce-{next(numbers)}")
