"""Quotas, backups, certificates and disks of a real cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cluster import ClusterExtras, Connection, KubernetesHttp, open_connection
from bot.cluster.access import may
from bot.domain.targets import Scope
from bot.errors import ClusterFault, ClusterForbidden, ClusterNotFound, ClusterUnreachable
from sandbox.cluster.world.custom import backup, certificate
from tests.support.accounts import (
    grant_certificates,
    grant_reader,
    granted_nodes,
    make_account,
    token_of,
    write_kubeconfig,
)
from tests.support.clocks import WallClock
from tests.support.custom_resources import BACKUP, CERTIFICATE, installed, is_served
from tests.support.granted import BACKUPS
from tests.support.hands import Hands
from tests.support.waiting import until

CLOCK = WallClock()
NOW = datetime.now(UTC).replace(microsecond=0)
KUBELETS = "components/kubelet-metrics/kubelet-metrics.yaml"


def extras_of(connection: Connection, scope: Scope) -> ClusterExtras:
    return ClusterExtras({scope.cluster: KubernetesHttp(connection, CLOCK, lambda: 0.5)}, CLOCK)


async def held(account: Connection, verb: str, resource: str, group: str = "", namespace: str = "") -> None:
    """Wait until a right that was granted is known to the authorizer: kubelets remember what it denied."""
    assert await until(lambda: may(account, verb, resource, group, namespace, timeout_s=5), bool)


@pytest.fixture
async def account(hands: Hands, connection: Connection, scope: Scope, tmp_path: Path) -> AsyncIterator[Connection]:
    """A connection as who talks with Slack, with no right yet."""
    await make_account(hands, scope.namespace, "ragops-chat")
    await make_account(hands, scope.namespace, "ragops-worker")
    token = await token_of(hands, scope.namespace, "ragops-chat")
    authority = str(connection.api.configuration.ssl_ca_cert)
    opened = await open_connection(str(write_kubeconfig(tmp_path / "kubeconfig", connection.host, token, authority)))
    yield opened
    await opened.close()


@pytest.fixture
async def without(http: KubernetesHttp) -> None:
    """A cluster of one's own may have them: there nothing is installed and nothing taken away."""
    for group, plural, _ in (BACKUP, CERTIFICATE):
        if await is_served(http, group, plural):
            pytest.skip(f"this cluster has {plural}.{group} of its own")


async def test_quotas_are_told_as_the_cluster_counts_them(account: Connection, hands: Hands, scope: Scope) -> None:
    await grant_reader(hands, scope.namespace)
    await held(account, "list", "resourcequotas", namespace=scope.namespace)
    hard = {"pods": "4", "requests.memory": "64Mi", "count/deployments.apps": "2", "services.loadbalancers": "0"}
    path = f"/api/v1/namespaces/{scope.namespace}/resourcequotas"
    await hands.send("POST", path, {"metadata": {"name": "bounds"}, "spec": {"hard": hard}})

    async def shares() -> dict[str, float | None]:
        return {figure.resource: figure.share for figure in await extras_of(account, scope).quotas(scope)}

    await until(shares, lambda seen: set(seen.values()) == {0.0, None})  # what is made before that is counted late
    await hands.deployment(scope.namespace, "quiet", "sleep 1000")
    counted = {"pods": 0.25, "requests.memory": 0.25, "count/deployments.apps": 0.5, "services.loadbalancers": None}
    assert await until(shares, lambda seen: seen == counted) == counted


@pytest.mark.usefixtures("without")
async def test_what_is_not_installed_is_said_whatever_the_rights_are(account: Connection, scope: Scope) -> None:
    """The account may list neither; the API server says to everybody what it has."""
    extras = extras_of(account, scope)
    with pytest.raises(ClusterNotFound, match="Velero is not installed on real"):
        await extras.backups(scope.cluster)
    with pytest.raises(ClusterNotFound, match="cert-manager is not installed on real"):
        await extras.certificates(scope)
    with pytest.raises(ClusterForbidden, match="right to list resourcequotas in namespace"):
        await extras.quotas(scope)


@pytest.mark.usefixtures("without")
async def test_backups_and_certificates_are_read_with_the_rights_of_their_components(
    account: Connection, connection: Connection, hands: Hands, scope: Scope
) -> None:
    """Without them the right is named. Backups of another namespace are seen, certificates of another one are not."""
    async with installed(connection, BACKUP, CERTIFICATE):
        base = f"/apis/velero.io/v1/namespaces/{scope.namespace}/backups"
        for days, phase in ((2, "Completed"), (0, "PartiallyFailed"), (1, "Completed")):
            made = backup(f"nightly-{9 - days}", NOW - timedelta(days=days), phase=phase, errors=days)
            made["metadata"]["namespace"] = scope.namespace
            await hands.send("POST", base, made)
        ends = NOW + timedelta(days=6)
        web = certificate(scope.namespace, "web", "web.example", not_after=ends, failed=3, trouble="rate limited")
        await hands.send("POST", f"/apis/cert-manager.io/v1/namespaces/{scope.namespace}/certificates", web)

        for read in (extras_of(account, scope).backups(scope.cluster), extras_of(account, scope).certificates(scope)):
            with pytest.raises(
                ClusterForbidden, match=r"right to list (backups\.velero|certificates\.cert-manager)\.io"
            ):
                await read

        await grant_certificates(hands, scope.namespace)
        async with granted_nodes(hands, scope.namespace, file=BACKUPS):
            await held(account, "list", "certificates", "cert-manager.io", scope.namespace)
            await held(account, "list", "backups", "velero.io")
            extras = extras_of(account, scope)
            ours = [each for each in await extras.backups(scope.cluster) if each.name.startswith("nightly-")]
            assert [(each.name, each.phase, each.started_at) for each in ours] == [
                ("nightly-9", "PartiallyFailed", NOW),
                ("nightly-8", "Completed", NOW - timedelta(days=1)),
                ("nightly-7", "Completed", NOW - timedelta(days=2)),
            ]
            [found] = await extras.certificates(scope)
        assert (found.name, found.ready, found.not_after, found.failed_attempts) == ("web", True, ends, 3)
        assert found.words == "rate limited"


async def test_disks_need_a_right_that_the_kubelet_itself_looks_at(
    account: Connection, hands: Hands, scope: Scope
) -> None:
    """It is asked directly, as who we are; what it says, and whom it trusts, is the cluster's own affair."""
    extras = extras_of(account, scope)
    with pytest.raises(ClusterForbidden, match="right to list nodes in the whole cluster"):
        await extras.disks(scope)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(granted_nodes(hands, scope.namespace))
        await held(account, "list", "nodes")
        try:
            with pytest.raises(ClusterForbidden, match="right to get nodes/stats in the whole cluster is missing for"):
                await extras_of(account, scope).disks(scope)
        except ClusterUnreachable as error:
            if "gets no token" not in error.message:
                raise
            pytest.skip(f"no kubelet of this cluster can be trusted: {error.message}")


async def test_disks_are_told_as_the_kubelets_measure_them(account: Connection, hands: Hands, scope: Scope) -> None:
    """Where they can: one in a container without disks of its own answers with an error, which is said."""
    async with AsyncExitStack() as stack:
        for file in ("components/nodes/nodes.yaml", KUBELETS):
            await stack.enter_async_context(granted_nodes(hands, scope.namespace, file=file))
        await held(account, "list", "nodes")
        await held(account, "get", "nodes/stats")
        try:
            uses = await extras_of(account, scope).disks(scope)
        except ClusterUnreachable as error:
            if "gets no token" not in error.message:
                raise
            pytest.skip(f"no kubelet of this cluster can be trusted: {error.message}")
        except ClusterFault as error:
            if not error.message.startswith("The kubelet of "):
                raise
            pytest.skip(f"no kubelet of this cluster can measure: {error.message}")
    assert {use.what for use in uses if use.kind == "Node"} >= {"nodefs"}
    assert all(0 < use.used <= use.capacity for use in uses)
