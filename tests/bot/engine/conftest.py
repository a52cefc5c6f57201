"""What the tests of the engine's work share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.store import PostgresStore
from tests.support.carrying import Bench, bench_on


@pytest.fixture
async def bench(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Bench]:
    """An executor's whole surroundings."""
    async with bench_on(store, tmp_path) as ready:
        yield ready
