"""A step is done again and again, whatever goes wrong in it, until there is an end of it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bot.backoff import backoff
from bot.cancellation import was_cancelled
from bot.errors import StoreUnavailable
from bot.ports import Clock
from bot.references import References

log = logging.getLogger(__name__)

POLL_S = 1.0
AT_ONCE = 4
TELL_EVERY = timedelta(minutes=1)  # that the database is away: a step in between which asked for nothing ends no outage


class Loop:
    """Runs a step again and again: at once while there is work, when woken, and at intervals.

    `at_once` of them run beside each other.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        clock: Clock,
        references: References,
        source: random.Random,
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        self._name = name
        self._step = step
        self._clock = clock
        self._references = references
        self._source = source
        self._at_once = at_once
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._failures = 0
        self._told_at = datetime.min.replace(tzinfo=UTC)

    def wake(self) -> None:
        """Say that there is work."""
        self._wake.set()

    def end(self) -> None:
        """Let what has begun be done, and begin nothing more; `run` returns then."""
        self._ended.set()
        self._wake.set()

    async def run(self) -> None:
        """Run until cancelled, or until it was told to end and is done."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._work())

    async def _work(self) -> None:
        while not self._ended.is_set() and not was_cancelled():
            self._wake.clear()
            if await self._once() or self._ended.is_set():
                continue
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _once(self) -> bool:
        try:
            worked = await self._step()
        except StoreUnavailable as error:
            if self._failures == 0 and abs((now := self._clock.now()) - self._told_at) >= TELL_EVERY:
                self._told_at = now
                log.warning("%s waits: %s", self._name, error.message, extra={"event": "store_unavailable"})
            await self._pause()
            return False
        except Exception:
            reference = self._references.new()
            log.exception("%s failed", self._name, extra={"event": "worker_failed", "reference": reference})
            await self._pause()
            return False
        self._failures = 0
        return worked

    async def _pause(self) -> None:
        """Wait a little longer after each failure; the end need not wait for it."""
        self._failures += 1
        pause = asyncio.ensure_future(self._clock.sleep(backoff(self._failures, self._source, longest_s=10.0)))
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({pause, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            ended.cancel()
