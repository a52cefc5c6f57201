"""The rights that the manifests grant, against a real API server: enough for everything that is read."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cluster import Clusters, Connection, KubernetesHttp, OneShotReader, open_connection
from bot.cluster.resources import RESOURCES
from bot.domain.snapshot import ALL_PARTS, Freshness, Part
from bot.domain.targets import Scope
from bot.errors import ClusterForbidden
from tests.support.clocks import WallClock
from tests.support.hands import Hands
from tests.support.waiting import in_background, until

FOLDER = Path(__file__).parents[2] / "manifests" / "kubernetes"
CLOCK = WallClock()
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NAMESPACED = frozenset(part for part, resource in RESOURCES.items() if resource.namespaced)


def documents(file: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all((FOLDER / file).read_text()) if document]


async def apply_reader(hands: Hands, scope: Scope) -> None:
    for document in documents("reader.yaml"):
        core = document["kind"] == "ServiceAccount"
        base = "/api/v1" if core else RBAC
        await hands.send("POST", f"{base}/namespaces/{scope.namespace}/{document['kind'].lower()}s", document)


@pytest.fixture
async def for_nodes(hands: Hands, scope: Scope) -> AsyncIterator[None]:
    """The rights of the whole cluster, under names of this test's own."""
    name, made = f"ragops-test-{secrets.token_hex(4)}", []
    for document in documents("nodes.yaml"):
        document["metadata"]["name"] = name
        if document["kind"] == "ClusterRoleBinding":
            document["roleRef"]["name"] = name
            document["subjects"][0]["namespace"] = scope.namespace
        plural = f"{document['kind'].lower()}s"
        await hands.send("POST", f"{RBAC}/{plural}", document)
        made.append(f"{RBAC}/{plural}/{name}")
    yield
    for path in made:
        await hands.send("DELETE", path)


async def account(hands: Hands, connection: Connection, scope: Scope, folder: Path) -> Connection:
    """Open a connection as the account of the manifests."""
    path = f"/api/v1/namespaces/{scope.namespace}/serviceaccounts/ragops-reader/token"
    token = await hands.send("POST", path, {"spec": {"expirationSeconds": 600}})
    cluster = {"server": connection.host, "certificate-authority": connection.api.configuration.ssl_ca_cert}
    config = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token["status"]["token"]}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))
    return await open_connection(str(folder / "kubeconfig"))


@pytest.mark.usefixtures("for_nodes")
async def test_with_both_manifests_everything_is_read(
    hands: Hands, connection: Connection, scope: Scope, tmp_path: Path
) -> None:
    """Asked once and watched: every part is live, and the load of the nodes is known."""
    await apply_reader(hands, scope)
    narrow = await account(hands, connection, scope, tmp_path)
    try:
        http = KubernetesHttp(narrow, CLOCK, lambda: 0.5)
        once = await OneShotReader({scope.cluster: http}, CLOCK).snapshot(scope, ALL_PARTS)
        clusters = Clusters({scope.cluster: (http, [scope.namespace])}, CLOCK, lambda: 0.5)
        async with in_background(clusters.run()):
            watched = await until(
                lambda: clusters.snapshot(scope, ALL_PARTS),
                lambda seen: {status.freshness for status in seen.parts.values()} == {Freshness.LIVE},
            )
            load = await clusters.node_load(scope.cluster)
    finally:
        await narrow.close()
    assert {part: status.reason for part, status in once.parts.items() if status.reason} == {}
    assert watched.nodes[0].meta.name in load


async def test_with_the_first_alone_the_namespace_is_read_and_the_rest_is_named(
    hands: Hands, connection: Connection, scope: Scope, tmp_path: Path
) -> None:
    """What belongs to the cluster is missing with the right that it needs."""
    await apply_reader(hands, scope)
    narrow = await account(hands, connection, scope, tmp_path)
    try:
        reader = OneShotReader({scope.cluster: KubernetesHttp(narrow, CLOCK, lambda: 0.5)}, CLOCK)
        snapshot = await reader.snapshot(scope, ALL_PARTS)
        with pytest.raises(ClusterForbidden, match="right to list pods in the whole cluster is missing"):
            await reader.node_load(scope.cluster)
    finally:
        await narrow.close()
    live = {part for part, status in snapshot.parts.items() if status.freshness is Freshness.LIVE}
    assert live == NAMESPACED
    who = f"system:serviceaccount:{scope.namespace}:ragops-reader"
    assert snapshot.status(Part.STORAGE_CLASSES).reason == f"no right to list them for {who}"
