"""The adapter against the simulated cluster: the whole way, with the faults that its API server can be told to have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cluster import Clusters, ContainerLogs, KubernetesHttp, OneShotReader, Timing, open_connection
from bot.cluster.resources import RESOURCES
from bot.domain.objects import Pod
from bot.domain.snapshot import ALL_PARTS, Freshness, LogKey, Part, Snapshot
from bot.domain.targets import ClusterName, Namespace, Scope
from sandbox.cluster.faults import Fault, FaultKind
from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from tests.support.clocks import WallClock
from tests.support.fake_api import names
from tests.support.waiting import in_background, until

CLUSTER = ClusterName("sandbox")
SCOPE = Scope(CLUSTER, Namespace("rag-engine"))
CLOCK = WallClock()
FAST = Timing(list_s=2, silence_s=1.0, refused_s=0.1, first_wait_s=0.02, longest_wait_s=0.1)
PODS = frozenset({Part.PODS})
WATCHED = frozenset(part for part, resource in RESOURCES.items() if resource.watched)
DELIVERY = timedelta(seconds=0.1)


@asynccontextmanager
async def simulated(folder: Path, scenario: str) -> AsyncIterator[tuple[World, ClusterServer, KubernetesHttp]]:
    """A world, its API server, and our transport to it."""
    world = load(scenario)
    async with ClusterServer(world.store, world, world) as server:
        server.write_kubeconfig(folder / "kubeconfig")
        connection = await open_connection(str(folder / "kubeconfig"))
        try:
            yield world, server, KubernetesHttp(connection, CLOCK, lambda: 0.5)
        finally:
            await connection.close()


def watching(http: KubernetesHttp) -> Clusters:
    return Clusters({CLUSTER: (http, [SCOPE.namespace])}, CLOCK, lambda: 0.5, timing=FAST)


def by_name(snapshot: Snapshot) -> dict[str, Pod]:
    return {pod.meta.name: pod for pod in snapshot.pods}


def freshness(snapshot: Snapshot) -> Freshness:
    return snapshot.status(Part.PODS).freshness


async def test_both_readers_see_the_same(tmp_path: Path) -> None:
    """Asked once or watched, the picture is one."""
    async with simulated(tmp_path, "everything") as (_, _, http):
        clusters = watching(http)
        async with in_background(clusters.run()):
            watched = await clusters.snapshot(SCOPE, ALL_PARTS)
        once = await OneShotReader({CLUSTER: http}, CLOCK).snapshot(SCOPE, ALL_PARTS)
    assert len(once.pods) > 5
    assert by_name(watched) == by_name(once)
    assert len(watched.workloads) == len(once.workloads)
    assert names(watched.nodes) == names(once.nodes)
    assert {status.freshness for status in (*watched.parts.values(), *once.parts.values())} == {Freshness.LIVE}


async def test_the_log_of_a_crash_is_read(tmp_path: Path) -> None:
    """From the run that crashed."""
    async with simulated(tmp_path, "bad-release") as (_, _, http):
        snapshot = await OneShotReader({CLUSTER: http}, CLOCK).snapshot(SCOPE, PODS)
        key = next(
            LogKey(pod.meta.name, container.name, previous=True)
            for pod in snapshot.pods
            for container in pod.containers
            if container.last_state is not None
        )
        excerpt = (await ContainerLogs({CLUSTER: http}).tails(SCOPE, [key], lines=20))[key]
    assert excerpt.lines
    assert not excerpt.problem


async def test_the_cache_follows_the_world(tmp_path: Path) -> None:
    """What happens there arrives here, down to the last version."""
    async with simulated(tmp_path, "bad-release") as (world, _, http):
        clusters = watching(http)
        async with in_background(clusters.run()):
            before = await clusters.snapshot(SCOPE, ALL_PARTS)
            world.advance(900)

            async def same() -> bool:
                watched = await clusters.snapshot(SCOPE, ALL_PARTS)
                once = await OneShotReader({CLUSTER: http}, CLOCK).snapshot(SCOPE, ALL_PARTS)
                return by_name(watched) == by_name(once) != by_name(before)

            await until(same, lambda is_same: is_same, within_s=60)


@pytest.mark.parametrize(
    ("fault", "is_noticed"),
    [
        (Fault(FaultKind.UNREACHABLE, seconds=0.5), True),
        (Fault(FaultKind.SILENCE, verb="watch", count=24), False),
        (Fault(FaultKind.DROP_WITHIN, verb="watch", count=24), True),
        (Fault(FaultKind.DROP_BEFORE, count=6), True),
        (Fault(FaultKind.STATUS, status=503, count=6), True),
        (Fault(FaultKind.STATUS, status=429, retry_after=0, count=6), True),
        (Fault(FaultKind.STATUS, verb="watch", status=410, count=2), True),
    ],
    ids=["unreachable", "silent watches", "dropped within", "dropped before", "503", "429", "410"],
)
async def test_after_any_fault_the_cache_catches_up(tmp_path: Path, fault: Fault, is_noticed: bool) -> None:
    """In the end the picture is true again, and no answer claimed a time whose changes it lacked.

    The exception is a watch that is silent while the server lives: only the missing bookmark tells.
    """
    async with simulated(tmp_path, "bad-release") as (world, server, http):
        clusters = watching(http)
        async with in_background(clusters.run()):
            await clusters.snapshot(SCOPE, ALL_PARTS)
            server.faults.add(fault)
            world.advance(600)
            changed_at = CLOCK.now()
            answers = [await _after(0.02, clusters) for _ in range(30)]
            server.faults.clear()
            truth = await OneShotReader({CLUSTER: http}, CLOCK).snapshot(SCOPE, PODS)
            healed = await until(
                lambda: clusters.snapshot(SCOPE, PODS),
                lambda seen: freshness(seen) is Freshness.LIVE and by_name(seen) == by_name(truth),
                within_s=60,
            )
    assert healed.as_of > changed_at
    false_claims = [a for a in answers if a.as_of > changed_at + DELIVERY and by_name(a) != by_name(truth)]
    assert not (false_claims and is_noticed)


async def _after(seconds: float, clusters: Clusters) -> Snapshot:
    await asyncio.sleep(seconds)
    return await clusters.snapshot(SCOPE, PODS)


async def test_a_cluster_that_is_gone_leaves_its_picture_with_its_age(tmp_path: Path) -> None:
    """Stale, and it says why."""
    async with simulated(tmp_path, "bad-release") as (_, server, http):
        clusters = watching(http)
        async with in_background(clusters.run()):
            first = await clusters.snapshot(SCOPE, ALL_PARTS)
            server.faults.add(Fault(FaultKind.UNREACHABLE))
            blind = await until(
                lambda: clusters.snapshot(SCOPE, ALL_PARTS),
                lambda seen: {seen.status(part).freshness for part in WATCHED} == {Freshness.STALE},
            )
    assert names(blind.pods) == names(first.pods)
    assert "127.0.0.1" in blind.status(Part.PODS).reason or "broke off" in blind.status(Part.PODS).reason
