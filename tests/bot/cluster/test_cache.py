"""Answers from the watch cache, and of the reader that asks once: what is known, how old it is, what is missing."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.cluster import Clusters, KubernetesHttp, OneShotReader, Timing
from bot.cluster.assemble import OF_THE_CLUSTER
from bot.cluster.cache import ESSENTIAL
from bot.cluster.resources import RESOURCES
from bot.cluster.runs import RunId
from bot.domain.snapshot import ALL_PARTS, Freshness, LogKey, Part
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.errors import ClusterNotFound, ClusterUnauthorized, ClusterUnreachable, UsageError
from tests.support.clocks import WallClock
from tests.support.fake_api import FakeApi, connected, names, page, pod, silence, status, text, watch
from tests.support.waiting import in_background, until

CLUSTER, SHOP = ClusterName("prod"), Namespace("shop")
SCOPE = Scope(CLUSTER, SHOP)
PODS_ONLY = frozenset({Part.PODS})
FAST = Timing(list_s=30, silence_s=5, refused_s=0.05, first_wait_s=0.01, longest_wait_s=0.05)


def fill(api: FakeApi) -> None:
    """Every list has nothing but one pod; every watch is open and quiet."""
    for part, resource in RESOURCES.items():
        path = resource.path(SHOP)
        api.on(path, page(pod("a")) if part is Part.PODS else page())
        api.on(path + "?watch", watch())


def path_of(part: Part) -> str:
    return RESOURCES[part].path(SHOP)


def clusters_of(http: KubernetesHttp, *, patience_s: float = 60.0, timing: Timing = FAST) -> Clusters:
    return Clusters({CLUSTER: (http, [SHOP])}, WallClock(), lambda: 0.5, timing=timing, patience_s=patience_s)


async def test_an_early_question_waits_for_the_first_lists(api: FakeApi, http: KubernetesHttp) -> None:
    """All parts are live and a second answer costs no request."""
    fill(api)
    clusters = clusters_of(http)
    async with in_background(clusters.run()):
        snapshot = await clusters.snapshot(SCOPE, ALL_PARTS)
        asked = len([1 for _, query in api.asked if "watch" not in query])
        again = await clusters.snapshot(SCOPE, PODS_ONLY)
        assert len([1 for _, query in api.asked if "watch" not in query]) == asked
    assert {status.freshness for status in snapshot.parts.values()} == {Freshness.LIVE}
    assert set(snapshot.parts) == ALL_PARTS
    assert names(again.pods) == ["a"]
    assert again.status(Part.NODES).reason == "not asked for"
    assert snapshot.age < timedelta(minutes=1)


async def test_a_refused_part_is_missing_with_the_right_it_needs(api: FakeApi, http: KubernetesHttp) -> None:
    """The rest is answered."""
    fill(api)
    api.on(
        path_of(Part.NODES),
        status(403, 'nodes is forbidden: User "bot" cannot list resource "nodes" in API group "" at the cluster scope'),
    )
    for reader in (clusters_of(http), OneShotReader({CLUSTER: http}, WallClock())):
        async with in_background(reader.run() if isinstance(reader, Clusters) else asyncio.sleep(0)):
            snapshot = await reader.snapshot(SCOPE, ALL_PARTS)
        assert snapshot.status(Part.NODES).freshness is Freshness.MISSING
        assert snapshot.status(Part.NODES).reason == "no right to list them for bot"
        assert snapshot.status(Part.PODS).freshness is Freshness.LIVE
        assert not snapshot.has(Part.NODES)


@pytest.mark.parametrize("slow", sorted(ALL_PARTS - ESSENTIAL))
async def test_an_early_question_does_not_wait_for_what_is_not_essential(
    api: FakeApi, http: KubernetesHttp, slow: Part
) -> None:
    """A part that is slow is missing for once; the patience is for pods, workloads and their revisions."""
    fill(api)
    api.on(path_of(slow), silence())
    clusters = clusters_of(http, patience_s=100, timing=Timing())
    async with in_background(clusters.run()), asyncio.timeout(50):
        snapshot = await clusters.snapshot(SCOPE, ALL_PARTS)
    assert snapshot.status(slow).freshness is Freshness.MISSING
    assert snapshot.status(slow).reason == "not read yet"
    assert {status.freshness for part, status in snapshot.parts.items() if part is not slow} == {Freshness.LIVE}


async def test_a_slow_essential_part_is_waited_for_but_not_for_long(api: FakeApi, http: KubernetesHttp) -> None:
    """What has not answered in time is said; the rest is answered."""
    fill(api)
    api.on(path_of(Part.REPLICA_SETS), silence())
    clusters = clusters_of(http, patience_s=1.5, timing=Timing())
    async with in_background(clusters.run()), asyncio.timeout(50):
        began = time.monotonic()
        snapshot = await clusters.snapshot(SCOPE, ALL_PARTS)
        assert time.monotonic() - began >= 1.5
    assert snapshot.status(Part.REPLICA_SETS).reason == "not read yet"
    assert snapshot.status(Part.PODS).freshness is Freshness.LIVE


async def test_a_question_about_other_parts_alone_waits_for_them(api: FakeApi, http: KubernetesHttp) -> None:
    """Nothing essential is wanted, so there is nothing else to wait for."""
    fill(api)

    async def late(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.6)
        return await page()(request)

    api.on(path_of(Part.EVENTS), late)
    api.on("/api/v1/namespaces/shop", text("{}"))
    clusters = clusters_of(http, timing=Timing())
    async with in_background(clusters.run()):
        snapshot = await clusters.snapshot(SCOPE, frozenset({Part.EVENTS}))
    assert snapshot.status(Part.EVENTS).freshness is Freshness.LIVE


async def test_when_nothing_was_ever_read_the_reason_is_raised(tmp_path: Path, unused_tcp_port: int) -> None:
    """Nobody listens: an error, not an empty picture; and the cache keeps trying."""
    async with connected(f"http://127.0.0.1:{unused_tcp_port}", tmp_path) as connection:
        http = KubernetesHttp(connection, WallClock(), lambda: 0.5)
        clusters = clusters_of(http, patience_s=60, timing=Timing())
        async with in_background(clusters.run()):
            with pytest.raises(ClusterUnreachable, match="No connection"):
                await clusters.snapshot(SCOPE, ALL_PARTS)
        with pytest.raises(ClusterUnreachable, match="No connection"):
            await OneShotReader({CLUSTER: http}, WallClock()).snapshot(SCOPE, ALL_PARTS)


async def test_bad_credentials_are_raised(api: FakeApi, http: KubernetesHttp) -> None:
    """401 everywhere."""
    for part in RESOURCES:
        api.on(path_of(part), status(401, "Unauthorized"))
    api.on("/readyz", status(401, "Unauthorized"))
    clusters = clusters_of(http)
    async with in_background(clusters.run()):
        with pytest.raises(ClusterUnauthorized):
            await clusters.snapshot(SCOPE, ALL_PARTS)
    with pytest.raises(ClusterUnauthorized):
        await OneShotReader({CLUSTER: http}, WallClock()).snapshot(SCOPE, ALL_PARTS)


async def test_a_broken_watch_leaves_the_old_picture_with_its_age(api: FakeApi, http: KubernetesHttp) -> None:
    """The pods are still shown, as of the last sign of life."""
    fill(api)
    api.on(path_of(Part.PODS) + "?watch", watch(then="drop"), status(503, "down"))
    clusters = clusters_of(http)
    async with in_background(clusters.run()):
        snapshot = await until(
            lambda: clusters.snapshot(SCOPE, ALL_PARTS),
            lambda seen: seen.status(Part.PODS).freshness is Freshness.STALE,
        )
    assert names(snapshot.pods) == ["a"]
    as_of = snapshot.status(Part.PODS).as_of
    assert as_of is not None
    assert snapshot.as_of <= as_of < snapshot.observed_at
    assert snapshot.status(Part.PODS).reason
    assert snapshot.status(Part.DEPLOYMENTS).freshness is Freshness.LIVE


async def test_a_namespace_that_does_not_exist_is_an_error(api: FakeApi, http: KubernetesHttp) -> None:
    """The server lists it as an empty one."""
    fill(api)
    api.on(path_of(Part.PODS), page())
    api.on("/api/v1/namespaces/shop", status(404, 'namespaces "shop" not found'))
    clusters = clusters_of(http)
    async with in_background(clusters.run()):
        with pytest.raises(ClusterNotFound, match="no namespace 'shop' on prod"):
            await clusters.snapshot(SCOPE, ALL_PARTS)
    with pytest.raises(ClusterNotFound, match="no namespace 'shop' on prod"):
        await OneShotReader({CLUSTER: http}, WallClock()).snapshot(SCOPE, ALL_PARTS)


async def test_whether_it_exists_may_be_a_secret(api: FakeApi, http: KubernetesHttp) -> None:
    """Without the right to look, an empty namespace is answered as it is."""
    fill(api)
    api.on(path_of(Part.PODS), page())
    api.on("/api/v1/namespaces/shop", status(403, "no"))
    assert (await OneShotReader({CLUSTER: http}, WallClock()).snapshot(SCOPE, PODS_ONLY)).pods == ()


async def test_what_is_not_configured_is_told_with_what_is(api: FakeApi, http: KubernetesHttp) -> None:
    """A slip of the finger gets a suggestion."""
    clusters = clusters_of(http)
    with pytest.raises(UsageError) as cluster:
        await clusters.snapshot(Scope(ClusterName("prd"), SHOP), PODS_ONLY)
    with pytest.raises(UsageError) as namespace:
        await clusters.snapshot(Scope(CLUSTER, Namespace("shopp")), PODS_ONLY)
    with pytest.raises(UsageError) as once:
        await OneShotReader({CLUSTER: http}, WallClock()).snapshot(Scope(ClusterName("x"), SHOP), PODS_ONLY)
    assert cluster.value.suggestions == ("--cluster prod",)
    assert namespace.value.suggestions == ("-n shop",)
    assert once.value.suggestions == ("--cluster prod",)
    assert api.asked == []


async def test_what_belongs_to_the_cluster_is_read_once_for_all_namespaces(api: FakeApi, http: KubernetesHttp) -> None:
    """Nodes, what they use, and storage classes."""
    fill(api)
    clusters = Clusters({CLUSTER: (http, [SHOP, Namespace("bar")])}, WallClock(), lambda: 0.5, timing=FAST)
    async with in_background(clusters.run()):
        await clusters.snapshot(SCOPE, ALL_PARTS)
    assert {part: api.times(path_of(part)) for part in OF_THE_CLUSTER} == dict.fromkeys(OF_THE_CLUSTER, 1)


async def test_the_run_of_a_container_is_known_from_the_cache(api: FakeApi, http: KubernetesHttp) -> None:
    """Uid, number and end name the run whose log is remembered."""
    fill(api)
    crashed = pod("a")
    ended = {"exitCode": 1, "finishedAt": "2026-11-24T22:00:00Z"}
    state = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}}
    crashed["status"]["containerStatuses"] = [{"name": "main", "restartCount": 3, **state}]
    api.on(path_of(Part.PODS), page(crashed))
    clusters = clusters_of(http)
    async with in_background(clusters.run()):
        await clusters.snapshot(SCOPE, PODS_ONLY)
        run = clusters.run_of(SCOPE, LogKey("a", "main", previous=True))
        assert run == RunId("uid-a", "main", 3, datetime(2026, 11, 24, 22, tzinfo=UTC))
        assert clusters.run_of(SCOPE, LogKey("a", "other", previous=True)) is None
        assert clusters.run_of(SCOPE, LogKey("b", "main", previous=True)) is None


async def test_five_thousand_pods_are_answered_at_once(api: FakeApi, http: KubernetesHttp) -> None:
    """A snapshot copies references, not pods."""
    fill(api)
    pods = [pod(f"pod-{number:04}") for number in range(5000)]
    api.on(
        path_of(Part.PODS),
        *(page(*pods[at : at + 250], more="" if at + 250 >= 5000 else str(at)) for at in range(0, 5000, 250)),
    )
    clusters = Clusters({CLUSTER: (http, [SHOP])}, WallClock(), lambda: 0.5, patience_s=100)
    async with in_background(clusters.run()):
        before = await clusters.snapshot(SCOPE, ALL_PARTS)
        snapshot = await clusters.snapshot(SCOPE, ALL_PARTS)
    assert len(snapshot.pods) == 5000
    assert {id(each) for each in snapshot.pods} == {id(each) for each in before.pods}
