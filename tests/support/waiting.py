"""Waiting for what will be true soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


async def until(
    look: Callable[[], Awaitable[ResultT]],
    fits: Callable[[ResultT], object],
    *,
    within_s: float = 20.0,
    every_s: float = 0.05,
) -> ResultT:
    """Look again and again until it fits; fail with the last look when the time is over."""
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
