from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes, Exits, Serves
from sandbox.cluster.world.disruptions import desired_healthy
from sandbox.cluster.world.revisions import LABEL

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny


def _container(tag: str) -> dict[str, Any]:
    return make.container("main", f"r.example/db:{tag}", readinessProbe=make.tcp_probe(5432, period=2, delay=1))


def _stateful(tiny: Tiny, tag: str = "v1", replicas: int = 3) -> None:
    built = make.stateful_set("ns", "db", _container(tag), replicas=replicas, storage="1Gi")
    tiny.world.apply("statefulsets", built)


@pytest.fixture
def storage(tiny: Tiny) -> Tiny:
    tiny.world.apply("storageclasses", make.plain("storage.k8s.io/v1", "StorageClass", "standard", provisioner="x"))
    return tiny


def test_stateful_pods_start_in_order_with_claims(storage: Tiny) -> None:
    """Each pod waits for the one before, and gets a bound claim of its own."""
    _stateful(storage)
    storage.world.advance(1)
    assert [pod["metadata"]["name"] for pod in storage.list("pods")] == ["db-0"]
    storage.world.advance(60)
    assert [pod["metadata"]["name"] for pod in storage.list("pods")] == ["db-0", "db-1", "db-2"]
    claims = storage.list("persistentvolumeclaims")
    assert [claim["metadata"]["name"] for claim in claims] == ["data-db-0", "data-db-1", "data-db-2"]
    assert {claim["status"]["phase"] for claim in claims} == {"Bound"}
    status = storage.get("statefulsets", "db")["status"]
    assert (status["readyReplicas"], status["updatedReplicas"]) == (3, 3)
    assert status["currentRevision"] == status["updateRevision"]


def test_a_stateful_rollout_goes_from_the_last_pod(storage: Tiny) -> None:
    """The highest ordinal is replaced first."""
    _stateful(storage)
    storage.world.advance(60)
    _stateful(storage, "v2")
    storage.until(lambda: any(_image(storage, n) == "r.example/db:v2" for n in range(3)), step=0.2)
    assert [_image(storage, number)[-2:] for number in range(3)] == ["v1", "v1", "v2"]
    storage.world.advance(90)
    assert storage.get("statefulsets", "db")["status"]["updatedReplicas"] == 3


def _image(tiny: Tiny, number: int) -> str:
    pod = tiny.world.store.get("pods", "ns", f"db-{number}")
    return str(pod["spec"]["containers"][0]["image"]) if pod else ""


def test_an_undone_stateful_rollout_stays_broken(storage: Tiny) -> None:
    """After an undo the broken pod keeps its old revision until somebody deletes it."""
    storage.world.behave("r.example/db:v1", Serves())
    storage.world.behave("r.example/db:v2", Crashes(after=0.5))
    _stateful(storage)
    storage.world.advance(60)
    _stateful(storage, "v2")
    storage.world.advance(60)
    _stateful(storage, "v1")
    storage.world.advance(120)
    broken, status = storage.get("pods", "db-2"), storage.get("statefulsets", "db")["status"]
    assert broken["metadata"]["labels"][LABEL] != status["updateRevision"]
    assert status["readyReplicas"] == 2
    storage.world.store.delete("pods", "ns", "db-2")
    storage.world.advance(20)
    assert storage.get("statefulsets", "db")["status"]["readyReplicas"] == 3


def test_a_stateful_set_shrinks_from_the_end(storage: Tiny) -> None:
    """Scaling down removes the highest ordinals and keeps their claims."""
    _stateful(storage)
    storage.world.advance(60)
    _stateful(storage, replicas=1)
    storage.world.advance(60)
    assert [pod["metadata"]["name"] for pod in storage.list("pods")] == ["db-0"]
    assert len(storage.list("persistentvolumeclaims")) == 3


def test_a_daemon_set_covers_every_node(make_tiny: type[Tiny]) -> None:
    """One pod on each node, also on one that comes later; an update replaces them one after the other."""
    tiny = make_tiny(nodes=2)
    tiny.world.apply("daemonsets", make.daemon_set("ns", "agent", make.container("main", "r.example/agent:v1")))
    tiny.world.advance(20)
    assert [pod["spec"]["nodeName"] for pod in tiny.list("pods")].count("node-0") == 1
    tiny.add_node(2)
    tiny.world.advance(20)
    status = tiny.get("daemonsets", "agent")["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"], status["numberAvailable"]) == (3, 3, 3)
    tiny.world.apply("daemonsets", make.daemon_set("ns", "agent", make.container("main", "r.example/agent:v2")))
    for _ in range(80):
        tiny.world.advance(0.5)
        assert tiny.get("daemonsets", "agent")["status"]["numberReady"] >= 2
    assert tiny.get("daemonsets", "agent")["status"]["updatedNumberScheduled"] == 3


def test_a_job_ends_when_its_pod_succeeded(tiny: Tiny) -> None:
    """The pod stays as Succeeded, the Job is Complete."""
    tiny.world.behave("task", Exits(exit_code=0, after=5))
    tiny.world.apply("jobs", make.job("ns", "task", make.container("main", "r.example/task:v1")))
    tiny.world.advance(60)
    assert tiny.pod["status"]["phase"] == "Succeeded"
    assert tiny.condition(tiny.pod, "Ready")["reason"] == "PodCompleted"
    status = tiny.get("jobs", "task")["status"]
    assert status["succeeded"] == 1
    assert status["conditions"][-1]["type"] == "Complete"


def test_a_job_gives_up_at_its_limit(tiny: Tiny) -> None:
    """Failed pods are replaced with a back-off until there are too many."""
    tiny.world.behave("task", Crashes())
    tiny.world.apply("jobs", make.job("ns", "task", make.container("main", "r.example/task:v1"), backoff_limit=1))
    tiny.world.advance(60)
    assert [pod["status"]["phase"] for pod in tiny.list("pods")] == ["Failed", "Failed"]
    condition = tiny.get("jobs", "task")["status"]["conditions"][-1]
    assert (condition["type"], condition["reason"]) == ("Failed", "BackoffLimitExceeded")
    assert tiny.events("BackoffLimitExceeded")


def test_endpoints_are_the_pods_of_a_service(tiny: Tiny) -> None:
    """Unready pods are listed as not ready; a selector that fits nothing gives null."""
    tiny.world.behave("r.example/app:v1", Serves())
    tiny.world.behave("r.example/app:v2", Crashes())
    tiny.world.apply("services", make.service("ns", "app", 80, 8080))
    tiny.world.apply("services", make.service("ns", "lost", 80, 8080, app="nobody"))
    probe = make.http_probe("/", 8080, period=2, delay=2)
    tiny.deploy(replicas=2, readinessProbe=probe)
    tiny.world.advance(20)
    tiny.deploy(replicas=2, image="r.example/app:v2", readinessProbe=probe)
    tiny.world.advance(40)
    slices = {item["metadata"]["labels"]["kubernetes.io/service-name"]: item for item in tiny.list("endpointslices")}
    assert slices["lost"]["endpoints"] is None
    assert slices["lost"]["ports"] is None
    assert sorted(entry["conditions"]["ready"] for entry in slices["app"]["endpoints"]) == [False, True, True]
    assert slices["app"]["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]


def test_a_budget_counts_what_may_go(tiny: Tiny) -> None:
    """The allowed disruptions are the healthy pods above the wanted number."""
    budget = make.plain("policy/v1", "PodDisruptionBudget", "b", "ns")
    budget["spec"] = {"minAvailable": 2, "selector": {"matchLabels": {"app": "app"}}}
    tiny.world.apply("poddisruptionbudgets", budget)
    tiny.deploy(Serves(), replicas=3)
    tiny.world.advance(20)
    status = tiny.get("poddisruptionbudgets", "b")["status"]
    assert (status["currentHealthy"], status["desiredHealthy"], status["disruptionsAllowed"]) == (3, 2, 1)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minAvailable": 2}, 2),
        ({"minAvailable": "50%"}, 3),
        ({"maxUnavailable": 1}, 4),
        ({"maxUnavailable": "100%"}, 0),
    ],
)
def test_budgets_in_numbers_and_shares(spec: dict[str, int | str], expected: int) -> None:
    """Five pods are expected; shares round up."""
    assert desired_healthy(spec, 5) == expected
