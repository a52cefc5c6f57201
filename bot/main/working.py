"""The role `worker`: requests that were written down are carried out, messages are delivered, heads are published."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bot.engine.timers import Timers
from bot.main.parts import Parts
from bot.main.publishing import HeadPublisher
from bot.main.wakeups import INBOX
from bot.ports import HotState
from bot.worker import Delivery, Intake, Loop

log = logging.getLogger(__name__)

# What is being carried out when the program is told to stop may take this long to end.
FINISH_S = 20.0


@asynccontextmanager
async def work(parts: Parts) -> AsyncIterator[None]:
    """Work in the background; at the end finish what was begun, for at most `FINISH_S` seconds.

    Others would take over what is cut off, after its lease.
    """
    delivery = _loop(
        "delivery",
        Delivery(parts.store, parts.notifier, parts.clock, parts.chance, meter=parts.meter).step,
        parts,
    )
    intake = _loop(
        "intake",
        Intake(parts.store, parts.service, parts.notifier, parts.references, wake=delivery.wake).step,
        parts,
    )
    engine = _engine_loops(parts)
    async with asyncio.TaskGroup() as group:
        loops = [group.create_task(_once_open(parts, loop)) for loop in (intake, delivery, *engine)]
        hints = [group.create_task(_listen(parts.hot, INBOX, intake.wake))]
        audit = parts.ingredients.configuration.audit
        if audit.channel:
            publisher = HeadPublisher(audit, parts.store, parts.clock)
            hints.append(group.create_task(_published(parts, publisher)))
        try:
            yield
        finally:
            for task in hints:
                task.cancel()
            for loop in (intake, *engine, delivery):
                loop.end()
            await _finish(parts, loops)


def _engine_loops(parts: Parts) -> tuple[Loop, ...]:
    """Return the loops by which changes go on by themselves."""
    if parts.workshop is None:
        return ()
    return (_loop("timers", Timers(parts.workshop).step, parts),)


def _loop(name: str, step: Callable[[], Awaitable[bool]], parts: Parts) -> Loop:
    return Loop(name, step, parts.clock, parts.references, parts.chance)


async def _once_open(parts: Parts, loop: Loop) -> None:
    await parts.store.opened.wait()
    await loop.run()


async def _published(parts: Parts, publisher: HeadPublisher) -> None:
    await parts.store.opened.wait()
    await publisher.run()


async def _listen(hot: HotState, name: str, wake: Callable[[], None]) -> None:
    async for _ in hot.wakes(name):
        wake()


async def _finish(parts: Parts, loops: list[asyncio.Task[None]]) -> None:
    """Wait for what is being done; cut off what takes too long, or what never began for want of a database."""
    if parts.store.opened.is_set():
        _, unfinished = await asyncio.wait(loops, timeout=FINISH_S)
        if unfinished:
            log.warning("work was cut off; others take it over", extra={"event": "finish_incomplete"})
    for task in loops:
        task.cancel()
