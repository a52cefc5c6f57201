"""Wakes who does what is due, at the due second.

It decides nothing and keeps nothing: what is due is worked out from the calendar and claimed in the database by whoever
is awake. The worker's loop looks every second by itself, so all that this adds is that a second is not lost; and when a
wake goes astray (the machine slept, its clock was set) nothing but that second is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.domain.watch.schedules import Schedule
from bot.ports import Calendar

# It tells of every wake at the level of information.
_LOGGERS = ("apscheduler.scheduler", "apscheduler.executors.default")


class CalendarTrigger(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """The due moments of a schedule, as the calendar gives them."""

    def __init__(self, schedule: Schedule, calendar: Calendar) -> None:
        self._schedule = schedule
        self._calendar = calendar

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the next due moment: of those that passed meanwhile none is wanted any more."""
        return self._calendar.next(self._schedule, now if previous is None else max(previous, now))


class ScheduleClock:
    """Calls `wake` at each due moment of some schedules, from `start` to `stop`, within the running loop."""

    def __init__(self, schedules: Iterable[Schedule], calendar: Calendar, wake: Callable[[], None]) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._wake = wake
        self._scheduler: Any = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()}, executors={"default": AsyncIOExecutor()}, timezone=UTC
        )
        for schedule in schedules:
            # However late it is: to wake somebody for nothing costs nothing.
            self._scheduler.add_job(
                self._ring,
                CalendarTrigger(schedule, calendar),
                id=schedule.name,
                name=schedule.name,
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )

    async def _ring(self) -> None:
        self._wake()

    def start(self) -> None:
        """Begin to wake."""
        self._scheduler.start()

    async def stop(self) -> None:
        """Wake nobody any more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            # The library does it in the loop's next round.
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
