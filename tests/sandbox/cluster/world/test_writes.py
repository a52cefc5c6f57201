"""What the world makes of writes that come through the store, as the API's do: nothing before the clock moves."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.world import templates as make
from tests.sandbox.cluster.world.conftest import Tiny

Json = dict[str, Any]


def _quota(**hard: str) -> Json:
    return make.plain("v1", "ResourceQuota", "q", "ns", spec={"hard": hard})


def test_controllers_move_only_as_the_clock_does(tiny: Tiny) -> None:
    """A write alone changes nothing else."""
    tiny.deploy(replicas=1)
    tiny.world.advance(10)
    before = tiny.list("replicasets")
    tiny.change("deployments", "app", lambda found: found["spec"].update(replicas=4))
    assert tiny.list("replicasets") == before
    tiny.world.advance(0.001)
    assert len(tiny.list("pods")) == 4


def test_the_same_writes_give_the_same_world(make_tiny: type[Tiny]) -> None:
    """Names and uids come from the seed."""
    stores = []
    for _ in range(2):
        tiny = make_tiny(seed=7)
        tiny.deploy(replicas=2)
        tiny.world.advance(10)
        tiny.change("pods", tiny.pod["metadata"]["name"], lambda pod: pod["metadata"]["labels"].pop("app"))
        tiny.world.advance(10)
        stores.append([(pod["metadata"]["name"], pod["metadata"]["uid"]) for pod in tiny.list("pods")])
    assert stores[0] == stores[1]
    assert len(stores[0]) == 3


def test_a_namespace_goes_with_all_that_is_in_it(tiny: Tiny) -> None:
    """Pods take their time; it waits for them."""
    tiny.deploy(replicas=2)
    tiny.world.advance(10)
    store = tiny.world.store
    namespace = store.get("namespaces", "", "ns")
    assert namespace is not None
    store.update(
        "namespaces", {**namespace, "metadata": {**namespace["metadata"], "deletionTimestamp": "2026-11-24T14:00:10Z"}}
    )
    tiny.world.advance(60)
    assert store.get("namespaces", "", "ns") is None
    assert [obj for name in store.resources() for obj in store.list(name, "ns")] == []


def test_a_quota_counts_what_comes_and_goes(tiny: Tiny) -> None:
    """In canonical quantities."""
    tiny.world.apply("resourcequotas", _quota(**{"pods": "10", "requests.memory": "1Gi"}))
    tiny.deploy(replicas=2, memory="64Mi")
    tiny.world.advance(10)
    assert tiny.get("resourcequotas", "q")["status"]["used"] == {"pods": "2", "requests.memory": "128Mi"}
    tiny.change("deployments", "app", lambda found: found["spec"].update(replicas=0))
    tiny.world.advance(60)
    assert tiny.get("resourcequotas", "q")["status"]["used"] == {"pods": "0", "requests.memory": "0"}


def test_a_refused_pod_is_tried_again_later_and_later(tiny: Tiny) -> None:
    """The events say so, each with another name; with room there it comes, and the failure is forgotten."""
    tiny.world.apply("resourcequotas", _quota(pods="0"))
    tiny.deploy(replicas=1)
    tiny.world.advance(30)
    assert tiny.condition(tiny.deployment, "ReplicaFailure")["reason"] == "FailedCreate"
    tried = len(tiny.events("FailedCreate"))
    assert 8 <= tried <= 14
    tiny.world.store.delete("resourcequotas", "ns", "q")
    tiny.until(lambda: bool(tiny.list("pods")), within=120)
    tiny.world.advance(5)
    kinds = {entry["type"] for entry in tiny.deployment["status"]["conditions"]}
    assert kinds == {"Available", "Progressing"}


def test_a_claim_is_kept_while_a_pod_uses_it(tiny: Tiny) -> None:
    """Then it goes, and its volume with it."""
    tiny.world.apply("storageclasses", make.plain("storage.k8s.io/v1", "StorageClass", "standard"))
    tiny.world.apply(
        "statefulsets", make.stateful_set("ns", "db", make.container("main", "r.example/db:v1"), storage="1Gi")
    )
    tiny.world.advance(20)
    store = tiny.world.store
    claim = tiny.get("persistentvolumeclaims", "data-db-0")
    marked = {**claim["metadata"], "deletionTimestamp": "2026-11-24T14:00:20Z"}
    store.update("persistentvolumeclaims", {**claim, "metadata": marked})
    tiny.world.advance(20)
    assert store.get("persistentvolumeclaims", "ns", "data-db-0") is not None
    tiny.change("statefulsets", "db", lambda found: found["spec"].update(replicas=0))
    tiny.world.advance(60)
    assert store.get("persistentvolumeclaims", "ns", "data-db-0") is None
    assert store.list("persistentvolumes") == []


def test_an_autoscaler_scales_a_stateful_set(tiny: Tiny) -> None:
    """Whatever kind its target has."""
    tiny.world.apply(
        "statefulsets", make.stateful_set("ns", "db", make.container("main", "r.example/db:v1"), replicas=1)
    )
    scaler = make.autoscaler("ns", "scaler", "db", least=2, most=4)
    scaler["spec"]["scaleTargetRef"]["kind"] = "StatefulSet"
    tiny.world.apply("horizontalpodautoscalers", scaler)
    tiny.world.advance(30)
    assert tiny.get("statefulsets", "db")["spec"]["replicas"] == 2


def test_revisions_beyond_the_limit_are_forgotten(tiny: Tiny) -> None:
    """The oldest first, none that a pod is of."""
    container = make.container("main", "r.example/db:v1")
    built = make.stateful_set("ns", "db", container)
    built["spec"]["revisionHistoryLimit"] = 1
    for version in range(1, 5):
        built["spec"]["template"]["spec"]["containers"][0]["image"] = f"r.example/db:v{version}"
        tiny.world.apply("statefulsets", built)
        tiny.world.advance(60)
    assert sorted(entry["revision"] for entry in tiny.list("controllerrevisions")) == [3, 4]
