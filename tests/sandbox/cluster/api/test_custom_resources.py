"""Groups that others define: there once they are installed, and not before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import ObjectStore
from sandbox.cluster.world import custom
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.world import World

NOW = datetime(2026, 11, 24, 14, 8, tzinfo=UTC)
BACKUPS = "/apis/velero.io/v1/backups"
CERTIFICATES = "/apis/cert-manager.io/v1/namespaces/rag-engine/certificates"


@pytest.fixture
def world() -> World:
    clock = WorldClock(NOW)
    return World(ObjectStore(clock.now), clock)


@pytest.fixture
async def asked(world: World, client: Any) -> AsyncIterator[Any]:
    """A client of a server in front of this world."""
    async with ClusterServer(world.store, world, world) as server:
        client.url = server.url
        yield client


async def groups(asked: Any) -> set[str]:
    return {group["name"] for group in (await asked.get("/apis")).body["groups"]}


@pytest.mark.parametrize(
    "path",
    [
        BACKUPS,
        f"{BACKUPS}?watch=1",
        "/apis/velero.io/v1",
        "/apis/velero.io",
        "/openapi/v3/apis/velero.io/v1",
        "/apis/velero.io/v1/namespaces/velero/backups/nightly",
        CERTIFICATES,
    ],
)
async def test_what_is_not_installed_is_no_page(asked: Any, path: str) -> None:
    """In plain text, as a real server answers for a group that it never heard of."""
    answered = await asked.get(path)
    assert (answered.status, answered.data) == (404, b"404 page not found\n")
    assert not {custom.VELERO, custom.CERT_MANAGER} & await groups(asked)


async def test_what_is_installed_is_served_and_found(world: World, asked: Any) -> None:
    """One group alone; the other one is still not there."""
    world.install(custom.VELERO)
    assert (await asked.get(BACKUPS)).body["items"] == []
    assert custom.VELERO in await groups(asked)
    resources = (await asked.get("/apis/velero.io/v1")).body["resources"]
    assert [(each["name"], each["kind"], each["namespaced"]) for each in resources] == [("backups", "Backup", True)]
    assert (await asked.get(CERTIFICATES)).status == 404


async def test_what_its_keepers_wrote_is_listed_as_it_is(world: World, asked: Any) -> None:
    """Of all namespaces and of one, by pages, and as a person reads it."""
    world.install(custom.VELERO)
    for hour in range(3):
        world.apply("backups", custom.backup(f"hourly-{hour}", NOW.replace(hour=hour, minute=0)))
    first = (await asked.get(BACKUPS, limit=2)).body
    assert (first["kind"], first["apiVersion"]) == ("BackupList", "velero.io/v1")
    assert [item["metadata"]["name"] for item in first["items"]] == ["hourly-0", "hourly-1"]
    rest = await asked.get(BACKUPS, limit=2, **{"continue": first["metadata"]["continue"]})
    assert rest.names == ["hourly-2"]
    assert rest.body["items"][0]["status"]["startTimestamp"] == "2026-11-24T02:00:00Z"
    assert rest.body["items"][0]["metadata"]["labels"]["velero.io/schedule-name"] == "hourly"
    assert (await asked.get("/apis/velero.io/v1/namespaces/rag-engine/backups")).names == []
    table = await asked.get(BACKUPS, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert [row["cells"][0] for row in table.body["rows"]] == ["hourly-0", "hourly-1", "hourly-2"]


async def test_what_is_applied_anew_says_its_status_too(world: World, asked: Any) -> None:
    """Here nobody plays cert-manager."""
    world.install(custom.CERT_MANAGER)
    for revision in (1, 2):
        made = custom.certificate("rag-engine", "web", "web.example", not_after=NOW, revision=revision)
        world.apply("certificates", made)
    [found] = (await asked.get(CERTIFICATES)).body["items"]
    assert found["status"]["revision"] == 2
    assert found["status"]["notAfter"] == "2026-11-24T14:08:00Z"


async def test_a_person_can_make_one_over_http(world: World, asked: Any) -> None:
    """Fields of a spec that nobody knows here are kept."""
    world.install(custom.VELERO)
    world.apply("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "velero"}})
    made: dict[str, Any] = {
        "apiVersion": "velero.io/v1",
        "kind": "Backup",
        "metadata": {"name": "by-hand"},
        "spec": {"includedNamespaces": ["rag-engine"], "snapshotVolumes": False},
    }
    answered = await asked.call("POST", "/apis/velero.io/v1/namespaces/velero/backups", json=made)
    assert answered.status == 201
    assert (await asked.get(BACKUPS)).body["items"][0]["spec"] == made["spec"]
