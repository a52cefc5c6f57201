"""Hot state: counts that the replicas share through Redis, or that one process keeps for itself.

Knows the port `RateLimiter`, the injected clock and Redis. Losing what is kept here costs speed, never correctness:
nothing here is the only copy of anything, and a Redis that is away never makes a request fail. The only room that may
import redis; it must not import other adapters, the service, or handlers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.hot.memory import MemoryRateLimiter
from bot.hot.redis import RedisRateLimiter
from bot.ports import Clock, RateLimiter

__all__ = ["MemoryRateLimiter", "RedisRateLimiter", "open_rate_limiter"]


@asynccontextmanager
async def open_rate_limiter(redis_url: str | None, clock: Clock) -> AsyncIterator[RateLimiter]:
    """Open counts that the replicas share; without an address, counts of this process alone.

    Does not wait for Redis: one that is away is found out, and said, at the first use.
    """
    if redis_url is None:
        yield MemoryRateLimiter(clock)
        return
    limiter = RedisRateLimiter(redis_url, clock)
    try:
        yield limiter
    finally:
        await limiter.close()
