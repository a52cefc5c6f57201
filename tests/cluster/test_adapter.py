"""The adapter's promises against a real API server, with a network that breaks in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.cluster import (
    Clusters,
    Connection,
    ContainerLogs,
    KubernetesHttp,
    OneShotReader,
    Retries,
    Timing,
    open_connection,
)
from bot.domain.objects import Terminated, Waiting
from bot.domain.snapshot import ALL_PARTS, Freshness, LogKey, LogQuery, Part, Snapshot
from bot.domain.targets import Namespace, Scope
from bot.errors import ClusterNotFound, ClusterUnreachable
from tests.support.clocks import WallClock
from tests.support.hands import Hands
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import in_background, until

CLOCK = WallClock()
PODS = frozenset({Part.PODS})
FAST = Timing(first_wait_s=0.1, longest_wait_s=0.5)
CRASH = "echo starting; echo password=hunter22; echo FATAL: no database; exit 3"


@pytest.fixture
async def through_proxy(
    connection: Connection, scope: Scope, kubeconfig: str
) -> AsyncIterator[tuple[TcpProxy, Clusters]]:
    """Watch caches whose only way to the server is a proxy."""
    far = urlsplit(connection.host)
    own = await open_connection(kubeconfig)
    async with TcpProxy(far.hostname or "", far.port or 443).running() as proxy:
        own.api.configuration.host = f"https://127.0.0.1:{proxy.port}"
        http = KubernetesHttp(own, CLOCK, lambda: 0.5, retries=Retries(tries=2, first_wait_s=0.05))
        try:
            yield proxy, Clusters({scope.cluster: (http, [scope.namespace])}, CLOCK, lambda: 0.5, timing=FAST)
        finally:
            await own.close()


async def test_a_crash_loop_is_seen_with_its_last_run_and_its_log(
    http: KubernetesHttp, hands: Hands, scope: Scope
) -> None:
    """One read tells the exit code and the log tells why; what looks like a password is masked."""
    await hands.deployment(scope.namespace, "crashing", CRASH)
    reader = OneShotReader({scope.cluster: http}, CLOCK)

    def restarted(snapshot: Snapshot) -> bool:
        return any(c.restart_count and c.last_state for pod in snapshot.pods for c in pod.containers)

    snapshot = await until(lambda: reader.snapshot(scope, ALL_PARTS), restarted)

    [pod] = snapshot.pods
    [container] = pod.containers
    assert isinstance(container.last_state, Terminated)
    assert container.last_state.exit_code == 3
    assert {status.freshness for status in snapshot.parts.values()} == {Freshness.LIVE}
    assert snapshot.workloads[0].desired == 1
    assert {event.reason for event in snapshot.events} >= {"Scheduled", "Created"}
    key = LogKey(pod.meta.name, "main", previous=not isinstance(container.state, Terminated))
    excerpts = await ContainerLogs({scope.cluster: http}).tails(scope, [key], lines=10)
    assert excerpts[key].lines == ("starting", "password=[masked]", "FATAL: no database")
    assert excerpts[key].masked == 1


async def test_a_container_that_waits_has_no_log_but_a_reason(http: KubernetesHttp, hands: Hands, scope: Scope) -> None:
    """An image that cannot be pulled is said in words, not as an empty log."""
    await hands.deployment(scope.namespace, "unpullable", "", image="registry.invalid/nothing:1")
    reader = OneShotReader({scope.cluster: http}, CLOCK)
    snapshot = await until(
        lambda: reader.snapshot(scope, PODS),
        lambda seen: any(isinstance(c.state, Waiting) for pod in seen.pods for c in pod.containers),
    )
    key = LogKey(snapshot.pods[0].meta.name, "main", previous=False)

    excerpt = (await ContainerLogs({scope.cluster: http}).tails(scope, [key], lines=10))[key]

    assert not excerpt.lines
    assert excerpt.problem.startswith("the container has not started: ")


async def test_the_log_of_a_crash_is_there_before_anybody_asks(
    http: KubernetesHttp, hands: Hands, scope: Scope
) -> None:
    """The cache sees the crash and fetches it; the answer later is that log, with the times of its lines."""
    clusters = Clusters({scope.cluster: (http, [scope.namespace])}, CLOCK, lambda: 0.5)
    async with in_background(clusters.run()):
        assert (await clusters.snapshot(scope, PODS)).pods == ()
        await hands.deployment(scope.namespace, "crashing", CRASH)

        async def remembered() -> LogKey | None:
            for pod in (await clusters.snapshot(scope, PODS)).pods:
                for previous in (False, True):
                    key = LogKey(pod.meta.name, "main", previous=previous)
                    run = clusters.run_of(scope, key)
                    if run is not None and clusters.logs.remembers(scope, run):
                        return key
            return None

        key = await until(remembered, bool)
        assert key is not None
        read = (await clusters.logs.read(scope, [LogQuery(key=key, tail=2)]))[key]
    assert [line.text for line in read.lines] == ["password=[masked]", "FATAL: no database"]
    assert all(line.at is not None for line in read.lines)


async def test_a_namespace_that_does_not_exist_is_no_healthy_one(http: KubernetesHttp, scope: Scope) -> None:
    """The API lists a namespace that is not there as an empty one; we do not."""
    with pytest.raises(ClusterNotFound, match="no namespace"):
        await OneShotReader({scope.cluster: http}, CLOCK).snapshot(replace(scope, namespace=Namespace("nope")), PODS)


async def test_the_cache_follows_what_happens(http: KubernetesHttp, hands: Hands, scope: Scope) -> None:
    """A new object is in the cache without anybody listing again."""
    clusters = Clusters({scope.cluster: (http, [scope.namespace])}, CLOCK, lambda: 0.5)
    async with in_background(clusters.run()):
        assert (await clusters.snapshot(scope, ALL_PARTS)).pods == ()

        await hands.deployment(scope.namespace, "quiet", "sleep 1000")

        running = await until(
            lambda: clusters.snapshot(scope, ALL_PARTS), lambda seen: seen.pods and seen.pods[0].is_ready
        )
    assert {status.freshness for status in running.parts.values()} == {Freshness.LIVE}
    assert running.age < timedelta(seconds=11)


async def test_after_a_cut_the_cache_says_since_when_it_is_blind(
    through_proxy: tuple[TcpProxy, Clusters], hands: Hands, scope: Scope
) -> None:
    """Cut: stale with the age of the last sign of life. Healed: live, with what happened meanwhile."""
    proxy, clusters = through_proxy
    async with in_background(clusters.run()):
        await clusters.snapshot(scope, ALL_PARTS)
        cut_at = datetime.now(UTC)
        await proxy.cut()

        blind = await until(
            lambda: clusters.snapshot(scope, PODS), lambda seen: seen.status(Part.PODS).freshness is Freshness.STALE
        )
        await hands.deployment(scope.namespace, "meanwhile", "sleep 1000")
        assert blind.as_of <= cut_at + timedelta(seconds=0.5)
        assert "127.0.0.1" in blind.status(Part.PODS).reason or "broke off" in blind.status(Part.PODS).reason

        await proxy.heal()
        healed = await until(lambda: clusters.snapshot(scope, PODS), lambda seen: seen.as_of > blind.observed_at)
    assert healed.status(Part.PODS).freshness is Freshness.LIVE
    assert [pod.meta.labels["app"] for pod in healed.pods] == ["meanwhile"]


async def test_a_frozen_server_makes_answers_stale_within_seconds(
    through_proxy: tuple[TcpProxy, Clusters], scope: Scope
) -> None:
    """Connections stand, nothing moves: an answer asked for 10 s later is stale, not healthy."""
    proxy, clusters = through_proxy
    async with in_background(clusters.run()):
        await clusters.snapshot(scope, ALL_PARTS)
        frozen_at = datetime.now(UTC)
        proxy.freeze()

        first = await clusters.snapshot(scope, PODS)
        assert first.as_of <= frozen_at + timedelta(seconds=0.5)

        await asyncio.sleep(10.5)
        blind = await clusters.snapshot(scope, PODS)
        assert blind.status(Part.PODS).freshness is Freshness.STALE
        assert "did not answer in time" in blind.status(Part.PODS).reason
        assert blind.as_of <= frozen_at + timedelta(seconds=0.5)
        assert blind.observed_at - frozen_at < timedelta(seconds=14)

        await proxy.heal()
        await until(
            lambda: clusters.snapshot(scope, PODS), lambda seen: seen.status(Part.PODS).freshness is Freshness.LIVE
        )


async def test_a_server_that_is_down_at_the_start_is_said_and_waited_for(
    through_proxy: tuple[TcpProxy, Clusters], scope: Scope
) -> None:
    """The bot starts; the first answer is an error; once the server is there, it is read."""
    proxy, clusters = through_proxy
    await proxy.cut()
    async with in_background(clusters.run()):
        with pytest.raises(ClusterUnreachable, match=r"No connection to 127\.0\.0\.1"):
            await clusters.snapshot(scope, ALL_PARTS)
        await proxy.heal()

        async def read() -> Snapshot | None:
            try:
                return await clusters.snapshot(scope, PODS)
            except ClusterUnreachable:
                return None

        await until(read, lambda seen: seen is not None and seen.status(Part.PODS).freshness is Freshness.LIVE)


async def test_an_account_without_rights_is_told_which_right_is_missing(
    connection: Connection, hands: Hands, scope: Scope, tmp_path: Path
) -> None:
    """What may not be read is missing with the right that is needed; it is not empty."""
    base = f"/api/v1/namespaces/{scope.namespace}/serviceaccounts"
    await hands.send("POST", base, {"metadata": {"name": "weak"}})
    token = await hands.send("POST", f"{base}/weak/token", {"spec": {"expirationSeconds": 600}})
    narrow = await open_connection(str(_kubeconfig(tmp_path, connection, token["status"]["token"])))
    try:
        reader = OneShotReader({scope.cluster: KubernetesHttp(narrow, CLOCK, lambda: 0.5)}, CLOCK)

        snapshot = await reader.snapshot(scope, frozenset({Part.PODS, Part.NODES}))
    finally:
        await narrow.close()
    reason = snapshot.status(Part.NODES).reason
    assert snapshot.status(Part.NODES).freshness is Freshness.MISSING
    assert reason == f"no right to list them for system:serviceaccount:{scope.namespace}:weak"


def _kubeconfig(folder: Path, connection: Connection, token: str) -> Path:
    """Write a kubeconfig that reaches the same server with a token alone."""
    cluster = {"server": connection.host, "certificate-authority": connection.api.configuration.ssl_ca_cert}
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "current-context": "narrow",
                "contexts": [{"name": "narrow", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": token}}],
            }
        )
    )
    return path
