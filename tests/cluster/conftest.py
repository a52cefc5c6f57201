"""Tests against a real API server. They take any kubeconfig: RAGOPS_TEST_KUBECONFIG, and skip without one.

Objects are made in namespaces of their own, which are deleted afterwards. The image must be one that the nodes can
run: RAGOPS_TEST_IMAGE, by default a busybox that is already there.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from bot.cluster import Connection, KubernetesHttp, open_connection
from bot.domain.targets import ClusterName, Namespace, Scope
from tests.support.clocks import WallClock

KUBECONFIG = os.environ.get("RAGOPS_TEST_KUBECONFIG") or os.environ.get("KUBECONFIG") or ""
IMAGE = os.environ.get("RAGOPS_TEST_IMAGE", "docker.io/test/busybox:1")
CLUSTER = ClusterName("real")


@dataclass(frozen=True, slots=True)
class Hands:
    """Makes and removes objects, as an administrator."""

    connection: Connection

    async def send(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a write and return the answer. Raises `AssertionError` when it is refused."""
        api = self.connection.api
        request = await api.param_serialize(
            verb, path, query_params=[], header_params={}, body=body, auth_settings=["BearerToken"]
        )
        async with (await api.call_api(*request, _request_timeout=10)).response as response:
            answer = json.loads(await response.read())
        assert response.status < 300, answer
        return dict(answer)

    async def deployment(self, namespace: str, name: str, script: str, **container: Any) -> None:
        """Make a Deployment of one pod that runs a shell script."""
        labels = {"app": name}
        main = {
            "name": "main",
            "image": IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", script],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
            **container,
        }
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [main], "terminationGracePeriodSeconds": 0},
            },
        }
        await self.send(
            "POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", {"metadata": {"name": name}, "spec": spec}
        )


@pytest.fixture
def kubeconfig() -> str:
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to run this")
    return KUBECONFIG


@pytest.fixture
async def connection(kubeconfig: str) -> AsyncIterator[Connection]:
    opened = await open_connection(kubeconfig)
    yield opened
    await opened.close()


@pytest.fixture
def http(connection: Connection) -> KubernetesHttp:
    return KubernetesHttp(connection, WallClock(), lambda: 0.5)


@pytest.fixture
def hands(connection: Connection) -> Hands:
    return Hands(connection)


@pytest.fixture
async def scope(hands: Hands) -> AsyncIterator[Scope]:
    """A fresh namespace."""
    name = f"ragops-test-{secrets.token_hex(4)}"
    await hands.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield Scope(CLUSTER, Namespace(name))
    await hands.send("DELETE", f"/api/v1/namespaces/{name}")
