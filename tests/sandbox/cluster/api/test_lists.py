"""Lists: selectors, pages, versions and forms, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.cluster.store import ObjectStore

_PODS = "/api/v1/namespaces/rag-engine/pods"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.fixture
def pods(make_pod: Any) -> None:
    for number in range(5):
        make_pod(
            f"p{number}", labels={"app": "api" if number < 3 else "worker"}, phase="Running" if number else "Failed"
        )
    make_pod("other", namespace="elsewhere")


@pytest.mark.usefixtures("pods")
async def test_items_carry_no_kind(client: Any) -> None:
    """The list has kind and version, its items do not; order is by name."""
    answer = await client.get(_PODS)

    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("PodList", "v1")
    assert answer.names == ["p0", "p1", "p2", "p3", "p4"]
    assert not any({"kind", "apiVersion"} & item.keys() for item in answer.body["items"])


@pytest.mark.usefixtures("pods")
async def test_one_object_carries_its_kind(client: Any) -> None:
    """A single object says what it is."""
    body = (await client.get(f"{_PODS}/p1")).body
    assert (body["kind"], body["apiVersion"], body["metadata"]["name"]) == ("Pod", "v1", "p1")


@pytest.mark.usefixtures("pods")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"labelSelector": "app=worker"}, ["p3", "p4"]),
        ({"labelSelector": "app in (api),app!=worker"}, ["p0", "p1", "p2"]),
        ({"fieldSelector": "status.phase=Failed"}, ["p0"]),
        ({"fieldSelector": "status.phase!=Failed,spec.nodeName=node1"}, ["p1", "p2", "p3", "p4"]),
        ({"fieldSelector": "metadata.name=p2", "labelSelector": "app=api"}, ["p2"]),
    ],
)
async def test_selectors_choose(client: Any, query: dict[str, str], names: list[str]) -> None:
    """Both selectors hold together."""
    assert (await client.get(_PODS, **query)).names == names


@pytest.mark.usefixtures("pods")
async def test_all_namespaces_in_order(client: Any) -> None:
    """A list over all namespaces is ordered by namespace, then name."""
    assert (await client.get("/api/v1/pods")).names == ["other", "p0", "p1", "p2", "p3", "p4"]


@pytest.mark.usefixtures("pods")
@pytest.mark.parametrize("path", [_PODS, "/api/v1/pods"])
async def test_pages_are_one_snapshot(client: Any, store: ObjectStore, path: str, make_pod: Any) -> None:
    """What is created, changed or deleted between pages does not show in the rest."""
    whole = (await client.get(path)).names
    names: list[str] = []
    versions = set()
    token = ""
    while True:
        page = await client.get(path, limit="2", **({"continue": token} if token else {}))
        names += page.names
        versions.add(page.body["metadata"]["resourceVersion"])
        token = page.body["metadata"].get("continue", "")
        if not token:
            break
        assert page.body["metadata"]["remainingItemCount"] == len(whole) - len(names)
        make_pod(f"p2-new{len(names)}")
        if store.get("pods", "rag-engine", "p4"):
            store.delete("pods", "rag-engine", "p4")

    assert names == whole
    assert len(versions) == 1


@pytest.mark.usefixtures("pods")
async def test_pages_behind_a_selector_are_full(client: Any) -> None:
    """A page holds as many matches as asked for, and no remaining count."""
    page = await client.get(_PODS, limit="1", labelSelector="app=worker")
    assert page.names == ["p3"]
    assert "remainingItemCount" not in page.body["metadata"]

    rest = await client.get(
        _PODS, limit="1", labelSelector="app=worker", **{"continue": page.body["metadata"]["continue"]}
    )
    assert rest.names == ["p4"]
    assert "continue" not in rest.body["metadata"]


@pytest.mark.usefixtures("pods")
async def test_expired_page_offers_the_inconsistent_rest(client: Any, store: ObjectStore) -> None:
    """After a compaction the token is 410; the new one in it lists the rest as it is now."""
    token = (await client.get(_PODS, limit="2")).body["metadata"]["continue"]
    store.delete("pods", "rag-engine", "p3")
    store.expire()

    expired = await client.get(_PODS, limit="2", **{"continue": token})
    assert (expired.status, expired.body["reason"]) == (410, "Expired")

    rest = await client.get(_PODS, **{"continue": expired.body["metadata"]["continue"]})
    assert rest.names == ["p2", "p4"]


@pytest.mark.usefixtures("pods")
async def test_version_zero_ignores_the_limit(client: Any) -> None:
    """From the cache everything comes at once."""
    answer = await client.get(_PODS, limit="2", resourceVersion="0")
    assert len(answer.names) == 5
    assert "continue" not in answer.body["metadata"]


@pytest.mark.usefixtures("pods")
async def test_exact_version_shows_the_past(client: Any, store: ObjectStore) -> None:
    """Exact is as it was; without it at least as new."""
    version = (await client.get(_PODS)).body["metadata"]["resourceVersion"]
    store.delete("pods", "rag-engine", "p0")

    exact = await client.get(_PODS, resourceVersion=version, resourceVersionMatch="Exact")
    newer = await client.get(_PODS, resourceVersion=version)

    assert exact.names[0] == "p0"
    assert exact.body["metadata"]["resourceVersion"] == version
    assert newer.names[0] == "p1"


@pytest.mark.usefixtures("pods")
async def test_version_about_to_come_is_awaited(client: Any, store: ObjectStore, make_pod: Any) -> None:
    """A list for a version of the near future waits for it."""
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        asked = group.create_task(client.get(_PODS, resourceVersion=str(store.resource_version + 1)))
        await asyncio.sleep(0.02)
        make_pod("p9")
    assert asked.result().names[-1] == "p9"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422),
        ({"resourceVersionMatch": "Sometimes", "resourceVersion": "1"}, 422),
        ({"resourceVersion": "abc"}, 400),
        ({"limit": "many"}, 400),
        ({"continue": "e30", "resourceVersion": "7"}, 400),
    ],
)
async def test_bad_options(client: Any, query: dict[str, str], status: int) -> None:
    """Combinations that mean nothing are refused with a Status."""
    answer = await client.get(_PODS, **query)
    assert (answer.status, answer.body["kind"], answer.body["code"]) == (status, "Status", status)


@pytest.mark.usefixtures("pods")
@pytest.mark.parametrize(
    ("include", "expected"), [("None", None), ("", "PartialObjectMetadata"), ("Object", "Pod")], ids=str
)
async def test_table(client: Any, include: str, expected: str | None) -> None:
    """A table has pages too, and its rows hold what was asked for."""
    answer = await client.get(_PODS, accept=_TABLE, limit="2", includeObject=include)

    assert answer.body["kind"] == "Table"
    assert [row["cells"][0] for row in answer.body["rows"]] == ["p0", "p1"]
    assert answer.body["metadata"]["remainingItemCount"] == 3
    held = answer.body["rows"][0]["object"]
    assert (held and held["kind"]) == expected


@pytest.mark.usefixtures("pods")
async def test_metadata_alone(client: Any) -> None:
    """PartialObjectMetadata for one, PartialObjectMetadataList for a list, each refused for the other."""
    one, many = (f"application/json;as=PartialObjectMetadata{suffix};g=meta.k8s.io;v=v1" for suffix in ("", "List"))

    single = await client.get(f"{_PODS}/p1", accept=one)
    listed = await client.get(_PODS, accept=many)

    assert single.body.keys() == {"kind", "apiVersion", "metadata"}
    assert listed.body["kind"] == "PartialObjectMetadataList"
    assert all("spec" not in item for item in listed.body["items"])
    assert (await client.get(_PODS, accept=one)).status == 406
    assert (await client.get(f"{_PODS}/p1", accept=many)).status == 406


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/vnd.kubernetes.protobuf,application/json", 200),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", 200),
        ("*/*", 200),
        ("text/html", 406),
    ],
)
async def test_first_served_form_is_taken(client: Any, accept: str, status: int) -> None:
    """Offers that are not served are passed over; with none left the answer is 406."""
    answer = await client.get(_PODS, accept=accept)
    assert (answer.status, answer.body["kind"]) == (status, "PodList" if status == 200 else "Status")


async def test_scale_at_zero_has_an_empty_spec(client: Any, make_deployment: Any) -> None:
    """Zero replicas are left out."""
    make_deployment("api", replicas=0)
    body = (await client.get("/apis/apps/v1/namespaces/rag-engine/deployments/api/scale")).body
    assert body["spec"] == {}
    assert body["status"]["selector"] == "app=api"
