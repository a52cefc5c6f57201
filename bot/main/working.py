"""The role `worker`: requests that were written down are carried out, messages are delivered, heads are published."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.engine.crew import Crew
from bot.engine.executing import Executor
from bot.engine.marks import Marks
from bot.engine.remembering import Memory
from bot.engine.timers import Timers
from bot.engine.verifying import Aftercare
from bot.main.loops import finish, loop_of, once_open
from bot.main.parts import Parts
from bot.main.publishing import HeadPublisher
from bot.main.wakeups import INBOX
from bot.ports import HotState
from bot.worker import Delivery, Intake, Loop

log = logging.getLogger(__name__)


@asynccontextmanager
async def work(parts: Parts) -> AsyncIterator[None]:
    """Work in the background; at the end finish what was begun, for at most `FINISH_S` seconds.

    Others would take over what is cut off, after its lease.
    """
    delivery = loop_of(
        "delivery",
        Delivery(parts.store, parts.notifier, parts.clock, parts.chance, meter=parts.meter).step,
        parts,
    )
    changing = _changing(parts)

    def wake() -> None:
        delivery.wake()
        if changing is not None:
            changing.carrying.wake()

    intake = loop_of(
        "intake", Intake(parts.store, parts.service, parts.notifier, parts.references, wake=wake).step, parts
    )
    engine = changing.loops if changing is not None else ()
    async with asyncio.TaskGroup() as group:
        loops = [group.create_task(once_open(parts, loop.run)) for loop in (intake, delivery, *engine)]
        if changing is not None:
            loops.append(group.create_task(once_open(parts, changing.carry_on)))
            engine = (changing.carrying, *engine)
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
            await finish(parts, loops)


@dataclass(frozen=True, slots=True)
class _Changing:
    """What carries changes out: a loop that takes them, the crew behind it, and the loops of what goes by itself."""

    crew: Crew
    carrying: Loop
    loops: tuple[Loop, ...]

    async def carry_on(self) -> None:
        """Carry changes out until told to end; what is only followed is then let go, for others to take over."""
        try:
            await self.carrying.run()
            await self.crew.finish()
        finally:
            self.crew.drop()


def _changing(parts: Parts) -> _Changing | None:
    workshop = parts.workshop
    if workshop is None:
        return None
    crew = Crew(Executor(workshop))
    by_themselves = {
        "timers": Timers(workshop).step,
        "aftercare": Aftercare(workshop).step,
        "memory": Memory(workshop).step,
        "marks": Marks(workshop).step,
    }
    return _Changing(
        crew,
        loop_of("changes", crew.step, parts, at_once=1),
        tuple(loop_of(name, step, parts, at_once=1) for name, step in by_themselves.items()),
    )


async def _published(parts: Parts, publisher: HeadPublisher) -> None:
    await parts.store.opened.wait()
    await publisher.run()


async def _listen(hot: HotState, name: str, wake: Callable[[], None]) -> None:
    async for _ in hot.wakes(name):
        wake()
