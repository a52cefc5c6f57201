"""Waiting for what will be true soon."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

PATIENCE_S = float(os.environ.get("RAGOPS_TEST_PATIENCE_S", "60"))


async def until(
    look: Callable[[], Awaitable[ResultT]],
    fits: Callable[[ResultT], object],
    *,
    within_s: float = PATIENCE_S,
    every_s: float = 0.05,
) -> ResultT:
    """Look again and again until it fits; fail with the last look when the time is over.

    How long is no fact of its own: a machine that is busy with other things may stand still for a while.
    """
    seen: ResultT | None = None
    try:
        async with asyncio.timeout(within_s):
            while True:
                seen = await look()
                if fits(seen):
                    return seen
                await asyncio.sleep(every_s)
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s; last seen: {seen!r}") from None


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` beside the block and cancel it at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and task.exception() is not None:
            raise AssertionError("the work in the background failed") from task.exception()


async def turns(number: int = 200) -> None:
    """Let everybody on the event loop have so many turns; what servers in this process answer arrives meanwhile."""
    for _ in range(number):
        await asyncio.sleep(0)


@dataclass(slots=True)
class Turns:
    """How much the event loop's own thread worked from one turn to the next at most; other programs do not count."""

    longest_s: float = 0.0


@asynccontextmanager
async def turns_watched() -> AsyncIterator[Turns]:
    """Watch how long anything in the block holds the event loop up."""
    watched = Turns()

    async def watch() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            watched.longest_s = max(watched.longest_s, time.thread_time() - before)

    async with in_background(watch()):
        yield watched
