"""Quotas, backups and certificates: from a server that plays the API server, and from the simulated cluster."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cluster import ClusterExtras, KubernetesHttp, open_connection
from bot.cluster.extras import MOST_BACKUPS
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.extras import Backup, IssuedCertificate, Quota
from bot.errors import ClusterFault, ClusterForbidden, ClusterNotFound, ClusterUnreachable, UsageError
from sandbox.cluster.api.access import Deny
from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.world import World
from tests.support.clocks import SteppedClock, WallClock
from tests.support.fake_api import FakeApi, page, status, text

CLUSTER = ClusterName("here")
SHOP = Scope(CLUSTER, Namespace("shop"))
QUOTAS = "/api/v1/namespaces/shop/resourcequotas"
BACKUPS = "/apis/velero.io/v1/backups"
CERTIFICATES = "/apis/cert-manager.io/v1/namespaces/shop/certificates"
RAG = Scope(CLUSTER, Namespace("rag-engine"))
NOW = datetime(2026, 11, 24, 14, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def extras(http: KubernetesHttp, clock: SteppedClock) -> ClusterExtras:
    return ClusterExtras({CLUSTER: http}, clock)


def refused(plural: str, where: str) -> str:
    return f'{plural} is forbidden: User "bot" cannot list resource {where}'


# --- quotas -----------------------------------------------------------------------------------------------------------


def quota(hard: Mapping[str, Any], used: Mapping[str, Any] | None = None, name: str = "q") -> dict[str, Any]:
    counted = {} if used is None else {"status": {"hard": hard, "used": used}}
    return {"metadata": {"name": name}, "spec": {"hard": hard}, **counted}


async def test_every_figure_of_every_quota_is_told_with_its_share(api: FakeApi, extras: ClusterExtras) -> None:
    """Shares are of what the quantities mean, not of how they are written."""
    compute = quota({"requests.memory": "2Gi", "pods": "10"}, {"pods": "9", "requests.memory": "1536Mi"})
    gpu = quota({"requests.cpu": "1"}, {"requests.cpu": "250m"}, "cpu")
    api.on(QUOTAS, page(compute, more="t"), page(gpu))
    assert await extras.quotas(SHOP) == (
        Quota(name="q", resource="pods", used="9", hard="10", share=0.9),
        Quota(name="q", resource="requests.memory", used="1536Mi", hard="2Gi", share=0.75),
        Quota(name="cpu", resource="requests.cpu", used="250m", hard="1", share=0.25),
    )


@pytest.mark.parametrize(
    ("hard", "used", "share"),
    [
        ("0", "0", None),  # nothing is allowed: that is a rule, and no shortage
        ("10", None, None),
        ("10", "11", 1.1),
        ("nonsense", "1", None),
        ("1e999", "1", 0.0),
        ("1e-999", "1e999", None),
        (10, 5, 0.5),
    ],
)
async def test_where_there_is_no_share_there_is_none(
    api: FakeApi, extras: ClusterExtras, hard: Any, used: Any, share: float | None
) -> None:
    api.on(QUOTAS, page(quota({"pods": hard}, {} if used is None else {"pods": used})))
    [figure] = await extras.quotas(SHOP)
    assert figure.share == (None if share is None else pytest.approx(share))


async def test_a_quota_that_nobody_counted_yet_shows_its_bounds(api: FakeApi, extras: ClusterExtras) -> None:
    api.on(QUOTAS, page(quota({"pods": "10"}), {"metadata": {"name": "empty"}}))
    assert await extras.quotas(SHOP) == (Quota(name="q", resource="pods", used="", hard="10", share=None),)


async def test_what_quotas_call_themselves_cannot_steer_a_terminal(api: FakeApi, extras: ClusterExtras) -> None:
    api.on(QUOTAS, page(quota({"po\x1b[31mds\u202e": "1" * 400}, name="q\x07")))
    [figure] = await extras.quotas(SHOP)
    assert (figure.name, figure.resource, len(figure.hard)) == ("q", "pods", 40)


async def test_a_missing_right_is_named_and_how_to_grant_it(api: FakeApi, extras: ClusterExtras) -> None:
    where = '"resourcequotas" in API group "" in the namespace "shop"'
    api.on(QUOTAS, status(403, refused("resourcequotas", where)))
    with pytest.raises(ClusterForbidden, match="The right to list resourcequotas in namespace shop is missing") as told:
        await extras.quotas(SHOP)
    assert "components/reader" in told.value.advice


@pytest.mark.parametrize("body", ["", "nonsense", "{}", '{"metadata":{}}', '{"metadata":{},"items":[{}]}'])
async def test_what_is_no_list_is_never_an_empty_one(api: FakeApi, extras: ClusterExtras, body: str) -> None:
    api.on(QUOTAS, text(body))
    with pytest.raises(ClusterFault, match="cannot be read"):
        await extras.quotas(SHOP)


# --- backups ----------------------------------------------------------------------------------------------------------


def backup(name: str, at: datetime | None = None, **status: Any) -> dict[str, Any]:
    started = {} if at is None else {"startTimestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    meta = {"name": name, "namespace": "velero", "labels": {"velero.io/schedule-name": "nightly"}}
    return {"metadata": meta, "spec": {"includedNamespaces": ["shop"]}, "status": {**started, **status}}


async def test_a_backup_is_told_whole(api: FakeApi, extras: ClusterExtras) -> None:
    whole = backup(
        "nightly-1",
        NOW,
        phase="PartiallyFailed",
        completionTimestamp="2026-11-24T14:11:00Z",
        expiration="2026-12-24T14:08:00Z",
        errors=3,
        warnings=1,
    )
    api.on(BACKUPS, page(whole))
    assert await extras.backups(CLUSTER) == (
        Backup(
            name="nightly-1",
            phase="PartiallyFailed",
            started_at=NOW,
            completed_at=NOW + timedelta(minutes=3),
            expires_at=NOW + timedelta(days=30),
            errors=3,
            warnings=1,
            namespaces=("shop",),
            schedule="nightly",
        ),
    )


async def test_the_newest_backups_come_first_over_all_namespaces(api: FakeApi, extras: ClusterExtras) -> None:
    """The API lists by name; two of the same name are two; one that waits counts from when it was asked for."""
    waiting = backup("waits", phase="New")
    waiting["metadata"]["creationTimestamp"] = "2026-11-24T15:00:00Z"
    other = backup("a", NOW - timedelta(days=2))
    other["metadata"]["namespace"] = "velero-2"
    api.on(BACKUPS, page(backup("a", NOW - timedelta(days=1)), other, more="t"), page(backup("b", NOW), waiting))
    found = await extras.backups(CLUSTER)
    assert [(each.name, each.started_at) for each in found] == [
        ("waits", None),
        ("b", NOW),
        ("a", NOW - timedelta(days=1)),
        ("a", NOW - timedelta(days=2)),
    ]


async def test_of_very_many_backups_the_newest_are_kept(api: FakeApi, extras: ClusterExtras) -> None:
    """Wherever in the list they stand."""
    many = [backup(f"b{number:05}", NOW + timedelta(minutes=number)) for number in range(MOST_BACKUPS + 500)]
    pages = [many[at : at + 250] for at in range(0, len(many), 250)]
    api.on(BACKUPS, *(page(*each, more="" if each is pages[-1] else "t") for each in pages))
    found = await extras.backups(CLUSTER)
    assert len(found) == MOST_BACKUPS
    assert (found[0].name, found[-1].name) == ("b02499", "b00500")


async def test_a_list_without_end_is_a_fault(api: FakeApi, extras: ClusterExtras) -> None:
    api.on(BACKUPS, page(backup("a", NOW), more="again"))
    with pytest.raises(ClusterFault, match="more than 50000"):
        await extras.backups(CLUSTER)


async def test_a_token_that_grew_old_starts_the_list_over(api: FakeApi, extras: ClusterExtras) -> None:
    api.on(BACKUPS, page(backup("gone", NOW), more="t"), status(410, "too old"), page(backup("a", NOW)))
    assert [each.name for each in await extras.backups(CLUSTER)] == ["a"]


@pytest.mark.parametrize("broken", [{}, {"spec": None, "status": None}, {"status": {"phase": None, "errors": None}}])
async def test_a_backup_that_says_little_is_one(api: FakeApi, extras: ClusterExtras, broken: dict[str, Any]) -> None:
    api.on(BACKUPS, page({"metadata": {"name": "b"}, **broken}))
    [found] = await extras.backups(CLUSTER)
    assert found == Backup(name="b", phase="", started_at=None, completed_at=None)


@pytest.mark.parametrize(
    ("namespaces", "excluded", "covered"),
    [
        ((), (), True),
        (("*",), (), True),
        (("shop",), (), True),
        (("other",), (), False),
        (("sh*",), (), True),
        (("*",), ("shop",), False),
        ((), ("other",), True),
    ],
)
def test_whether_a_namespace_is_in_a_backup(
    namespaces: tuple[str, ...], excluded: tuple[str, ...], *, covered: bool
) -> None:
    made = Backup(
        name="b", phase="Completed", started_at=None, completed_at=None, namespaces=namespaces, excluded=excluded
    )
    assert made.covers("shop") is covered


# --- certificates -----------------------------------------------------------------------------------------------------


async def test_a_certificate_is_told_whole(api: FakeApi, extras: ClusterExtras) -> None:
    """Its names once each; why a renewal fails, redacted, though the old one is still good."""
    conditions = [
        {"type": "Ready", "status": "True", "message": "up to date"},
        {"type": "Issuing", "status": "False", "message": "order failed: token=hunter2hunter2 \x1b[31m"},
    ]
    spec = {"secretName": "tls", "commonName": "a.example", "dnsNames": ["a.example", "b.example"]}
    times = {"notAfter": "2026-12-01T00:00:00Z", "renewalTime": "2026-11-01T00:00:00Z"}
    told = {"conditions": conditions, **times, "revision": 4, "failedIssuanceAttempts": 2}
    api.on(CERTIFICATES, page({"metadata": {"name": "web"}, "spec": spec, "status": told}))
    [found] = await extras.certificates(SHOP)
    assert found == IssuedCertificate(
        name="web",
        secret_name="tls",
        names=("a.example", "b.example"),
        ready=True,
        not_after=datetime(2026, 12, 1, tzinfo=UTC),
        renewal_at=datetime(2026, 11, 1, tzinfo=UTC),
        revision=4,
        failed_attempts=2,
        words=found.words,
    )
    assert found.words == "order failed: token=[masked] "


@pytest.mark.parametrize(
    ("conditions", "ready", "words"),
    [
        (None, None, ""),
        ([{"type": "Ready", "status": "Unknown", "message": "nobody looked"}], None, "nobody looked"),
        ([{"type": "Ready", "status": "False", "message": "does not exist"}], False, "does not exist"),
        ([{"type": "Ready", "status": "True", "message": "up to date"}], True, ""),
        ([{"type": "Ready", "status": "False"}], False, ""),
    ],
)
async def test_a_certificate_is_ready_when_it_says_so(
    api: FakeApi, extras: ClusterExtras, conditions: Any, *, ready: bool | None, words: str
) -> None:
    api.on(CERTIFICATES, page({"metadata": {"name": "web"}, "status": {"conditions": conditions}}))
    [found] = await extras.certificates(SHOP)
    assert (found.ready, found.words) == (ready, words)


# --- an API that is not there, a right that is missing ----------------------------------------------------------------


async def test_an_api_that_is_not_there_is_not_asked_for_again_for_five_minutes(
    api: FakeApi, extras: ClusterExtras, clock: SteppedClock
) -> None:
    api.on(BACKUPS, text("404 page not found\n", 404))
    for _ in range(3):
        with pytest.raises(ClusterNotFound) as told:
            await extras.backups(CLUSTER)
        clock.step(99)
    assert told.value.message == "Velero is not installed on here: it has no backups of velero.io."
    assert api.times(BACKUPS) == 1
    clock.step(5)
    api.on(BACKUPS, page())
    assert await extras.backups(CLUSTER) == ()


async def test_without_the_right_it_is_found_out_whether_there_is_such_an_api(
    api: FakeApi, extras: ClusterExtras
) -> None:
    """A refusal comes first, but who lets nobody list backups need not have any."""
    where = '"backups" in API group "velero.io" at the cluster scope'
    api.on(BACKUPS, status(403, refused("backups.velero.io", where)))
    with pytest.raises(ClusterNotFound, match="Velero is not installed"):
        await extras.backups(CLUSTER)


@pytest.mark.parametrize("code", [200, 403, 500])
async def test_where_it_is_there_the_right_is_named(
    api: FakeApi, extras: ClusterExtras, clock: SteppedClock, code: int
) -> None:
    """Also where that cannot be found out."""
    where = '"certificates" in API group "cert-manager.io" in the namespace "shop"'
    api.on(CERTIFICATES, status(403, refused("certificates.cert-manager.io", where)))
    api.on("/apis/cert-manager.io/v1", status(code, "{}"))
    for _ in range(2):
        with pytest.raises(ClusterForbidden, match=r"list certificates\.cert-manager\.io in namespace shop") as told:
            await extras.certificates(SHOP)
        clock.step(20)
    assert "components/certificates" in told.value.advice
    assert api.times(CERTIFICATES) == 1


async def test_a_cluster_that_is_down_is_unreachable_and_nothing_else(tmp_path: Path) -> None:
    connection = await open_connection(str(_nowhere(tmp_path)))
    try:
        extras = ClusterExtras({CLUSTER: KubernetesHttp(connection, WallClock(), lambda: 0.5)}, WallClock())
        for asked in (extras.quotas(SHOP), extras.backups(CLUSTER), extras.certificates(SHOP), extras.disks(SHOP)):
            with pytest.raises(ClusterUnreachable):
                await asked
    finally:
        await connection.close()


def _nowhere(folder: Path) -> Path:
    path = folder / "nowhere"
    path.write_text(
        json.dumps(
            {
                "current-context": "x",
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
            }
        )
    )
    return path


async def test_a_cluster_that_is_not_configured_is_a_mistake(extras: ClusterExtras) -> None:
    with pytest.raises(UsageError, match="no cluster 'there'"):
        await extras.backups(ClusterName("there"))


# --- the simulated cluster --------------------------------------------------------------------------------------------


@asynccontextmanager
async def simulated(folder: Path, name: str) -> AsyncIterator[tuple[World, ClusterServer, ClusterExtras]]:
    world = load(name, clock=WorldClock(NOW))
    async with ClusterServer(world.store, world, world) as server:
        server.write_kubeconfig(folder / "kubeconfig")
        connection = await open_connection(str(folder / "kubeconfig"))
        yield world, server, ClusterExtras({CLUSTER: KubernetesHttp(connection, WallClock(), lambda: 0.5)}, WallClock())
        await connection.close()


async def test_of_the_simulated_cluster_all_is_read(tmp_path: Path) -> None:
    async with simulated(tmp_path, "upkeep") as (_, server, extras):
        quotas = {each.resource: (each.used, each.hard) for each in await extras.quotas(RAG)}
        assert quotas["pods"] == ("18", "19")
        backups = await extras.backups(CLUSTER)
        assert [each.phase for each in backups] == ["PartiallyFailed", *["Completed"] * 6]
        assert backups[0].started_at == datetime(2026, 11, 24, 2, tzinfo=UTC)
        failing = {each.name: each for each in await extras.certificates(RAG)}["rag-engine-tls"]
        assert (failing.ready, failing.failed_attempts, failing.not_after) == (True, 4, NOW + timedelta(days=6))
        assert "rateLimited" in failing.words
        await extras.certificates(RAG)
        assert server.asked["list certificates.cert-manager.io"] == 1
        with pytest.raises(ClusterUnreachable, match="no certificate authority"):
            await extras.disks(RAG)


async def test_a_simulated_cluster_without_them_says_so(tmp_path: Path) -> None:
    async with simulated(tmp_path, "healthy") as (_, server, extras):
        assert await extras.quotas(RAG) == ()
        for _ in range(2):
            with pytest.raises(ClusterNotFound, match="Velero is not installed"):
                await extras.backups(CLUSTER)
            with pytest.raises(ClusterNotFound, match="cert-manager is not installed"):
                await extras.certificates(RAG)
        assert server.asked["list backups.velero.io"] == 1


async def test_a_simulated_cluster_that_refuses_says_what_is_missing(tmp_path: Path) -> None:
    async with simulated(tmp_path, "upkeep") as (_, server, extras):
        server.rbac = [Deny(group="velero.io"), Deny(resource="resourcequotas")]
        with pytest.raises(ClusterForbidden, match=r"list backups\.velero\.io in the whole cluster"):
            await extras.backups(CLUSTER)
        with pytest.raises(ClusterForbidden, match="list resourcequotas in namespace rag-engine"):
            await extras.quotas(RAG)
