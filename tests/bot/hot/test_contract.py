"""What every rate limiter promises: the in-process twin and a real Redis alike."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol

import pytest

from bot.hot import RedisRateLimiter, open_rate_limiter
from bot.ports import Clock, RateLimiter


class MovableClock(Clock, Protocol):
    def advance(self, seconds: float) -> None: ...


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[RateLimiter]:
    url = None
    if request.param == "redis":
        url = os.environ.get("RAGOPS_TEST_REDIS_URL")
        if not url:
            pytest.skip("RAGOPS_TEST_REDIS_URL names no Redis server to test with")
    async with open_rate_limiter(url, clock) as opened:
        yield opened
        if isinstance(opened, RedisRateLimiter):
            assert opened._away_until is None, "the server was away, so the twin was tested instead"


@pytest.fixture
def key() -> str:
    """Return a key that no other run has counted."""
    return f"test:{uuid.uuid4()}"


async def uses(limiter: RateLimiter, key: str, times: int, *, limit: int = 3, window_s: int = 60) -> list[bool]:
    return [await limiter.allow(key, limit=limit, window_s=window_s) for _ in range(times)]


async def test_uses_up_to_the_limit_are_allowed(limiter: RateLimiter, key: str) -> None:
    """The limit itself is allowed, the next use is not."""
    assert await uses(limiter, key, 5) == [True, True, True, False, False]


async def test_a_limit_of_nothing_allows_nothing(limiter: RateLimiter, key: str) -> None:
    """Zero means never."""
    assert await uses(limiter, key, 1, limit=0) == [False]


async def test_keys_are_counted_apart(limiter: RateLimiter, key: str) -> None:
    """One person's haste does not slow another."""
    await uses(limiter, key, 4)

    assert await uses(limiter, f"{key}:other", 1) == [True]


async def test_windows_of_another_length_are_counted_apart(limiter: RateLimiter, key: str) -> None:
    """The same key may have a limit a minute and another an hour."""
    await uses(limiter, key, 4)

    assert await uses(limiter, key, 1, window_s=3600) == [True]


async def test_a_new_window_begins_at_nothing(limiter: RateLimiter, key: str, clock: MovableClock) -> None:
    """What was used counts until the window ends, and no longer."""
    await uses(limiter, key, 4)
    clock.advance(59)
    late = await uses(limiter, key, 1)
    clock.advance(1)

    assert late == [False]
    assert await uses(limiter, key, 4) == [True, True, True, False]


async def test_a_clock_that_was_set_back_does_not_lock_out(limiter: RateLimiter, key: str, clock: MovableClock) -> None:
    """A step of the clock costs at most one window."""
    clock.advance(timedelta(hours=3).total_seconds())
    await uses(limiter, key, 4)
    clock.advance(-timedelta(hours=3).total_seconds())

    assert await uses(limiter, key, 1) == [True]


async def test_uses_at_the_same_time_are_each_counted(limiter: RateLimiter, key: str) -> None:
    """Of twenty uses at once exactly the limit is allowed."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(limiter.allow(key, limit=7, window_s=60)) for _ in range(20)]

    assert sum(task.result() for task in tasks) == 7


async def test_any_text_is_a_key(limiter: RateLimiter, key: str) -> None:
    """Spaces, line ends and letters of any script count as what they are."""
    odd = f"{key} \r\nä:*{{}}\x00\ud800"

    assert await uses(limiter, odd, 2, limit=1) == [True, False]
    assert await uses(limiter, key, 1, limit=1) == [True]
