"""What worked is remembered minute by minute: complete, ready for a minute, and without a finding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Consequence, Finding, Report, Severity
from bot.domain.live import metadata_of
from bot.domain.snapshot import ALL_PARTS, Freshness, Part, PartStatus
from bot.domain.targets import ObjectRef
from bot.engine.remembering import Memory, working_revisions
from bot.ports import RevisionSeen
from bot.store.store import PostgresStore
from sandbox.cluster.faults import Fault, FaultKind
from tests.support.carrying import Bench, bench_on
from tests.support.changing import NAMESPACE, SCOPE, deploy, edit, live_in, release, small_cluster
from tests.support.clocks import SteppedClock

API = ObjectRef("Deployment", NAMESPACE, "api")


@pytest.fixture
async def bench(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Bench]:
    """A cluster whose pods have been there for a while by the time of now."""
    async with bench_on(store, tmp_path, world=small_cluster(behind_s=3600)) as ready:
        deploy(ready.world, "api", "v1", "v2")
        yield ready


async def report(bench: Bench) -> Report:
    return diagnose(await bench.workshop.cluster.snapshot(SCOPE, ALL_PARTS))


async def seen(bench: Bench) -> tuple[RevisionSeen, ...]:
    return working_revisions(await report(bench))


async def test_a_complete_and_ready_deployment_is_seen_by_its_replica_set(bench: Bench) -> None:
    """The uid of the ReplicaSet names the revision; number and version are for people."""
    uids = {metadata_of(each)["uid"] for each in live_in(bench.world, "Deployment", "api").revisions}

    (found,) = await seen(bench)

    assert found.ref == API
    assert found.revision_uid in uids
    assert (found.number, found.version, found.pods) == (2, "v2", 2)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_other_workloads_are_seen_by_their_controller_revision(bench: Bench, kind: str) -> None:
    """Its name is what tells one revision from another."""
    bench.workload(kind, "db")
    names = {metadata_of(each)["name"] for each in live_in(bench.world, kind, "db").revisions}

    found = {each.ref.kind: each for each in await seen(bench)}

    assert {found[kind].revision_uid} == names
    assert found[kind].version == "v1"


def _restart_pod(bench: Bench) -> None:
    pod = bench.world.store.list("pods", NAMESPACE)[0]

    def just_ready(of: dict[str, object]) -> None:
        for condition in of["status"]["conditions"]:  # type: ignore[index]
            if condition["type"] == "Ready":
                condition["lastTransitionTime"] = bench.workshop.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    edit(bench.world, "pods", pod["metadata"]["name"], just_ready)


NOT_WORKING: dict[str, Callable[[Bench], object]] = {
    "a roll-out on its way": lambda bench: release(bench.world, "api", "v3"),
    "a pod that was not ready a minute ago": _restart_pod,
    "paused": lambda bench: edit(bench.world, "deployments", "api", lambda of: of["spec"].update(paused=True)),
    "nothing wanted": lambda bench: (
        edit(bench.world, "deployments", "api", lambda of: of["spec"].update(replicas=0)),
        bench.world.advance(60),
    ),
    "a pod on its way out": lambda bench: edit(
        bench.world,
        "pods",
        bench.world.store.list("pods", NAMESPACE)[0]["metadata"]["name"],
        lambda of: of["metadata"].update(deletionTimestamp="2026-11-24T22:00:00Z"),
    ),
}


@pytest.mark.parametrize("case", NOT_WORKING)
async def test_what_is_not_complete_and_steady_is_not_seen(bench: Bench, case: str) -> None:
    """Every doubt is a no: a minute less does no harm, a wrong one does."""
    NOT_WORKING[case](bench)

    assert await seen(bench) == ()


async def test_a_problem_is_no_work(bench: Bench) -> None:
    """A finding about it, or one that it feels, keeps the minute from counting; a remark does not."""
    found = await report(bench)
    problem = Finding(code="x", severity=Severity.WARNING, target=API, title="x", summary="x")
    other = replace(problem, target=ObjectRef("Deployment", NAMESPACE, "other"))
    felt = replace(other, consequences=(Consequence("y", API, "y", "y"),))

    assert working_revisions(replace(found, findings=(problem,))) == ()
    assert working_revisions(replace(found, findings=(felt,))) == ()
    assert len(working_revisions(replace(found, findings=(other,)))) == 1
    assert len(working_revisions(replace(found, findings=(replace(problem, severity=Severity.INFO),)))) == 1


@pytest.mark.parametrize("part", [Part.PODS, Part.DEPLOYMENTS, Part.REPLICA_SETS])
async def test_an_old_picture_says_nothing(bench: Bench, part: Part) -> None:
    """What is not seen as it is now may have stopped working."""
    found = await report(bench)
    old = {**found.snapshot.parts, part: PartStatus(Freshness.STALE, found.snapshot.observed_at)}

    assert working_revisions(replace(found, snapshot=replace(found.snapshot, parts=old))) == ()


# --- minute by minute -------------------------------------------------------------------------------------------------


async def test_a_minute_counts_once_over_all_replicas(bench: Bench) -> None:
    """Several replicas look in the same minute: it is noted once; the next minute counts again."""
    clock = SteppedClock()
    workshop = replace(bench.workshop, clock=clock)
    replicas = [Memory(workshop) for _ in range(3)]

    await asyncio.gather(*(each.step() for each in replicas))
    assert [each.minutes for each in await bench.store.record.worked(SCOPE, API)] == [1]
    assert not any([await each.step() for each in replicas])

    clock.step(60)
    await asyncio.gather(*(each.step() for each in replicas))
    (worked,) = await bench.store.record.worked(SCOPE, API)
    assert (worked.minutes, worked.number, worked.version) == (2, 2, "v2")


async def test_a_minute_that_nobody_could_see_is_not_noted(bench: Bench) -> None:
    """A cluster that cannot be read has not worked."""
    bench.server.faults.add(Fault(FaultKind.STATUS, verb="list", status=403))

    assert await Memory(bench.workshop).step()

    assert await bench.store.record.worked(SCOPE, API) == ()
