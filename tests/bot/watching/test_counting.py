"""What operators watch of the watching: looks, probes, alerts and due moments are counted once, by who did them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.requests import Post
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import Scope
from bot.domain.watch.keeps import AddSilence, PauseSchedule
from bot.domain.watch.policy import AlertChannels, Thresholds
from bot.domain.watch.probes import ProbeKind
from bot.domain.watch.received import ReceivedAlert, ReceivedStatus
from bot.domain.watch.schedules import Pause
from bot.errors import StoreUnavailable
from bot.health.metrics import PrometheusMeter
from bot.redaction import redact
from bot.schedule.calendar import CronCalendar
from bot.store.store import PostgresStore
from bot.watching.announcing import Announcer
from bot.watching.intake import Intake
from bot.watching.looking import Watcher
from bot.watching.scheduling import Job, Runner
from tests.bot.health.scrapes import make_meter, samples, value
from tests.support import builders as make
from tests.support.builders import NOW, SCOPE
from tests.support.clocks import SteppedClock
from tests.support.fixed_probes import database, failed, health_url
from tests.support.scheduled import Telling, at, attend, schedule
from tests.support.watch_records import silence
from tests.support.watch_room import Watched

LOOKS, PROBES, ENDS = "ragops_looks_total", "ragops_probes_total", "ragops_schedule_ends_total"
TOLD, OVER = "ragops_episodes_told_total", "ragops_episodes_resolved_total"


@pytest.fixture
def watched(store: PostgresStore) -> Watched:
    return Watched(store)


@pytest.fixture
def meter() -> PrometheusMeter:
    return make_meter()


def counted(meter: PrometheusMeter, name: str) -> dict[str, float]:
    """Return what was counted under a name, by its labels, without what stands at 0."""
    return {
        " ".join(text for _, text in sorted(labels)): figure
        for (found, labels), figure in samples(meter).items()
        if found == name and figure
    }


def crashing() -> Snapshot:
    api = make.deployment(ready=0)
    replicas = make.replica_set(api)
    return make.snapshot(api, replicas, make.pod(replicas, make.crash_looping()))


async def look(watcher: Watcher, watched: Watched) -> None:
    watched.clock.step(15)
    while await watcher.step():
        pass


# --- looks ------------------------------------------------------------------------------------------------------------


async def test_a_look_is_counted_by_the_replica_that_looks(watched: Watched) -> None:
    """Whoever finds the tick taken did not look."""
    meters = [make_meter() for _ in range(3)]
    await asyncio.gather(*(Watcher(replace(watched.room(), meter=meter)).step() for meter in meters))
    assert sorted(value(meter, LOOKS, result="done") or 0 for meter in meters) == [0, 0, 1]
    assert sum(value(meter, "ragops_look_duration_seconds_count") or 0 for meter in meters) == 1
    assert all(value(meter, LOOKS, result="lost") == 0 for meter in meters)


async def test_a_look_that_took_too_long_is_lost(watched: Watched, meter: PrometheusMeter) -> None:
    other = Watcher(watched.room())

    class Slow:
        async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
            await asyncio.sleep(0.5)
            await other.step()
            watched.clock.step(7)
            return await watched.cluster.snapshot(scope, parts)

        node_load = watched.cluster.node_load

    await Watcher(replace(watched.room(), lease_s=0.2, cluster=Slow(), meter=meter)).step()
    assert counted(meter, LOOKS) == {"lost": 1}
    assert value(meter, "ragops_look_duration_seconds_sum") == 7


async def test_a_look_without_a_database_failed(store_url: str, meter: PrometheusMeter) -> None:
    async with await PostgresStore.open(store_url) as store:
        watched = Watched(store)
    with pytest.raises(StoreUnavailable):
        await Watcher(replace(watched.room(), meter=meter)).step()
    assert counted(meter, LOOKS) == {"failed": 1}


async def test_targets_are_counted_each_time_they_are_asked(watched: Watched, meter: PrometheusMeter) -> None:
    """A dependency once a minute, a health URL at each look."""
    target = database("orders-db")
    watched.probes.answers[target.name] = failed(target)
    watcher = Watcher(replace(watched.room(health_url("api"), target), meter=meter))
    for _ in range(4):
        await look(watcher, watched)
    kind = ProbeKind.POSTGRESQL
    assert target.kind is kind
    # By the labels in order: health, kind.
    assert counted(meter, PROBES) == {"ok http": 4, f"failed {kind.value}": watched.probes.asked.count(target.name)}


# --- alerts -----------------------------------------------------------------------------------------------------------


async def test_an_alert_is_told_once_and_over_once(watched: Watched, meter: PrometheusMeter) -> None:
    """Its message is edited: that is not told again. Of two replicas one counts."""
    rooms = [replace(watched.room(), meter=meter) for _ in range(2)]
    watched.cluster.shown = crashing()
    for shown in (crashing(), crashing(), make.snapshot(make.deployment())):
        watched.cluster.shown = shown
        watched.clock.step(15)
        await asyncio.gather(*(Watcher(room).step() for room in rooms))
        await asyncio.gather(*(Announcer(room).step() for room in rooms))
    assert await watched.store.episodes.open() == ()
    assert counted(meter, TOLD) == {"critical": 1}
    assert counted(meter, OVER) == {"critical": 1}


async def test_what_is_silenced_or_has_no_channel_is_not_told(watched: Watched, meter: PrometheusMeter) -> None:
    """It is over all the same."""
    watched.cluster.shown = crashing()
    nowhere = replace(watched.room(channels=AlertChannels()), meter=meter)
    watcher, announcer = Watcher(nowhere), Announcer(nowhere)
    await look(watcher, watched)
    await announcer.step()
    watched.cluster.shown = make.snapshot(make.deployment())
    await look(watcher, watched)
    await announcer.step()
    assert (counted(meter, TOLD), counted(meter, OVER)) == ({}, {"critical": 1})
    async with watched.store.transaction() as transaction:
        assert await transaction.keep(AddSilence(silence("*", scope=SCOPE)))
    room = replace(watched.room(), meter=meter)
    for shown in (crashing(), make.snapshot(make.deployment())):
        watched.cluster.shown = shown
        await look(Watcher(room), watched)
        await Announcer(room).step()
    assert (counted(meter, TOLD), counted(meter, OVER)) == ({}, {"critical": 2})


async def test_what_never_fired_is_not_over(watched: Watched, meter: PrometheusMeter) -> None:
    """A trouble that went away before its time was up."""
    target = database("orders-db")
    watched.probes.answers[target.name] = failed(target)
    room = replace(watched.room(target, thresholds=Thresholds(clear_s=0.0)), meter=meter)
    watcher = Watcher(room)
    await look(watcher, watched)
    assert await watched.store.episodes.open() != ()
    watched.probes.answers.clear()
    watched.clock.step(120)
    await look(watcher, watched)
    assert await watched.store.episodes.open() == ()
    assert counted(meter, OVER) == {}


async def test_alerts_of_alertmanager_are_counted_alike(watched: Watched, meter: PrometheusMeter) -> None:
    room = replace(watched.room(), meter=meter)
    intake, announcer = Intake(room), Announcer(room)
    for status in (ReceivedStatus.FIRING, ReceivedStatus.RESOLVED, ReceivedStatus.RESOLVED):
        await intake.receive([received(status)])
        await announcer.step()
    assert (counted(meter, TOLD), counted(meter, OVER)) == ({"warning": 1}, {"warning": 1})


def received(status: ReceivedStatus) -> ReceivedAlert:
    labels = (("alertname", redact("Slow")), ("severity", redact("warning")))
    return ReceivedAlert(fingerprint="f1", status=status, labels=labels, annotations=(), starts_at=NOW, ends_at=None)


# --- schedules --------------------------------------------------------------------------------------------------------


def runner_of(store: PostgresStore, clock: SteppedClock, meter: PrometheusMeter, *jobs: Job) -> Runner:
    return Runner(jobs, store=store, calendar=CronCalendar(), clock=clock, meter=meter)


async def test_due_moments_are_counted_with_how_late_they_were(store: PostgresStore, meter: PrometheusMeter) -> None:
    """The one before the schedule was known, one that is sent late, and one that is skipped."""
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))
    runner = runner_of(store, clock, meter, telling.job)
    await attend(runner)
    assert counted(meter, ENDS) == {"known": 1}
    clock.step(3600 + 100)
    await attend(runner)
    assert value(meter, "ragops_schedule_lateness_seconds_sum") == 100
    async with store.transaction() as transaction:
        assert await transaction.keep(PauseSchedule(Pause(name="daily", by="U1", at=clock.now())))
    clock.step(86_400)
    await attend(runner)
    assert counted(meter, ENDS) == {"known": 1, "sent": 1, "skipped": 1}
    assert value(meter, "ragops_schedule_lateness_seconds_count") == 1


async def test_of_several_replicas_one_counts_a_due_moment(store: PostgresStore, meter: PrometheusMeter) -> None:
    clock, telling = SteppedClock(at("2026-11-24 08:00")), Telling(schedule("0 9 * * *"))
    runners = [runner_of(store, clock, meter, telling.job) for _ in range(4)]
    for _ in range(2):
        await asyncio.gather(*(attend(runner) for runner in runners))
        clock.step(3600)
    await asyncio.gather(*(attend(runner) for runner in runners))
    assert counted(meter, ENDS) == {"known": 1, "sent": 1}


async def test_a_digest_that_is_given_up_is_counted_once(store: PostgresStore, meter: PrometheusMeter) -> None:
    """Not each time that it fails."""
    clock = SteppedClock(at("2026-11-24 08:59"))

    async def fail(_due_at: datetime, _late: timedelta) -> Sequence[Post]:
        raise RuntimeError("a bug")

    runner = runner_of(store, clock, meter, Job(schedule=schedule("*/10 * * * *"), work=fail))
    await attend(runner)
    for _ in range(30):
        clock.step(30)
        await runner.step()
    assert counted(meter, ENDS) == {"known": 1, "failed": 1}
