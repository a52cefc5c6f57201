"""The bot with the sandbox around it, for tests that speak as people do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.sandboxed import Stage, sandboxed


@pytest.fixture
async def stage(tmp_path: Path, store_url: str) -> AsyncIterator[Stage]:
    """The bot in front of the bad release."""
    async with sandboxed(tmp_path, store_url) as running:
        yield running
