"""Watching, in the role `chat`: what is configured is looked at, told of, and sent when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from bot.alertmanager import alertmanager_server
from bot.main.loops import finish, loop_of, once_open
from bot.main.parts import Parts
from bot.schedule.clock import ScheduleClock
from bot.watching.announcing import Announcer
from bot.watching.intake import Intake
from bot.watching.looking import Watcher
from bot.watching.room import WatchRoom
from bot.watching.scheduling import Runner
from bot.worker import AT_ONCE, Loop

# A look or a digest that takes longer is cut off, and costs nothing but that: people's answers are given after it.
FINISH_S = 4.0


@asynccontextmanager
async def watch(parts: Parts) -> AsyncIterator[None]:
    """Watch in the background; at the end finish what was begun."""
    watching = parts.watching
    announcing = loop_of("announcing", Announcer(watching.room).step, parts, at_once=1)
    room = replace(watching.room, changed=announcing.wake)
    jobs = watching.digests.jobs()
    runner = Runner(jobs, store=parts.store, calendar=watching.calendar, clock=parts.clock, meter=parts.meter)
    scheduling = loop_of("schedules", runner.step, parts, at_once=max(1, len(jobs)))
    scopes = len(room.scopes.all())
    looking = loop_of("watching", Watcher(room).step, parts, at_once=min(scopes, AT_ONCE))
    loops = (looking, scheduling, announcing)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        task = group.create_task(once_open(parts, partial(_look_on, parts, loops)))
        try:
            schedules = [job.schedule for job in jobs]
            await stack.enter_async_context(ScheduleClock(schedules, watching.calendar, scheduling.wake))
            await _let_alerts_in(parts, room, stack)
            yield
        finally:
            for loop in loops:
                loop.end()
            await finish(parts, [task], within_s=FINISH_S)


async def _look_on(parts: Parts, loops: Sequence[Loop]) -> None:
    if parts.ingredients.beforehand is not None:
        await parts.ingredients.beforehand(parts.store)
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop.run())


async def _let_alerts_in(parts: Parts, room: WatchRoom, stack: AsyncExitStack) -> None:
    """Serve Alertmanager, where that is configured."""
    door = parts.ingredients.alerts
    if door is not None:
        take = Intake(room).receive
        server = alertmanager_server(door.listen, door.token, take, references=parts.references, meter=parts.meter)
        await stack.enter_async_context(server)
