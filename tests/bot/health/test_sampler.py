"""The sampler: gauges from a real simulated cluster and a real outbox, and its failures."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.findings import Severity
from bot.domain.operations import Operation, Resolution
from bot.domain.requests import Place, Post
from bot.domain.snapshot import Part, PartStatus, Snapshot
from bot.domain.targets import Scope
from bot.domain.transitions import resolve
from bot.domain.view import View
from bot.domain.watch.episodes import EpisodeState
from bot.domain.watch.schedules import Schedule, slot_of_looks
from bot.errors import ClusterUnreachable
from bot.health.checks import Check, Readiness
from bot.health.metrics import PrometheusMeter
from bot.health.sampler import EVERY_S, FIRST_S, Sampler, figures_of
from bot.ports import ClusterReader, Store
from bot.schedule.calendar import CronCalendar
from bot.store.store import PostgresStore
from bot.watching.scheduling import Runner
from sandbox.cluster.faults import Fault, FaultKind
from tests.bot.cluster.test_simulated import SCOPE as SIMULATED
from tests.bot.cluster.test_simulated import simulated, watching
from tests.bot.health.scrapes import of_scope, value
from tests.support import operations
from tests.support import watch_records as records
from tests.support.builders import NOW, SCOPE, crash_looping, deployment, missing, pod, replica_set, snapshot, stale
from tests.support.clocks import SteppedClock, WallClock
from tests.support.journal import journal
from tests.support.scheduled import Telling, at, schedule
from tests.support.twins import SnapshotCluster
from tests.support.waiting import in_background, until

DECISIVE = (Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS)


def meter_of_all() -> PrometheusMeter:
    return PrometheusMeter(verbs=("status",), version="1")


def crashing() -> Snapshot:
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    return snapshot(workload, replicas, pod(replicas, crash_looping()))


def sampler_of(
    meter: PrometheusMeter,
    store: Store,
    cluster: ClusterReader,
    scopes: Sequence[Scope] = (SCOPE,),
    *checks: Check,
    clock: SteppedClock | None = None,
    schedules: Sequence[Schedule] = (),
) -> Sampler:
    clock = clock or SteppedClock()
    readiness = Readiness(clock, checks)
    readiness.started()
    return Sampler(
        meter,
        readiness,
        store=store,
        cluster=cluster,
        scopes=scopes,
        clock=clock,
        schedules=schedules,
        calendar=CronCalendar(),
    )


async def test_the_gauges_say_what_is_there(store: PostgresStore) -> None:
    """The outbox of a real database, the checks, and the findings of a namespace."""
    async with store.transaction() as transaction:
        for number in range(3):
            await transaction.put(Post(Place(f"C{number}"), View("hello", ())))

    async def deaf() -> str:
        return "no socket"

    meter = meter_of_all()
    await sampler_of(meter, store, SnapshotCluster(crashing()), (SCOPE,), Check("slack", deaf)).sample()
    assert value(meter, "ragops_outbox_depth") == 3
    assert value(meter, "ragops_changes_open", state="unknown") == 0
    assert value(meter, "ragops_ready", check="slack") == 0
    assert value(meter, "ragops_replica_ready") == 0
    assert of_scope(meter, "ragops_findings") == {"CRASH_LOOP critical": 1}
    assert of_scope(meter, "ragops_verdict")["down"] == 1
    assert set(of_scope(meter, "ragops_watch_age_seconds")) == {part.value for part in Part}


async def test_open_requests_for_changes_are_counted_by_state(store: PostgresStore) -> None:
    """Of what has ended, a doubt alone, until somebody has looked."""
    names = itertools.count()

    async def kept(*steps: operations.Change) -> Operation:
        name = f"op-{next(names)}"
        return await operations.run_to(store, operations.operation(name, name=name), *steps)

    await kept()
    await kept()
    await kept(operations.approved)
    running = await kept(operations.approved, operations.claimed)
    await kept(operations.denied)
    doubt = await kept(operations.approved, operations.claimed, operations.lost)
    meter = meter_of_all()
    sampler = sampler_of(meter, store, SnapshotCluster(snapshot()))

    async def sampled() -> list[float | None]:
        await sampler.sample()
        states = ("waiting", "approved", "running", "unknown")
        return [value(meter, "ragops_changes_open", state=state) for state in states]

    assert await sampled() == [2, 1, 1, 1]
    await operations.change(store, doubt.id, lambda found: resolve(found, Resolution.UNDONE, "U-lea"))
    await operations.change(store, running.id, operations.failed)
    assert await sampled() == [2, 1, 0, 0]


async def test_alerts_are_counted_while_they_fire(store: PostgresStore) -> None:
    """Of all namespaces, each cause once; not those that still wait, nor those that are over."""
    mild = replace(records.episode("e3", cause="c", scope=records.WEB), severity=Severity.WARNING)
    waits = replace(records.episode("e4", cause="d", version=0), state=EpisodeState.WAITING, fired_at=None, channel="")
    over = replace(records.episode("e5", cause="e"), state=EpisodeState.RESOLVED, resolved_at=records.AT)
    both = [records.episode("e1", cause="a"), records.episode("e2", cause="b")]
    await records.save(store, *both, mild, waits, over)
    meter = meter_of_all()
    await sampler_of(meter, store, SnapshotCluster(snapshot())).sample()
    assert of_scope(meter, "ragops_episodes_open") == {"critical": 2, "warning": 1, "info": 0}


async def test_a_namespace_that_nobody_looks_at_grows_old(store: PostgresStore) -> None:
    """From the last look that any replica finished, however many were begun since; else from the first sample."""
    clock, meter = SteppedClock(datetime.now(UTC)), meter_of_all()
    sampler = sampler_of(meter, store, SnapshotCluster(snapshot()), clock=clock)
    name, tick = slot_of_looks(SCOPE), clock.now()

    async def age_after(seconds: float) -> float:
        clock.step(seconds)
        await sampler.sample()
        return of_scope(meter, "ragops_look_age_seconds")[""]

    assert [await age_after(0), await age_after(400)] == [0, 400]
    claim = await store.slots.begin(name, tick, lease_s=60)
    assert claim is not None
    assert await age_after(10) == 410
    async with store.transaction() as transaction:
        assert await transaction.finish_slot(claim, outcome="looked")
    assert await age_after(10) == pytest.approx(420, abs=30)
    for number in range(1, 8):
        assert await store.slots.begin(name, tick + timedelta(seconds=15 * number), lease_s=60)
    assert await age_after(300) == pytest.approx(720, abs=30)


async def test_a_digest_is_overdue_until_it_is_done_with(store: PostgresStore) -> None:
    """Whoever does it, and whatever becomes of it."""
    clock, meter = SteppedClock(at("2026-11-24 08:59")), meter_of_all()
    telling = Telling(schedule("0 9 * * *", name="morning"))
    runner = Runner([telling.job], store=store, calendar=CronCalendar(), clock=clock)
    sampler = sampler_of(meter, store, SnapshotCluster(snapshot()), clock=clock, schedules=[telling.schedule])

    async def overdue() -> float | None:
        await sampler.sample()
        return value(meter, "ragops_schedule_overdue_seconds", schedule="morning")

    await runner.step()
    assert await overdue() == 0
    clock.step(60)
    assert await overdue() == 0
    clock.step(400)
    assert await overdue() == 400
    await runner.step()
    assert await overdue() == 0


async def test_a_broken_release_of_a_simulated_cluster_is_measured(tmp_path: Path, store: PostgresStore) -> None:
    """Seen through the real watch cache; its findings leave when it cannot be seen, and come back."""
    async with simulated(tmp_path, "bad-release") as (_, server, http):
        clusters, meter = watching(http), meter_of_all()
        clock = WallClock()
        sampler = Sampler(meter, Readiness(clock), store=store, cluster=clusters, scopes=[SIMULATED], clock=clock)

        async def sampled() -> dict[str, float]:
            await sampler.sample()
            return of_scope(meter, "ragops_findings")

        async with in_background(clusters.run()):
            found = await until(sampled, bool)
            assert any(name.endswith(("critical", "warning")) for name in found)
            assert max(of_scope(meter, "ragops_watch_age_seconds").values()) < 60
            server.faults.add(Fault(FaultKind.UNREACHABLE))
            await until(sampled, lambda seen: not seen)
            assert of_scope(meter, "ragops_verdict")["unknown"] == 1
            assert of_scope(meter, "ragops_watch_age_seconds")
            server.faults.clear()
            await until(sampled, lambda seen: seen == found)


async def test_a_failure_is_counted_each_time_and_logged_once(store: PostgresStore) -> None:
    """By episode, with the end of it; meanwhile the gauges say that nothing is known."""
    cluster, meter = SnapshotCluster(crashing()), meter_of_all()
    sampler = sampler_of(meter, store, cluster)
    await sampler.sample()
    assert of_scope(meter, "ragops_findings")
    with journal() as kept:
        cluster.problem = ClusterUnreachable("The API server did not answer.")
        for _ in range(3):
            await sampler.sample()
        [told] = kept.events("sample_failed")
        assert told["what"] == "cluster"
        assert value(meter, "ragops_sample_failures_total", what="cluster") == 3
        assert of_scope(meter, "ragops_findings") == of_scope(meter, "ragops_watch_age_seconds") == {}
        assert of_scope(meter, "ragops_verdict")["unknown"] == 1
        cluster.problem = None
        await sampler.sample()
        await sampler.sample()
        assert len(kept.events("sample_recovered")) == 1
        cluster.problem = ClusterUnreachable("again")
        await sampler.sample()
        assert len(kept.events("sample_failed")) == 2


async def test_a_database_that_is_away_leaves_no_number_and_spoils_nothing_else(store_url: str) -> None:
    meter = meter_of_all()
    async with await PostgresStore.open(store_url) as store:
        sampler = sampler_of(meter, store, SnapshotCluster(crashing()))
        await sampler.sample()
        assert value(meter, "ragops_outbox_depth") == 0
        assert value(meter, "ragops_episodes_open", severity="critical") == 0
        assert of_scope(meter, "ragops_look_age_seconds") == {"": 0}
    with journal() as kept:
        await sampler.sample()
        assert [told["what"] for told in kept.events("sample_failed")] == ["outbox", "changes", "episodes", "slots"]
    assert math.isnan(value(meter, "ragops_outbox_depth") or 0)
    assert math.isnan(value(meter, "ragops_changes_open", state="unknown") or 0)
    assert math.isnan(value(meter, "ragops_episodes_open", severity="critical") or 0)
    assert of_scope(meter, "ragops_look_age_seconds") == {}
    assert of_scope(meter, "ragops_findings") == {"CRASH_LOOP critical": 1}


async def test_a_bug_does_not_end_the_bot(store: PostgresStore) -> None:
    """It is logged with its trace, once, and the other namespaces are looked at."""
    cluster, meter = SnapshotCluster(crashing()), meter_of_all()
    other = replace(SCOPE, cluster=type(SCOPE.cluster)("other"))

    def breaks() -> None:
        if cluster.asked[-1] == SCOPE:
            raise RuntimeError("a bug")

    cluster.on_look = breaks
    sampler = sampler_of(meter, store, cluster, (SCOPE, other))
    with journal() as kept:
        await sampler.sample()
        await sampler.sample()
        assert len(kept.events("sample_failed")) == 1
        assert "RuntimeError" in str(kept.events("sample_failed")[0])
    assert value(meter, "ragops_findings", cluster="other", namespace="shop", severity="critical", code="CRASH_LOOP")
    assert value(meter, "ragops_verdict", cluster="prod-eu", namespace="shop", verdict="unknown") == 1


async def test_it_looks_every_fifteen_seconds_until_cancelled(store: PostgresStore) -> None:
    """Also when the cancellation was swallowed by something below."""
    clock, cluster = SteppedClock(), SnapshotCluster(snapshot())
    sampler = sampler_of(meter_of_all(), store, cluster, clock=clock)
    running = asyncio.create_task(sampler.run())

    def swallow() -> None:
        if len(cluster.asked) == 3:
            running.cancel()

    cluster.on_look = swallow
    async with asyncio.timeout(60):
        await asyncio.wait({running})
    assert clock.slept[:3] == [FIRST_S, EVERY_S, EVERY_S]
    assert len(cluster.asked) <= 4


async def test_a_large_namespace_does_not_hold_the_loop_up(store: PostgresStore) -> None:
    """Six thousand pods that crash are diagnosed beside the loop, which goes on turning meanwhile."""
    workloads = [deployment(f"api-{number}", ready=0) for number in range(60)]
    sets = [replica_set(workload) for workload in workloads]
    shown = snapshot(*workloads, *sets, *(pod(replicas, crash_looping()) for replicas in sets for _ in range(100)))
    cluster, turns = SnapshotCluster(shown), [0]

    def looked() -> None:
        turns[0] = 0

    async def turn() -> None:
        while True:
            await asyncio.sleep(0)
            turns[0] += 1

    cluster.on_look = looked
    sampler = sampler_of(meter_of_all(), store, cluster)
    async with in_background(turn()):
        await sampler.sample()
        since_it_was_read = turns[0]
    assert since_it_was_read > 5


@pytest.mark.parametrize("status", [stale(120, "the API server is away"), missing("no right")])
def test_old_findings_of_a_blind_namespace_are_not_told_as_present(status: PartStatus) -> None:
    """Nothing decisive is live: the verdict is unknown, and only the ages are told."""
    seen = crashing()
    blind = replace(seen, parts={**seen.parts, **dict.fromkeys(DECISIVE, status)})
    figures = figures_of(blind, NOW)
    assert figures.verdict == "unknown"
    assert figures.findings == {}
    assert figures.ages.get("pods") in {120.0, None}
    assert figures.ages["nodes"] == 0
