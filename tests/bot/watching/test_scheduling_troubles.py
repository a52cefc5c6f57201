"""What is due is done once, whoever dies or fails on the way, and one schedule's trouble is no other's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
import pytest

from bot.domain.requests import Post
from bot.errors import StoreUnavailable
from bot.ports import Store
from bot.schedule.calendar import CronCalendar
from bot.store.store import PostgresStore
from bot.watching.scheduling import LONGEST_DELAY_S, Job, Runner
from tests.support.clocks import SteppedClock
from tests.support.scheduled import Telling, at, attend, outcomes, schedule, told
from tests.support.waiting import in_background, until

LEASE_S = 0.5
HOUR_S = 3600.0


def runner_of(store: Store, clock: SteppedClock, *jobs: Job, lease_s: float = LEASE_S) -> Runner:
    return Runner(jobs, store=store, calendar=CronCalendar(), clock=clock, lease_s=lease_s)


async def started(store: Store, clock: SteppedClock, *jobs: Job, lease_s: float = LEASE_S) -> Runner:
    """Return a runner that knows its schedules; the time is one hour later."""
    runner = runner_of(store, clock, *jobs, lease_s=lease_s)
    await attend(runner)
    clock.step(HOUR_S)
    return runner


class Failing(Telling):
    """Work that fails a few times first."""

    def __init__(self, cron: str, times: int) -> None:
        super().__init__(schedule(cron))
        self.left = times

    async def __call__(self, due_at: datetime, late: timedelta) -> Sequence[Post]:
        self.made.append(due_at)
        self.left -= 1
        if self.left >= 0:
            raise KeyError("not today")
        return [self.post(due_at, late)]


async def test_what_a_replica_began_and_left_is_taken_over(store: PostgresStore, store_url: str) -> None:
    """When its lease is over, and not before; also when the schedule has been due again since."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0,10 9 * * *"))
    runner = await started(store, clock, telling.job)
    assert await store.slots.begin("daily", at("2026-11-24 09:00"), lease_s=600)

    assert await attend(runner) == 0
    clock.step(600)
    assert await attend(runner) == 1
    with psycopg.connect(store_url, autocommit=True) as admin:
        admin.execute("UPDATE slots SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")
    clock.step(60)
    assert await attend(runner) == 1

    assert await told(store_url) == ["2026-11-24 09:10", "2026-11-24 09:00, 660 s late"]


@pytest.mark.parametrize(("waits_s", "comes"), [(HOUR_S - 60, True), (HOUR_S + 60, False)])
async def test_older_moments_are_taken_over_for_an_hour(
    waits_s: float, store: PostgresStore, store_url: str, *, comes: bool
) -> None:
    """The newest one however old it is: see the next test."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0,10 9 * * *"))
    runner = await started(store, clock, telling.job)
    assert await store.slots.begin("daily", at("2026-11-24 09:00"), lease_s=0.0)
    clock.step(waits_s)
    await attend(runner)

    assert (f"2026-11-24 09:00, {waits_s:.0f} s late" in await told(store_url)) == comes


async def test_the_newest_moment_is_taken_over_however_late_it_is(store: PostgresStore, store_url: str) -> None:
    """The only replica was killed as it made it, and comes back in the afternoon."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))
    await started(store, clock, telling.job)
    assert await store.slots.begin("daily", at("2026-11-24 09:00"), lease_s=0.0)
    clock.step(6 * HOUR_S)
    await attend(runner_of(store, clock, telling.job))

    assert await told(store_url) == ["2026-11-24 09:00, 21600 s late"]


async def test_who_lost_the_lease_posts_nothing(store: PostgresStore, store_url: str) -> None:
    """It stood still while it made it, and somebody else has it by now."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))

    async def stands_still(due_at: datetime, late: timedelta) -> Sequence[Post]:
        async with await psycopg.AsyncConnection.connect(store_url) as connection:
            await connection.execute("UPDATE slots SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")
        assert await store.slots.begin("daily", due_at, lease_s=60.0)
        return [telling.post(due_at, late)]

    runner = await started(store, clock, Job(schedule=telling.schedule, work=stands_still))
    assert await attend(runner) == 0

    assert await told(store_url) == []
    assert (await outcomes(store_url))["2026-11-24 09:00"] == ""


async def test_work_that_fails_is_tried_again_and_then_comes_late(store: PostgresStore, store_url: str) -> None:
    """Less and less often: after 5 s, 10 s, 20 s."""
    clock, failing = SteppedClock(at("2026-11-24 08:00")), Failing("0 9 * * *", times=3)
    runner = await started(store, clock, failing.job)
    tried: list[float] = []
    for second in range(60):
        before = len(failing.made)
        await attend(runner)
        tried += [second] * (len(failing.made) - before)
        clock.step(1)

    assert tried == [0, 5, 15, 35]
    assert await told(store_url) == ["2026-11-24 09:00, 35 s late"]


async def test_work_that_keeps_failing_is_given_up_when_it_is_due_again(store: PostgresStore, store_url: str) -> None:
    """That is on record, and the next one has its own tries; the delays do not grow for ever."""
    clock, failing = SteppedClock(at("2026-11-24 08:00")), Failing("0 9,11 * * *", times=29)
    runner = await started(store, clock, failing.job)
    while clock.now() < at("2026-11-24 11:00"):
        await attend(runner)
        clock.step(5)

    assert (await outcomes(store_url))["2026-11-24 09:00"] == "failed"
    assert await attend(runner) == 1
    assert await told(store_url) == ["2026-11-24 11:00"]
    assert len(failing.made) == 30
    assert LONGEST_DELAY_S == 300


async def test_what_was_taken_over_late_has_its_tries_too(store: PostgresStore, store_url: str) -> None:
    """The schedule was due again since, but that a process stood still for once is no reason to give it up."""
    clock, failing = SteppedClock(at("2026-11-24 08:00")), Failing("0,10 9 * * *", times=1)
    runner = await started(store, clock, failing.job)
    assert await store.slots.begin("daily", at("2026-11-24 09:00"), lease_s=0.0)
    clock.step(HOUR_S / 3)
    for _ in range(10):
        await attend(runner)
        clock.step(1)

    assert sorted(each[:16] for each in await told(store_url)) == ["2026-11-24 09:00", "2026-11-24 09:10"]


async def test_what_one_replica_cannot_do_another_one_does_at_once(store: PostgresStore, store_url: str) -> None:
    clock, failing, telling = (
        SteppedClock(at("2026-11-24 08:00")),
        Failing("0 9 * * *", 9),
        Telling(schedule("0 9 * * *")),
    )
    first = await started(store, clock, failing.job)
    await first.step()
    await attend(runner_of(store, clock, telling.job))

    assert await told(store_url) == ["2026-11-24 09:00"]


async def test_work_that_hangs_ends_before_its_lease(store: PostgresStore, store_url: str) -> None:
    clock, began = SteppedClock(at("2026-11-24 08:00")), asyncio.get_running_loop().time()

    async def hangs(_: datetime, __: timedelta) -> Sequence[Post]:
        await asyncio.sleep(60)
        raise AssertionError

    runner = await started(store, clock, Job(schedule=schedule("0 9 * * *"), work=hangs))
    assert await runner.step()

    assert asyncio.get_running_loop().time() - began < 50
    assert await told(store_url) == []


async def test_a_schedule_that_takes_long_holds_no_other_up(store: PostgresStore, store_url: str) -> None:
    """Neither one that is due at the same moment, nor one that is due while it is still made."""
    clock, end = SteppedClock(at("2026-11-24 08:00")), asyncio.Event()
    same, later = Telling(schedule("0 9 * * *", name="same")), Telling(schedule("1 9 * * *", name="later"))
    slow = Telling(schedule("0 9 * * *"))

    async def waits(due_at: datetime, late: timedelta) -> Sequence[Post]:
        await end.wait()
        return [slow.post(due_at, late)]

    runner = await started(store, clock, Job(schedule=slow.schedule, work=waits), same.job, later.job, lease_s=60.0)

    async def first() -> None:
        await runner.step()

    async def look() -> list[str]:
        return await told(store_url)

    async with in_background(first()):
        await until(look, lambda found: found == ["2026-11-24 09:00"])
        clock.step(60)
        assert await runner.step()
        assert await look() == ["2026-11-24 09:00", "2026-11-24 09:01"]
        end.set()
        await until(look, lambda found: len(found) == 3)


async def test_without_a_database_it_says_so_and_goes_on_later(store_url: str) -> None:
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))
    store = await PostgresStore.open(store_url, wait_s=0.5)
    runner = await started(store, clock, telling.job)
    await store.close()

    with pytest.raises(StoreUnavailable):
        await runner.step()
    async with await PostgresStore.open(store_url) as again:
        runner._store = again
        assert await attend(runner) == 1


async def test_a_bug_is_told_before_a_database_that_is_away(store: PostgresStore) -> None:
    """A schedule that is none cannot get here; if it does, the others are done all the same."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))
    broken = Telling(schedule("0 9 * *", name="broken"))
    runner = runner_of(store, clock, broken.job, telling.job)
    for _ in range(2):
        with pytest.raises(ValueError, match="4 fields"):
            await runner.step()
        clock.step(HOUR_S)

    assert len(telling.made) == 1
