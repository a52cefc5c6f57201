from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.cluster.scenarios import SCENARIOS, UnknownScenario, load
from sandbox.cluster.world.clock import WorldClock, parse_stamp
from sandbox.cluster.world.world import World

NOW = datetime(2026, 11, 24, 14, 8, tzinfo=UTC)
NAMESPACE = "rag-engine"


def _load(name: str, **more: int) -> World:
    return load(name, clock=WorldClock(NOW), **more)


def _pods(world: World, app: str) -> list[dict[str, Any]]:
    pods = world.store.list("pods", NAMESPACE)
    return [pod for pod in pods if pod["metadata"]["labels"]["app"] == app]


def _waiting(pod: dict[str, Any]) -> str:
    state = pod["status"]["containerStatuses"][0]["state"]
    return str(state.get("waiting", {}).get("reason", ""))


def _not_ready(world: World) -> set[str]:
    """Return the workloads with a pod that is not ready."""
    return {
        pod["metadata"]["labels"]["app"]
        for pod in world.store.list("pods", NAMESPACE)
        if not any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
    }


def test_the_scenarios_are_found() -> None:
    """Each file of the package that holds a scenario is in the registry."""
    expected = {
        "healthy",
        "bad-release",
        "image-not-found",
        "pending",
        "probes",
        "crash-quiet",
        "everything",
        "crowd",
        "upkeep",
    }
    assert set(SCENARIOS) == expected


def test_an_unknown_scenario_names_the_known_ones() -> None:
    """The error helps."""
    with pytest.raises(UnknownScenario, match="healthy"):
        load("helthy")


@pytest.mark.parametrize(
    ("name", "unwell"),
    [
        ("healthy", set()),
        ("bad-release", {"rag-engine-api", "rag-engine-worker"}),
        ("image-not-found", {"rag-engine-ingest"}),
        ("pending", {"rag-engine-embedder"}),
        ("probes", {"rag-engine-reranker", "rag-engine-scheduler"}),
        ("crash-quiet", {"rag-engine-gateway"}),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_each_scenario_has_its_fault_and_no_other(name: str, unwell: set[str], seed: int) -> None:
    """The present is the clock's start, and only the named workloads have pods that are not ready."""
    world = _load(name, seed=seed)
    assert world.clock.now() == NOW
    assert _not_ready(world) - unwell == set()
    world.advance(120)
    assert _not_ready(world) - unwell == set()
    if name != "probes":  # its scheduler is ready between two restarts
        assert _not_ready(world) == unwell


def test_healthy_has_eleven_workloads_on_three_nodes() -> None:
    """Deployments and StatefulSets of the namespace, all with as many ready pods as wanted."""
    world = _load("healthy")
    workloads = [*world.store.list("deployments", NAMESPACE), *world.store.list("statefulsets", NAMESPACE)]
    assert len(workloads) == 11
    assert all(item["status"]["readyReplicas"] == item["spec"]["replicas"] for item in workloads)
    assert len(world.store.list("nodes")) == 3
    system = {pod["metadata"]["labels"]["app"] for pod in world.store.list("pods", "kube-system")}
    assert system == {"coredns", "metrics-server", "kube-proxy"}
    assert world.store.list("events", NAMESPACE) == []


@pytest.fixture(scope="module")
def bad_release() -> World:
    return _load("bad-release")


def test_bad_release_keeps_the_old_revision_serving(bad_release: World) -> None:
    """Revision 7 has three ready pods that are three days old, revision 8 has one that crashes."""
    sets = {
        item["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: item
        for item in bad_release.store.list("replicasets", NAMESPACE)
        if item["metadata"]["labels"]["app"] == "rag-engine-api"
    }
    assert sorted(sets, key=int) == [str(number) for number in range(1, 9)]
    assert sets["7"]["status"]["readyReplicas"] == 3
    assert "readyReplicas" not in sets["8"]["status"]
    assert parse_stamp(sets["8"]["metadata"]["creationTimestamp"]) == NOW.timestamp() - 360
    assert parse_stamp(sets["7"]["metadata"]["creationTimestamp"]) == NOW.timestamp() - 3 * 86400
    names = {
        number: {entry["name"] for entry in sets[number]["spec"]["template"]["spec"]["containers"][0]["env"]}
        for number in ("7", "8")
    }
    assert names["7"] - names["8"] == {"DATABASE_URL"}
    assert names["8"] - names["7"] == {"FEATURE_X"}


def test_bad_release_crashes_with_a_reason_in_its_log(bad_release: World) -> None:
    """Exit code 1, and a traceback that names the variable."""
    pods = sorted(_pods(bad_release, "rag-engine-api"), key=lambda pod: pod["metadata"]["creationTimestamp"])
    status = pods[-1]["status"]["containerStatuses"][0]
    assert _waiting(pods[-1]) == "CrashLoopBackOff"
    assert status["lastState"]["terminated"]["exitCode"] == 1
    texts = [line.text for line in bad_release.lines(NAMESPACE, pods[-1]["metadata"]["name"], "api")]
    assert "KeyError: 'DATABASE_URL'" in texts
    assert "DATABASE_URL is not set" in texts[-1]
    assert all(pod["status"]["containerStatuses"][0]["restartCount"] == 0 for pod in pods[:-1])


def test_bad_release_has_timed_out(bad_release: World) -> None:
    """The rollout's deadline of five minutes has passed."""
    deployment = bad_release.store.get("deployments", NAMESPACE, "rag-engine-api")
    assert deployment is not None
    conditions = {entry["type"]: entry for entry in deployment["status"]["conditions"]}
    assert conditions["Progressing"]["reason"] == "ProgressDeadlineExceeded"
    assert conditions["Available"]["status"] == "True"
    assert deployment["status"]["readyReplicas"] == 3


def test_bad_release_kills_the_worker_nine_times(bad_release: World) -> None:
    """Nine kills in 23 minutes: eight restarts, and waiting for the next."""
    (pod,) = _pods(bad_release, "rag-engine-worker")
    status = pod["status"]["containerStatuses"][0]
    assert status["restartCount"] == 8
    last = status["lastState"]["terminated"]
    assert (last["reason"], last["exitCode"]) == ("OOMKilled", 137)
    assert parse_stamp(last["finishedAt"]) - parse_stamp(last["startedAt"]) == pytest.approx(41.5, abs=1)


def test_the_missing_variable_heals_the_release() -> None:
    """With DATABASE_URL revision 9 serves: what a person fixes is fixed."""
    world = _load("bad-release")
    deployment = world.store.get("deployments", NAMESPACE, "rag-engine-api")
    assert deployment is not None
    spec = deployment["spec"]["template"]["spec"]
    reference = {"secretKeyRef": {"name": "db", "key": "url"}}
    container = {**spec["containers"][0]}
    container["env"] = [*container["env"], {"name": "DATABASE_URL", "valueFrom": reference}]
    template = {**deployment["spec"]["template"], "spec": {**spec, "containers": [container]}}
    world.store.update("deployments", {**deployment, "spec": {**deployment["spec"], "template": template}})
    world.advance(60)
    healed = world.store.get("deployments", NAMESPACE, "rag-engine-api")
    assert healed is not None
    assert healed["status"]["updatedReplicas"] == healed["status"]["readyReplicas"] == 3


def test_everything_shows_many_kinds_of_fault() -> None:
    """The reasons that a diagnosis has to tell apart are all there."""
    world = _load("everything")
    reasons = {_waiting(pod) for pod in world.store.list("pods", NAMESPACE) if pod["status"].get("containerStatuses")}
    assert {"CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError", "ContainerCreating"} <= reasons
    unscheduled = [pod for pod in world.store.list("pods", NAMESPACE) if "nodeName" not in pod["spec"]]
    assert {pod["metadata"]["labels"]["app"] for pod in unscheduled} == {"rag-engine-embedder", "rag-engine-archive"}
    assert any(pod["status"].get("reason") == "Evicted" for pod in world.store.list("pods", NAMESPACE))
    assert any(pod["status"].get("initContainerStatuses") for pod in _pods(world, "rag-engine-admin"))


def test_crowd_has_as_many_pods_as_asked() -> None:
    """All of them are ready."""
    world = _load("crowd", pods=45)
    assert len(world.store.list("pods", NAMESPACE)) == 45
    assert _not_ready(world) == set()
