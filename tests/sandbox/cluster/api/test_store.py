"""The store gives identity, versions and history."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cluster.store import AlreadyExists, Expired, Json, NotFound, ObjectStore


def _store(**kwargs: int) -> ObjectStore:
    return ObjectStore(lambda: datetime(2026, 11, 24, 22, 0, tzinfo=UTC), **kwargs)


def _deployment(**changes: object) -> Json:
    metadata = {"name": "api", "namespace": "ns", "annotations": changes.pop("annotations", {})}
    return {"metadata": metadata, "spec": {"replicas": 1}, **changes}


def test_created_object_gets_identity() -> None:
    """uid, creation time, version and generation are set, and the uid is the same in every run."""
    metadata = [_store().create("deployments", _deployment())["metadata"] for _ in range(2)]

    assert metadata[0] == metadata[1]
    assert metadata[0]["creationTimestamp"] == "2026-11-24T22:00:00Z"
    assert metadata[0]["generation"] == 1
    assert metadata[0]["resourceVersion"]


def test_given_identity_is_kept() -> None:
    """A recorded object keeps its uid, so that references to it hold."""
    recorded = {"metadata": {"name": "a", "namespace": "ns", "uid": "u-1", "creationTimestamp": "2026-01-01T00:00:00Z"}}

    created = _store().create("pods", recorded)

    assert created["metadata"]["uid"] == "u-1"
    assert created["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"


def test_name_is_taken_once() -> None:
    """A second object of the name is refused, one of another kind or namespace is not."""
    store = _store()
    store.create("deployments", _deployment())
    store.create("replicasets", _deployment())

    with pytest.raises(AlreadyExists):
        store.create("deployments", _deployment())


@pytest.mark.parametrize(
    ("change", "generation"),
    [
        ({"status": {"replicas": 1}}, 1),
        ({"spec": {"replicas": 2}}, 2),
        ({"annotations": {"note": "x"}}, 2),
        ({"annotations": {"deployment.kubernetes.io/revision": "1"}}, 1),
    ],
    ids=["status", "spec", "annotation", "controller's annotation"],
)
def test_generation_follows_intent(change: Json, generation: int) -> None:
    """Spec and a Deployment's annotations raise the generation; status does not."""
    store = _store()
    created = store.create("deployments", _deployment())

    updated = store.update("deployments", _deployment(**change))

    assert updated["metadata"]["generation"] == generation
    assert int(updated["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])
    assert updated["metadata"]["uid"] == created["metadata"]["uid"]


def test_equal_update_is_no_write() -> None:
    """The version stays when nothing changed."""
    store = _store()
    store.create("deployments", _deployment())
    before = store.resource_version

    store.update("deployments", _deployment())

    assert store.resource_version == before


def test_stored_object_does_not_follow_its_source() -> None:
    """What the caller does to its dict later changes nothing."""
    store = _store()
    source = _deployment()
    store.create("deployments", source)

    source["spec"]["replicas"] = 9

    found = store.get("deployments", "ns", "api")
    assert found is not None
    assert found["spec"]["replicas"] == 1


def test_missing_object_is_not_found() -> None:
    """Update and delete need an object."""
    with pytest.raises(NotFound):
        _store().update("pods", _deployment())
    with pytest.raises(NotFound):
        _store().delete("pods", "ns", "api")


def test_history_is_bounded() -> None:
    """The oldest versions become too old."""
    store = _store(history=2)
    start = store.resource_version
    for number in range(4):
        store.create("pods", {"metadata": {"name": f"p{number}", "namespace": "ns"}})

    with pytest.raises(Expired):
        store.changes_since(start + 1)
    assert len(list(store.changes_since(start + 2))) == 2


def test_expire_forgets_all_but_now() -> None:
    """After a compaction only the latest version is left."""
    store = _store()
    store.create("deployments", _deployment())
    before = store.resource_version - 1

    store.expire()

    assert list(store.changes_since(store.resource_version)) == []
    with pytest.raises(Expired):
        store.list_at("deployments", None, before)


async def test_changed_wakes_every_waiter() -> None:
    """All that wait for a write see it."""
    store = _store()
    version = store.resource_version
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(store.changed(version))
        await asyncio.sleep(0)
        store.create("deployments", _deployment())
    await store.changed(version)


_STEPS = st.lists(st.tuples(st.sampled_from(["create", "update", "delete"]), st.sampled_from("abc")), max_size=30)


@given(_STEPS)
def test_past_can_be_listed(steps: list[tuple[str, str]]) -> None:
    """Every version is listed as it was, and replaying the changes leads from any of them to now."""
    store = _store()
    seen = {store.resource_version: copy.deepcopy(store.list("pods"))}
    for number, (step, name) in enumerate(steps):
        obj = {"metadata": {"name": name, "namespace": "ns"}, "spec": {"number": number}}
        exists = store.get("pods", "ns", name) is not None
        if step == "create" and not exists:
            store.create("pods", obj)
        elif step == "update" and exists:
            store.update("pods", obj)
        elif step == "delete" and exists:
            store.delete("pods", "ns", name)
        seen[store.resource_version] = copy.deepcopy(store.list("pods"))

    for version, objects in seen.items():
        assert store.list_at("pods", "ns", version) == objects
        replayed = {obj["metadata"]["name"]: obj for obj in objects}
        for change in store.changes_since(version):
            replayed.pop(change.key[1], None)
            if change.type != "DELETED":
                replayed[change.key[1]] = change.object
        assert [replayed[name] for name in sorted(replayed)] == store.list("pods")
