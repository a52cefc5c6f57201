"""What a forked process does in the tests of schedules: it is a replica of ours, or one of a rival with a shared store.

Both have the same schedules and tell each due moment in the database: ours through the outbox, the other one's in a
table of its own.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psycopg
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.base import ConflictingIdError
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import SQLAlchemyError

from bot.domain.requests import Place, Post
from bot.domain.view import View
from bot.domain.watch.schedules import Schedule
from bot.errors import StoreUnavailable
from bot.references import References
from bot.schedule.clock import ScheduleClock
from bot.store.store import PostgresStore
from bot.watching.scheduling import Job, Runner
from bot.worker import Loop
from tests.support.calendars import SecondsCalendar
from tests.support.clocks import WallClock

OURS = "ours"
RIVAL = "rival"
# Between two effects: what was done until there is kept, or not.
POINTS = ("slot:claimed", "slot:worked", "slot:before-commit", "slot:done")
RIVAL_TABLE = "CREATE TABLE fires (name text NOT NULL, due_at timestamptz NOT NULL)"
LONGEST_WORK_S = 0.05
MOMENT = timedelta(microseconds=1)


class Teller(Protocol):
    """The way back to who ordered the worker."""

    def say(self, event: str) -> None:
        """Say that something happened."""
        ...

    def leave_with_listener(self) -> None:
        """Let the process end as soon as nobody listens any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotOrder:
    """`schedules` of them, one after the other due every `every_s` seconds from `begins` up to `ends` (epoch).

    The process ends itself at `point` (any of them when empty) with a chance of `chance`.
    """

    kind: str = OURS
    schedules: int
    every_s: float
    begins: float
    ends: float
    lease_s: float
    point: str = ""
    chance: float = 0.0

    @property
    def all(self) -> list[Schedule]:
        """Return the schedules."""
        apart = self.every_s / self.schedules
        return [
            Schedule(name=f"slot-{number:03}", cron=f"{self.every_s} {self.begins + number * apart:.1f}")
            for number in range(self.schedules)
        ]

    @property
    def calendar(self) -> BoundedCalendar:
        """Return when they are due."""
        return BoundedCalendar(datetime.fromtimestamp(self.begins, UTC), datetime.fromtimestamp(self.ends, UTC))

    def due(self) -> set[tuple[str, datetime]]:
        """Return everything that has to be told."""
        calendar = self.calendar
        return {
            (schedule.name, moment)
            for schedule in self.all
            for moment in calendar.within(schedule, calendar.begins - MOMENT, calendar.ends)
        }


@dataclass(frozen=True, slots=True)
class BoundedCalendar(SecondsCalendar):
    """Nothing is due before a moment, and nothing after another one; a `Calendar`."""

    begins: datetime
    ends: datetime

    def latest(self, schedule: Schedule, now: datetime) -> datetime | None:
        found = SecondsCalendar.latest(self, schedule, min(now, self.ends))
        return found if found is not None and found >= self.begins else None

    def next(self, schedule: Schedule, now: datetime) -> datetime | None:
        found = SecondsCalendar.next(self, schedule, max(now, self.begins - MOMENT))
        return found if found is not None and found <= self.ends else None


async def work(order: SlotOrder, database_url: str, told: Teller) -> None:
    """Do what is due, for ever."""
    told.leave_with_listener()
    told.say("forked")
    if order.kind == RIVAL:
        await _rival(order, database_url, told)
    else:
        await _ours(order, database_url, told)


# --- ours -------------------------------------------------------------------------------------------------------------


async def _ours(order: SlotOrder, database_url: str, told: Teller) -> None:
    clock, chance = WallClock(), random.Random()
    async with await _opened(database_url) as store:
        runner = Runner(
            [Job(schedule=schedule, work=_telling(schedule.name, chance)) for schedule in order.all],
            store=store,
            calendar=order.calendar,
            clock=clock,
            lease_s=order.lease_s,
            at=_hook(order, told, chance),
        )
        loop = Loop("schedules", runner.step, clock, References(chance), chance)
        told.say("ready")
        async with ScheduleClock(order.all, order.calendar, loop.wake):
            await loop.run()


async def _opened(database_url: str) -> PostgresStore:
    """Open the store, trying again on a busy machine."""
    while True:
        with suppress(StoreUnavailable):
            return await PostgresStore.open(database_url, smallest_pool=1, largest_pool=4)


def _telling(name: str, chance: random.Random) -> Callable[[datetime, timedelta], Awaitable[Sequence[Post]]]:
    async def tell(due_at: datetime, _: timedelta) -> Sequence[Post]:
        await asyncio.sleep(chance.uniform(0, LONGEST_WORK_S))
        return [Post(Place(name), View(due_at.isoformat(), ()), kind="slot")]

    return tell


def _hook(order: SlotOrder, told: Teller, chance: random.Random) -> Callable[[str], Awaitable[None]]:
    async def at(point: str) -> None:
        if order.point in ("", point) and chance.random() < order.chance:
            told.say("struck")
            os.kill(os.getpid(), signal.SIGKILL)

    return at


# --- a scheduler with a shared store ----------------------------------------------------------------------------------


async def _rival(order: SlotOrder, database_url: str, told: Teller) -> None:
    """Run apscheduler on its own store in the same database, as somebody would who wants one of many to fire."""
    scheduler: Any = AsyncIOScheduler(
        jobstores={
            "default": SQLAlchemyJobStore(url=database_url.replace("postgresql://", "postgresql+psycopg://", 1))
        },
        executors={"default": AsyncIOExecutor()},
        timezone=UTC,
    )
    scheduler.start()
    for schedule in order.all:
        trigger = IntervalTrigger(
            seconds=int(order.every_s),
            start_date=order.calendar.next(schedule, order.calendar.begins - MOMENT),
            end_date=order.calendar.ends,
            timezone=UTC,
        )
        with suppress(ConflictingIdError, SQLAlchemyError):
            scheduler.add_job(
                fire,
                trigger,
                args=(database_url, schedule.name, schedule.cron),
                id=schedule.name,
                misfire_grace_time=60,
                coalesce=True,
                max_instances=3,
            )
    told.say("ready")
    await asyncio.Event().wait()


async def fire(database_url: str, name: str, cron: str) -> None:
    """Tell the due moment that was the newest one when this began."""
    due_at = SecondsCalendar().latest(Schedule(name=name, cron=cron), datetime.now(UTC))
    await asyncio.sleep(random.uniform(0, LONGEST_WORK_S))
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("INSERT INTO fires (name, due_at) VALUES (%s, %s)", [name, due_at])
