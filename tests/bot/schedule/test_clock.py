"""The clock wakes at due moments, and does nothing else."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta

from bot.domain.watch.schedules import Schedule
from bot.schedule.calendar import CronCalendar
from bot.schedule.clock import CalendarTrigger, ScheduleClock
from tests.support.calendars import SecondsCalendar
from tests.support.waiting import until

STEP_S = 0.1
SCHEDULE = Schedule(name="often", cron=f"{STEP_S}")


async def test_it_wakes_at_due_moments_until_it_is_stopped() -> None:
    """Never before a moment, and each moment once: however slow the machine is, it is not woken more often."""
    woken: list[float] = []
    async with ScheduleClock([SCHEDULE], SecondsCalendar(), lambda: woken.append(datetime.now(UTC).timestamp())):
        await until(lambda: asyncio.sleep(0, len(woken)), lambda number: number >= 8, every_s=0.01)
    then = len(woken)
    await asyncio.sleep(3 * STEP_S)

    assert len(woken) == then
    moments = [math.floor(at / STEP_S) for at in woken]
    assert sorted(set(moments)) == moments
    # Right after the moment, not before it; a busy machine may be late for most.
    assert min(at % STEP_S for at in woken) < STEP_S / 2


async def test_schedules_wake_by_themselves() -> None:
    """One that is never due is no fault, and neither are none at all."""
    never = Schedule(name="never", cron="0 0 29 2 *")
    async with ScheduleClock([], CronCalendar(), lambda: None), ScheduleClock([never], CronCalendar(), lambda: None):
        await asyncio.sleep(0)


async def test_it_may_be_stopped_twice_and_before_it_began() -> None:
    clock = ScheduleClock([SCHEDULE], SecondsCalendar(), lambda: None)

    await clock.stop()
    clock.start()
    await clock.stop()
    await clock.stop()


def test_moments_that_passed_meanwhile_wake_nobody_afterwards() -> None:
    """A machine that slept for a day wakes once."""
    trigger = CalendarTrigger(Schedule(name="daily", cron="0 9 * * *"), CronCalendar())
    previous = datetime(2026, 11, 24, 9, tzinfo=UTC)

    assert trigger.get_next_fire_time(None, previous) == previous + timedelta(days=1)
    assert trigger.get_next_fire_time(previous, previous) == previous + timedelta(days=1)
    assert trigger.get_next_fire_time(previous, previous + timedelta(days=3, hours=1)) == previous + timedelta(days=4)
    # Rung a moment early, or after the clock was set back: not the same moment again.
    assert trigger.get_next_fire_time(previous, previous - timedelta(seconds=1)) == previous + timedelta(days=1)
