"""The real kubectl works against the server, without a discovery cache."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster.api.access import Deny
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import ObjectStore

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on the PATH")
Kubectl = Callable[..., Awaitable[str]]


@pytest.fixture
def kubectl(server: ClusterServer, tmp_path: Path) -> Kubectl:
    """Run kubectl and return all that it printed."""
    path = tmp_path / "config"
    server.write_kubeconfig(path)

    async def run(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            f"--kubeconfig={path}",
            f"--cache-dir={tmp_path / 'cache'}",
            "--request-timeout=60s",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(100):
            output, _ = await process.communicate()
        return output.decode()

    return run


@pytest.fixture
def workload(make_pod: Any, make_deployment: Any, store: ObjectStore, usage: Any, logs: Any) -> None:
    make_deployment("api", replicas=2)
    pod = make_pod("api-1", labels={"app": "api"})
    logs.write("api-1", "main", "first", "second")
    store.create(
        "events",
        {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": "api-1.1", "namespace": "rag-engine"},
            "involvedObject": {
                "kind": "Pod",
                "name": "api-1",
                "namespace": "rag-engine",
                "uid": pod["metadata"]["uid"],
            },
            "type": "Warning",
            "reason": "BackOff",
            "message": "Back-off restarting",
            "count": 3,
            "source": {"component": "kubelet"},
            "firstTimestamp": "2026-11-24T21:59:00Z",
            "lastTimestamp": "2026-11-24T21:59:00Z",
        },
    )
    usage.pods.append(
        {
            "metadata": {"name": "api-1", "namespace": "rag-engine"},
            "timestamp": "2026-11-24T21:59:50Z",
            "window": "10s",
            "containers": [{"name": "main", "usage": {"cpu": "250000000n", "memory": "131072Ki"}}],
        }
    )


def _words(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


@pytest.mark.usefixtures("workload")
async def test_get(kubectl: Kubectl) -> None:
    """Tables are the server's: pods, wide pods, Deployments, and a selector."""
    assert _words(await kubectl("get", "pods")) == [
        ["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
        ["api-1", "1/1", "Running", "0", "0s"],
    ]
    assert "node1" in await kubectl("get", "po", "-o", "wide")
    assert _words(await kubectl("get", "deploy"))[1][:3] == ["api", "2/2", "2"]
    assert (await kubectl("get", "pods", "-l", "app=none")).startswith("No resources found")


@pytest.mark.usefixtures("workload")
async def test_describe_logs_and_top(kubectl: Kubectl) -> None:
    """Events are found by the pod, the log has its tail, usage is summed."""
    described = await kubectl("describe", "pod", "api-1")
    assert "Back-off restarting" in described
    assert await kubectl("logs", "api-1", "--tail=1") == "second\n"
    assert _words(await kubectl("top", "pods"))[1] == ["api-1", "250m", "128Mi"]


@pytest.mark.usefixtures("workload")
async def test_rights(kubectl: Kubectl, server: ClusterServer) -> None:
    """kubectl auth asks in protobuf; a 403 is shown as the server words it."""
    server.rbac = {Deny(verb="list", resource="pods")}
    assert (await kubectl("auth", "can-i", "list", "pods")).strip() == "no"
    assert (await kubectl("auth", "can-i", "get", "pods/log")).strip() == "yes"
    assert 'cannot list resource "pods" in API group "" in the namespace "rag-engine"' in await kubectl("get", "pods")
