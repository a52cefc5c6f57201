"""What is due is done once: over replicas, clocks that are set, downtime, pauses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest

from bot.domain.requests import Post
from bot.domain.watch.keeps import PauseSchedule, ResumeSchedule
from bot.domain.watch.schedules import CatchUp, Pause
from bot.ports import Store
from bot.schedule.calendar import CronCalendar
from bot.store.store import PostgresStore
from bot.watching.scheduling import Job, Runner
from tests.support.clocks import SteppedClock
from tests.support.scheduled import Telling, at, attend, outcomes, schedule, told

DAY_S = 86_400.0


def runner_of(store: Store, clock: SteppedClock, *jobs: Job, started: str = "") -> Runner:
    started_at = at(started) if started else None
    return Runner(jobs, store=store, calendar=CronCalendar(), clock=clock, started_at=started_at)


async def pause(store: Store, clock: SteppedClock, name: str = "daily", until: datetime | None = None) -> None:
    async with store.transaction() as transaction:
        assert await transaction.keep(PauseSchedule(Pause(name=name, by="U1", at=clock.now(), until=until)))


async def resume(store: Store, name: str = "daily") -> None:
    async with store.transaction() as transaction:
        assert await transaction.keep(ResumeSchedule(name))


async def test_what_is_due_is_posted_once(store: PostgresStore, store_url: str) -> None:
    """From the second on at which it is due; who delivers is woken."""
    clock, telling, woken = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *")), Counter[str]()
    runner = Runner(
        [telling.job],
        store=store,
        calendar=CronCalendar(),
        clock=clock,
        wake=lambda: woken.update(["delivery"]),
    )
    assert runner.next_due() == at("2026-11-24 09:00")

    assert await attend(runner) == 0
    clock.step(3599.9)
    assert await attend(runner) == 0
    clock.step(0.1)
    assert await attend(runner) == 1
    clock.step(60)
    assert await attend(runner) == 0

    assert await told(store_url) == ["2026-11-24 09:00"]
    assert await outcomes(store_url) == {"2026-11-23 09:00": "known", "2026-11-24 09:00": "sent"}
    assert woken.total() == 1
    assert runner.next_due() == at("2026-11-25 09:00")


async def test_without_schedules_nothing_is_due(store: PostgresStore) -> None:
    runner = runner_of(store, SteppedClock())

    assert await attend(runner) == 0
    assert runner.next_due() is None


async def test_eight_replicas_post_once(store_url: str) -> None:
    """They look at the same moment, day after day."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))
    async with AsyncExitStack() as stack:
        stores = [
            await stack.enter_async_context(await PostgresStore.open(store_url, largest_pool=2)) for _ in range(8)
        ]
        runners = [runner_of(store, clock, telling.job) for store in stores]
        for _ in range(27):
            await asyncio.gather(*(attend(runner) for runner in runners))
            clock.step(3600)

    assert await told(store_url) == ["2026-11-24 09:00", "2026-11-25 09:00"]
    assert len(telling.made) == 2


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        # 02:30 is skipped on the 29th of March, and comes twice on the 25th of October.
        ("2026-03-27 22:00", ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]),
        ("2026-10-23 22:00", ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]),
    ],
)
async def test_t37_each_day_has_one_when_clocks_are_set(
    start: str, wanted: list[str], store: PostgresStore, store_url: str
) -> None:
    """Two replicas, which look every ten minutes, a few minutes apart."""
    clock, telling = SteppedClock(at(start)), Telling(schedule("30 2 * * *", time_zone="Europe/Berlin"))
    runners = [runner_of(store, clock, telling.job) for _ in range(2)]
    for step in range(3 * 24 * 6 * 2):
        await attend(runners[step % 2])
        clock.step(300)

    assert await told(store_url) == wanted


async def test_a_clock_that_is_set_back_makes_nothing_due_again(store: PostgresStore, store_url: str) -> None:
    """Neither what was sent, nor what was due before it and never sent; nor does it stop what comes."""
    clock, telling = SteppedClock(at("2026-11-24 08:50")), Telling(schedule("0 * * * *"))
    runner = runner_of(store, clock, telling.job)
    await attend(runner)
    clock.step(600)
    await attend(runner)

    clock.step(-5 * 3600)
    other = runner_of(store, clock, telling.job)
    for _ in range(2 * 5):
        assert await attend(runner) + await attend(other) == 0
        clock.step(1800)
    clock.step(3600)
    assert await attend(runner) + await attend(other) == 1

    assert await told(store_url) == ["2026-11-24 09:00", "2026-11-24 10:00"]


async def test_a_replica_whose_clock_is_ahead_sends_it_for_all(store: PostgresStore, store_url: str) -> None:
    clock, ahead, telling = SteppedClock(at("2026-11-24 08:00")), SteppedClock(), Telling(schedule("0 9 * * *"))
    ahead.time = clock.time + timedelta(minutes=10)
    first, second = runner_of(store, ahead, telling.job), runner_of(store, clock, telling.job)
    for _ in range(12):
        await attend(first)
        await attend(second)
        clock.step(600)
        ahead.step(600)

    assert await told(store_url) == ["2026-11-24 09:00"]


# --- downtime ---------------------------------------------------------------------------------------------------------


async def test_t37_of_three_moments_nobody_was_there_for_the_latest_is_made_up_for(
    store: PostgresStore, store_url: str
) -> None:
    """Once, over all replicas, and it is told how late it is."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))
    await attend(runner_of(store, clock, telling.job))
    clock.step(3600)
    await attend(runner_of(store, clock, telling.job))

    clock.step(3 * DAY_S + 1800)
    again = [runner_of(store, clock, telling.job) for _ in range(4)]
    for _ in range(3):
        await asyncio.gather(*(attend(runner) for runner in again))
        clock.step(60)

    assert await told(store_url) == ["2026-11-24 09:00", "2026-11-27 09:00, 1800 s late"]


async def test_what_was_due_before_it_was_known_is_not_made_up_for(store: PostgresStore, store_url: str) -> None:
    """But what is due from then on is, even if nothing of it was ever sent."""
    clock, telling = SteppedClock(at("2026-11-24 09:30")), Telling(schedule("0 9 * * *"))
    assert await attend(runner_of(store, clock, telling.job)) == 0

    clock.step(DAY_S)
    assert await attend(runner_of(store, clock, telling.job)) == 1

    assert await told(store_url) == ["2026-11-25 09:00, 1800 s late"]


async def test_what_comes_due_while_it_starts_is_sent(store: PostgresStore, store_url: str) -> None:
    """The database may take a minute to answer."""
    clock, telling = SteppedClock(at("2026-11-24 09:01")), Telling(schedule("0 9 * * *"))
    assert await attend(runner_of(store, clock, telling.job, started="2026-11-24 08:59")) == 1

    assert await told(store_url) == ["2026-11-24 09:00, 60 s late"]


async def test_a_schedule_may_rather_skip_than_be_late(store: PostgresStore, store_url: str) -> None:
    """It is on record once that it did."""
    clock = SteppedClock(at("2026-11-24 08:00"))
    telling = Telling(schedule("0 9 * * *", catch_up=CatchUp.SKIP, late_s=60))
    await attend(runner_of(store, clock, telling.job))
    clock.step(3660)
    await attend(runner_of(store, clock, telling.job))
    clock.step(DAY_S + 1)
    await attend(runner_of(store, clock, telling.job))

    assert await told(store_url) == ["2026-11-24 09:00, 60 s late"]
    assert await outcomes(store_url) == {
        "2026-11-23 09:00": "known",
        "2026-11-24 09:00": "sent",
        "2026-11-25 09:00": "skipped",
    }


# --- pauses -----------------------------------------------------------------------------------------------------------


async def test_t37_nothing_is_sent_while_it_is_paused(store: PostgresStore, store_url: str) -> None:
    """What was due meanwhile is skipped for good; the others go on, and so does it when it is resumed."""
    clock = SteppedClock(at("2026-11-24 08:00"))
    telling, other = Telling(schedule("0 9 * * *")), Telling(schedule("0 10 * * *", name="other"))
    runner = runner_of(store, clock, telling.job, other.job)
    await attend(runner)
    await pause(store, clock)
    clock.step(DAY_S)
    await attend(runner)
    await resume(store)
    await attend(runner)
    clock.step(DAY_S + 7200)
    await attend(runner)

    assert Counter(await told(store_url)) == Counter(
        ["2026-11-24 10:00, 79200 s late", "2026-11-26 09:00, 3600 s late", "2026-11-26 10:00"]
    )
    assert await outcomes(store_url) == {
        "2026-11-23 09:00": "known",
        "2026-11-24 09:00": "skipped",
        "2026-11-26 09:00": "sent",
    }


async def test_t37_who_pauses_it_while_it_is_made_does_not_see_it(store: PostgresStore, store_url: str) -> None:
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))

    async def slow(due_at: datetime, late: timedelta) -> Sequence[Post]:
        await pause(store, clock)
        return [telling.post(due_at, late)]

    runner = runner_of(store, clock, Job(schedule=telling.schedule, work=slow))
    await attend(runner)
    clock.step(3600)
    await attend(runner)

    assert await told(store_url) == []
    assert (await outcomes(store_url))["2026-11-24 09:00"] == "skipped"


async def test_t37_a_schedule_that_was_removed_is_over(store: PostgresStore, store_url: str) -> None:
    """Also what somebody had begun of it."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))
    await attend(runner_of(store, clock, telling.job))
    assert await store.slots.begin("daily", at("2026-11-24 09:00"), lease_s=0.0)

    without = runner_of(store, clock, Telling(schedule("0 10 * * *", name="other")).job)
    for _ in range(3):
        clock.step(7200)
        await attend(without)

    assert await told(store_url) == ["2026-11-24 10:00"]
    assert (await outcomes(store_url))["2026-11-24 09:00"] == ""
