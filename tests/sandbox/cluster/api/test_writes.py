"""Writes at the API: rights, watches, dry runs, names. What a real server answers word for word is in the contract."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.cluster.api.access import Deny
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import Json, ObjectStore

CONFIG_MAPS = "/api/v1/namespaces/rag-engine/configmaps"
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture(autouse=True)
def namespace(store: ObjectStore) -> None:
    store.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "rag-engine"}})


def _config_map(name: str, **data: str) -> Json:
    return {"metadata": {"name": name}, "data": data}


async def test_a_watch_tells_writes_in_order(client: Any, store: ObjectStore) -> None:
    """Created, patched, replaced, deleted: one event each."""
    query = {"resourceVersion": str(store.resource_version)}
    watching = asyncio.create_task(client.watch(CONFIG_MAPS, 4, **query))
    await client.call("POST", CONFIG_MAPS, json=_config_map("a", x="1"))
    await client.call("PATCH", f"{CONFIG_MAPS}/a", json={"data": {"x": "2"}}, headers=MERGE)
    await client.call("PUT", f"{CONFIG_MAPS}/a", json=_config_map("a", x="3"))
    await client.call("DELETE", f"{CONFIG_MAPS}/a")
    events = await watching
    assert [(event["type"], event["object"]["data"]["x"]) for event in events] == [
        ("ADDED", "1"),
        ("MODIFIED", "2"),
        ("MODIFIED", "3"),
        ("DELETED", "3"),
    ]


async def test_a_dry_run_stores_nothing(client: Any, store: ObjectStore) -> None:
    """Not even a version is spent."""
    await client.call("POST", CONFIG_MAPS, json=_config_map("a"))
    before = store.resource_version
    answers = [
        await client.call("POST", f"{CONFIG_MAPS}?dryRun=All", json=_config_map("b")),
        await client.call("PATCH", f"{CONFIG_MAPS}/a?dryRun=All", json={"data": {"x": "2"}}, headers=MERGE),
        await client.call("DELETE", f"{CONFIG_MAPS}/a", json={"dryRun": ["All"]}),
    ]
    assert [answer.status for answer in answers] == [201, 200, 200]
    assert store.resource_version == before
    assert "data" not in (store.get("configmaps", "rag-engine", "a") or {})


@pytest.mark.parametrize(
    ("verb", "method", "path"),
    [
        ("create", "POST", CONFIG_MAPS),
        ("update", "PUT", f"{CONFIG_MAPS}/a"),
        ("patch", "PATCH", f"{CONFIG_MAPS}/a"),
        ("delete", "DELETE", f"{CONFIG_MAPS}/a"),
        ("deletecollection", "DELETE", CONFIG_MAPS),
    ],
)
async def test_each_write_is_a_right_of_its_own(
    client: Any, server: ClusterServer, verb: str, method: str, path: str
) -> None:
    """Whoever lacks it is refused before anything is looked at."""
    server.rbac = {Deny(verb=verb, resource="configmaps")}
    answer = await client.call(method, path)
    assert answer.status == 403
    assert f'cannot {verb} resource "configmaps"' in answer.body["message"]


async def test_subresources_are_rights_of_their_own(client: Any, server: ClusterServer) -> None:
    """To patch a Deployment is not to scale it, to delete a pod is not to evict it."""
    server.rbac = {Deny(resource="deployments/scale"), Deny(resource="pods/eviction")}
    scale = "/apis/apps/v1/namespaces/rag-engine/deployments/d/scale"
    evict = "/api/v1/namespaces/rag-engine/pods/p/eviction"
    assert (await client.call("PATCH", scale, headers=MERGE)).status == 403
    assert (await client.call("POST", evict)).status == 403


async def test_generated_names_are_fresh(client: Any) -> None:
    """Two objects of one prefix do not meet."""
    body = {"metadata": {"generateName": "made-"}}
    names = {(await client.call("POST", CONFIG_MAPS, json=body)).body["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith("made-") and len(name) == 10 for name in names)


async def test_a_namespace_that_is_to_go_takes_nothing_new(client: Any) -> None:
    """It is told why."""
    going = await client.call("DELETE", "/api/v1/namespaces/rag-engine")
    assert going.body["status"]["phase"] == "Terminating"
    refused = await client.call("POST", CONFIG_MAPS, json=_config_map("late"))
    assert refused.status == 403
    assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"


async def test_a_status_is_written_apart(client: Any, make_deployment: Any) -> None:
    """Through the object it cannot be changed, through its subresource nothing else can."""
    make_deployment("d")
    path = "/apis/apps/v1/namespaces/rag-engine/deployments/d"
    body = {"spec": {"replicas": 7}, "status": {"replicas": 9}}
    whole = (await client.call("PATCH", path, json=body, headers=MERGE)).body
    assert (whole["spec"]["replicas"], whole["status"]["replicas"]) == (7, 1)
    body["spec"]["replicas"] = 8
    status = (await client.call("PATCH", f"{path}/status", json=body, headers=MERGE)).body
    assert (status["spec"]["replicas"], status["status"]["replicas"]) == (7, 9)


async def test_who_writes_is_known_by_the_user_agent(client: Any) -> None:
    """Unless a field manager is named."""
    named = await client.call("POST", f"{CONFIG_MAPS}?fieldManager=me", json=_config_map("a", x="1"))
    unnamed = await client.call(
        "POST", CONFIG_MAPS, json=_config_map("b", x="1"), headers={"User-Agent": "somebody/1.2 (linux)"}
    )
    assert [answer.body["metadata"]["managedFields"][0]["manager"] for answer in (named, unnamed)] == ["me", "somebody"]


@pytest.mark.parametrize("body", [b"{nope", b"[1]", b'"x"'])
async def test_what_is_no_object_is_refused(client: Any, body: bytes) -> None:
    """Whichever way it comes."""
    headers = {"Content-Type": "application/json"}
    created = await client.call("POST", CONFIG_MAPS, data=body, headers=headers)
    assert created.status == 400
    assert "couldn't get version/kind; json parse error" in created.body["message"]
    patched = await client.call("PATCH", f"{CONFIG_MAPS}/a", data=body, headers=MERGE)
    assert patched.status == 400
