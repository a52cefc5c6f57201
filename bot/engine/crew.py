"""Several operations at once: whoever follows a long roll-out does not keep the next one waiting."""

from __future__ import annotations

import asyncio

from bot.engine.executing import Executor

MOST = 16


class Crew:
    """Takes operations for an executor and carries each on beside the others."""

    def __init__(self, executor: Executor, *, most: int = MOST) -> None:
        self._executor = executor
        self._most = most
        self._running: set[asyncio.Task[None]] = set()

    async def step(self) -> bool:
        """Begin with one operation; False when none waits, or as many are being carried on as may be.

        Raises what ended another one since, `StoreUnavailable` for one.
        """
        self._reap()
        if len(self._running) >= self._most:
            return False
        hold = await self._executor.take()
        if hold is None:
            return False
        self._running.add(asyncio.create_task(self._executor.carry_on(hold)))
        return True

    def _reap(self) -> None:
        for task in tuple(self._running):
            if task.done():
                self._running.discard(task)
                task.result()

    async def finish(self) -> None:
        """Take nothing more, and wait until what is being written is written and what is followed is let go."""
        self._executor.stop()
        await asyncio.gather(*self._running, return_exceptions=True)

    def drop(self) -> None:
        """Cut off what is left; others take it over after its lease."""
        for task in self._running:
            task.cancel()
