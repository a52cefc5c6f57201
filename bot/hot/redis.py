"""Counts in Redis, shared by the replicas; the in-process twin while Redis is away."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from bot.hot.memory import MemoryRateLimiter, window_number
from bot.ports import Clock

_LOG = logging.getLogger(__name__)

SOCKET_TIMEOUT_S = 0.2
ANSWER_TIMEOUT_S = 0.5
"""The longest that one use waits, connecting and signing in included."""
LOOK_AGAIN_S = 5.0
"""How long Redis is left alone after a failure, so that an outage does not slow every command."""


class RedisRateLimiter:
    """Counts uses in Redis in fixed windows; `allow` never raises and answers in at most half a second."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._clock = clock
        self._twin = MemoryRateLimiter(clock)
        self._away_until: datetime | None = None
        self._redis = Redis.from_url(
            url,
            encoding_errors="surrogatepass",
            protocol=2,  # plain counting needs nothing newer, and proxies know it
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            # One more try at once: a connection that lay idle may have been closed by the other side.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )

    async def allow(self, key: str, *, limit: int, window_s: int) -> bool:
        """Count one use of `key` in the present window; False when it is over `limit`."""
        # The twin counts along, so that an outage does not give everybody a fresh window.
        here = await self._twin.allow(key, limit=limit, window_s=window_s)
        if self._away_until is not None and self._clock.now() < self._away_until:
            return here
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                used = await self._count(key, window_s)
        except (RedisError, OSError, TimeoutError) as error:
            self._note_outage(error)
            return here
        self._note_recovery()
        return used <= limit

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _count(self, key: str, window_s: int) -> int:
        # The window's number is part of the name: a count never lives on into the next window, even when the expiry
        # is late. Both commands in one transaction: a count without an expiry would stay forever.
        name = f"ragops:uses:{window_s}:{window_number(self._clock, window_s)}:{key}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.incr(name)
            pipeline.expire(name, window_s * 2)
            used, _ = await pipeline.execute()
        return int(used)

    def _note_outage(self, error: Exception) -> None:
        if self._away_until is None:
            _LOG.warning(
                "Redis is away; this process counts alone until it is back",
                extra={"event": "hot_state_degraded", "reason": type(error).__name__},
            )
        self._away_until = self._clock.now() + timedelta(seconds=LOOK_AGAIN_S)

    def _note_recovery(self) -> None:
        if self._away_until is not None:
            _LOG.info("Redis is back; counts are shared again", extra={"event": "hot_state_recovered"})
        self._away_until = None
