"""Loops of a running bot: each begins once the database is open, and ends what it has begun."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.main.parts import Parts
from bot.worker import AT_ONCE, Loop

log = logging.getLogger(__name__)

# What is being carried out when the program is told to stop may take this long to end.
FINISH_S = 20.0


def loop_of(name: str, step: Callable[[], Awaitable[bool]], parts: Parts, *, at_once: int = AT_ONCE) -> Loop:
    """Return a loop that runs a step again and again, `at_once` of them beside each other."""
    return Loop(name, step, parts.clock, parts.references, parts.chance, at_once=at_once)


async def once_open(parts: Parts, work: Callable[[], Awaitable[None]]) -> None:
    """Work as soon as the database is open."""
    await parts.store.opened.wait()
    await work()


async def finish(parts: Parts, loops: Sequence[asyncio.Task[None]], *, within_s: float = FINISH_S) -> None:
    """Wait for what is being done; cut off what takes too long, or what never began for want of a database."""
    if parts.store.opened.is_set():
        _, unfinished = await asyncio.wait(loops, timeout=within_s)
        if unfinished:
            log.warning("work was cut off; others take it over", extra={"event": "finish_incomplete"})
    for task in loops:
        task.cancel()
