"""Waiting as long as Slack asks for: what it has refused for its rate is not called again before that time is over.

Its limits are for a method (posts: for a method and a channel), not for a message. One that is put off must not be
followed by another one that Slack would refuse as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.errors import DeliveryThrottled


class Turns:
    """The calls of one process, one at a time for each limit."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._closed_until: dict[str, float] = {}

    @asynccontextmanager
    async def turn(self, limit: str) -> AsyncIterator[None]:
        """Call within the block, when those before are done. Raises `DeliveryThrottled` while it is not the time."""
        loop = asyncio.get_running_loop()
        async with self._locks.setdefault(limit, asyncio.Lock()):
            wait = self._closed_until.get(limit, 0.0) - loop.time()
            if wait > 0:
                raise DeliveryThrottled("Slack asked me to wait.", retry_after_s=wait)
            try:
                yield
            except DeliveryThrottled as error:
                self._closed_until[limit] = loop.time() + error.retry_after_s
                raise
