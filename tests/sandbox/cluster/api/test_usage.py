"""The metrics API."""

from __future__ import annotations

from typing import Any

import pytest

_GROUP = "/apis/metrics.k8s.io/v1beta1"


@pytest.fixture
def measured(usage: Any, make_pod: Any) -> None:
    for name in ("a", "b"):
        make_pod(name)
        usage.pods.append(
            {
                "metadata": {"name": name, "namespace": "rag-engine", "labels": {"app": name}},
                "timestamp": "2026-11-24T21:59:50Z",
                "window": "10.002s",
                "containers": [
                    {"name": "main", "usage": {"cpu": "100n", "memory": "10Ki"}},
                    {"name": "side", "usage": {"cpu": "50n", "memory": "5Ki"}},
                ],
            }
        )
    usage.nodes.append(
        {
            "metadata": {"name": "node1"},
            "timestamp": "2026-11-24T21:59:50Z",
            "window": "10s",
            "usage": {"cpu": "1n", "memory": "1Ki"},
        }
    )


@pytest.mark.usefixtures("measured")
async def test_lists_and_objects(client: Any) -> None:
    """Of one namespace, of all, of nodes; labels select, limit means nothing."""
    listed = await client.get(f"{_GROUP}/namespaces/rag-engine/pods", limit="1")
    assert (listed.body["kind"], listed.names) == ("PodMetricsList", ["a", "b"])
    assert (await client.get(f"{_GROUP}/pods", labelSelector="app=b")).names == ["b"]
    assert (await client.get(f"{_GROUP}/nodes")).names == ["node1"]
    one = await client.get(f"{_GROUP}/namespaces/rag-engine/pods/a")
    assert (one.body["kind"], one.body["apiVersion"]) == ("PodMetrics", "metrics.k8s.io/v1beta1")
    assert (await client.get(f"{_GROUP}/nodes/node1")).body["kind"] == "NodeMetrics"
    assert (await client.get(f"{_GROUP}/nodes/node2")).body["message"] == 'nodes "node2" not found'


@pytest.mark.usefixtures("measured")
async def test_table_sums_the_containers(client: Any) -> None:
    """Tables work for usage too."""
    answer = await client.get(f"{_GROUP}/pods", accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert answer.body["rows"][0]["cells"] == ["a", "150n", "15Ki", "10.002s"]
