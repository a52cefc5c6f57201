"""A server that plays the API server, and the adapter's transport to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cluster import KubernetesHttp, Retries
from tests.support.clocks import WallClock
from tests.support.fake_api import FakeApi, connected


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi().running() as running:
        yield running


@pytest.fixture
async def http(api: FakeApi, tmp_path: Path) -> AsyncIterator[KubernetesHttp]:
    async with connected(api.url, tmp_path) as connection:
        yield KubernetesHttp(connection, WallClock(), lambda: 0.5, retries=Retries(first_wait_s=0.01))
