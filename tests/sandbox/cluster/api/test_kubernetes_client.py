"""The Kubernetes client of the project works against the server, in raw mode, with the written kubeconfig."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio import client as kube
from kubernetes.aio import config

from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import Json, ObjectStore

Pods = Callable[..., Json]


@pytest.fixture
async def api(server: ClusterServer, tmp_path: Path) -> AsyncIterator[kube.ApiClient]:
    path = tmp_path / "config"
    server.write_kubeconfig(path)
    configuration = kube.Configuration()
    await config.load_kube_config(  # type: ignore[no-untyped-call]  # the client annotates it not
        str(path), client_configuration=configuration
    )
    async with kube.ApiClient(configuration) as opened:
        yield opened


async def _call(request: Any) -> tuple[int, Mapping[str, str], bytes]:
    async with await request as response:
        return response.status, response.headers, await response.read()


def test_kubeconfig_is_private(server: ClusterServer, tmp_path: Path) -> None:
    """It holds a token: only the owner reads it, also when it is written again."""
    path = tmp_path / "config"
    path.write_text("old")
    path.chmod(0o644)
    server.write_kubeconfig(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["contexts"][0]["context"]["namespace"] == "rag-engine"


async def test_list_get_and_log(api: kube.ApiClient, make_pod: Pods, logs: Any) -> None:
    """The plain reads, with the kubeconfig's token."""
    make_pod("p", labels={"app": "api"})
    logs.write("p", "main", "hello")
    core = kube.CoreV1Api(api)

    _, _, listed = await _call(
        core.list_namespaced_pod_without_preload_content("rag-engine", label_selector="app=api", limit=500)
    )
    _, _, log = await _call(core.read_namespaced_pod_log_without_preload_content("p", "rag-engine", tail_lines=5))
    status, _, missing = await _call(core.read_namespaced_pod_without_preload_content("q", "rag-engine"))

    assert [item["metadata"]["name"] for item in json.loads(listed)["items"]] == ["p"]
    assert log == b"hello\n"
    assert (status, json.loads(missing)["message"]) == (404, 'pods "q" not found')


async def test_typed_list(api: kube.ApiClient, make_pod: Pods) -> None:
    """The client's own models accept the answer."""
    make_pod("p")
    pods = await kube.CoreV1Api(api).list_namespaced_pod("rag-engine")
    assert [pod.metadata.name for pod in pods.items if pod.metadata] == ["p"]


async def test_watch_line_by_line(api: kube.ApiClient, make_pod: Pods, store: ObjectStore) -> None:
    """The watch that the cache keeps open."""
    version = str(store.resource_version)
    make_pod("p")
    request = kube.CoreV1Api(api).list_namespaced_pod_without_preload_content(
        "rag-engine",
        watch=True,
        resource_version=version,
        allow_watch_bookmarks=True,
        timeout_seconds=30,
        _request_timeout=40,
    )
    async with await request as response:
        event = json.loads(await response.content.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "p")


async def test_any_path(api: kube.ApiClient, usage: Any) -> None:
    """Requests without an API class reach the metrics API."""
    usage.nodes.append({"metadata": {"name": "node1"}, "usage": {"cpu": "1n", "memory": "1Ki"}, "window": "10s"})
    request = await api.param_serialize(
        "GET",
        "/apis/metrics.k8s.io/v1beta1/nodes",
        header_params={"Accept": "application/json"},
        auth_settings=["BearerToken"],
    )
    response = (await api.call_api(*request, _request_timeout=60)).response
    assert json.loads(await response.read())["items"][0]["metadata"]["name"] == "node1"
