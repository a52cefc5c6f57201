from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.cluster.world import rollout
from sandbox.cluster.world.behaviours import Crashes, Serves
from sandbox.cluster.world.rollout import Limits, Size

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny

_REVISION, _HISTORY = "deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history"
_PROBE = {"readinessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 2}}


def _release(tiny: Tiny, version: str, **more: Any) -> None:
    tiny.deploy(image=f"r.example/app:{version}", replicas=3, deadline=60, **_PROBE, **more)


def _replica_sets(tiny: Tiny) -> dict[str, dict[str, Any]]:
    """Return the ReplicaSets by the tag of their image."""
    return {
        item["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]: item
        for item in tiny.list("replicasets")
    }


def _revisions(tiny: Tiny) -> dict[str, str]:
    return {tag: item["metadata"]["annotations"][_REVISION] for tag, item in _replica_sets(tiny).items()}


def _set_template_of(tiny: Tiny, tag: str) -> None:
    template = copy.deepcopy(_replica_sets(tiny)[tag]["spec"]["template"])
    del template["metadata"]["labels"]["pod-template-hash"]
    tiny.change("deployments", "app", lambda deployment: deployment["spec"].update(template=template))


def test_a_release_replaces_all_pods(tiny: Tiny) -> None:
    """A rollout ends with all pods of the new template, and never has fewer than the allowed ones ready."""
    _release(tiny, "v1")
    tiny.world.advance(30)
    _release(tiny, "v2")
    for _ in range(60):
        tiny.world.advance(0.5)
        status = tiny.deployment["status"]
        assert status.get("availableReplicas", 0) >= 3
        assert status["replicas"] <= 4
    status = tiny.deployment["status"]
    assert (status["replicas"], status["updatedReplicas"], status["readyReplicas"]) == (3, 3, 3)
    progressing = tiny.condition(tiny.deployment, "Progressing")
    name = _replica_sets(tiny)["v2"]["metadata"]["name"]
    assert progressing["reason"] == "NewReplicaSetAvailable"
    assert progressing["message"] == f'ReplicaSet "{name}" has successfully progressed.'


def test_a_bad_release_leaves_the_old_pods_serving(tiny: Tiny) -> None:
    """One new pod crashes, three old ones serve, and after the deadline Progressing is False and Available True."""
    tiny.world.behave("r.example/app:v1", Serves())
    tiny.world.behave("r.example/app:v2", Crashes())
    _release(tiny, "v1")
    tiny.world.advance(30)
    _release(tiny, "v2")
    tiny.world.advance(45)
    assert tiny.condition(tiny.deployment, "Progressing")["status"] == "True"
    tiny.world.advance(30)
    deployment, sets = tiny.deployment, _replica_sets(tiny)
    status = deployment["status"]
    assert (status["readyReplicas"], status["updatedReplicas"], status["replicas"]) == (3, 1, 4)
    assert status["unavailableReplicas"] == 1
    assert sets["v1"]["status"]["readyReplicas"] == 3
    assert "readyReplicas" not in sets["v2"]["status"]
    progressing = tiny.condition(deployment, "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert progressing["message"] == f'ReplicaSet "{sets["v2"]["metadata"]["name"]}" has timed out progressing.'
    assert tiny.condition(deployment, "Available")["status"] == "True"


def test_revisions_count_up(tiny: Tiny) -> None:
    """Each new template is the next revision, on its ReplicaSet and on the Deployment."""
    for version in ("v1", "v2", "v3"):
        _release(tiny, version)
        tiny.world.advance(40)
    assert _revisions(tiny) == {"v1": "1", "v2": "2", "v3": "3"}
    assert tiny.deployment["metadata"]["annotations"][_REVISION] == "3"


def test_a_rollback_renumbers_the_old_revision(tiny: Tiny) -> None:
    """An old template becomes the newest revision under its old name; its former number goes to the history."""
    for version in ("v1", "v2", "v3"):
        _release(tiny, version)
        tiny.world.advance(40)
    name = _replica_sets(tiny)["v2"]["metadata"]["name"]
    _set_template_of(tiny, "v2")
    tiny.world.advance(40)
    assert _revisions(tiny) == {"v1": "1", "v2": "4", "v3": "3"}
    assert _replica_sets(tiny)["v2"]["metadata"]["name"] == name
    assert _replica_sets(tiny)["v2"]["metadata"]["annotations"][_HISTORY] == "2"
    _set_template_of(tiny, "v3")
    tiny.world.advance(40)
    _set_template_of(tiny, "v2")
    tiny.world.advance(40)
    assert _replica_sets(tiny)["v2"]["metadata"]["annotations"][_HISTORY] == "2,4"
    assert tiny.deployment["metadata"]["annotations"][_REVISION] == "6"


def test_annotations_are_copied_to_the_replica_set(tiny: Tiny) -> None:
    """A change-cause set on the Deployment appears on its current ReplicaSet, old ones keep theirs."""
    _release(tiny, "v1")
    annotate = lambda text: lambda d: d["metadata"].setdefault("annotations", {}).update(cause=text)  # noqa: E731  # short
    tiny.change("deployments", "app", annotate("first"))
    tiny.world.advance(20)
    _release(tiny, "v2")
    tiny.change("deployments", "app", annotate("second"))
    tiny.world.advance(20)
    causes = {tag: item["metadata"]["annotations"].get("cause") for tag, item in _replica_sets(tiny).items()}
    assert causes == {"v1": "first", "v2": "second"}


def test_the_history_limit_counts_old_replica_sets(tiny: Tiny) -> None:
    """A limit of two leaves three ReplicaSets in all."""
    for version in ("v1", "v2", "v3", "v4", "v5"):
        _release(tiny, version)
        tiny.change("deployments", "app", lambda d: d["spec"].update(revisionHistoryLimit=2))
        tiny.world.advance(40)
    assert sorted(_revisions(tiny).values()) == ["3", "4", "5"]


def test_a_paused_deployment_stores_the_change_only(tiny: Tiny) -> None:
    """While paused no ReplicaSet is made and Progressing is Unknown; on resume the change rolls out."""
    _release(tiny, "v1")
    tiny.world.advance(20)
    tiny.change("deployments", "app", lambda d: d["spec"].update(paused=True))
    tiny.world.advance(1)
    tiny.change(
        "deployments", "app", lambda d: d["spec"]["template"]["spec"]["containers"][0].update(image="r.example/app:v2")
    )
    tiny.world.advance(20)
    assert set(_replica_sets(tiny)) == {"v1"}
    progressing = tiny.condition(tiny.deployment, "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("Unknown", "DeploymentPaused")
    assert "updatedReplicas" not in tiny.deployment["status"]
    tiny.change("deployments", "app", lambda d: d["spec"].update(paused=False))
    tiny.world.advance(40)
    assert tiny.deployment["status"]["updatedReplicas"] == 3
    assert tiny.condition(tiny.deployment, "Progressing")["reason"] == "NewReplicaSetAvailable"


@pytest.mark.parametrize("replicas", [0, 1, 5])
def test_scaling_makes_no_revision(tiny: Tiny, replicas: int) -> None:
    """Another number of replicas changes the pods and nothing else; counters are absent at zero."""
    _release(tiny, "v1")
    tiny.world.advance(20)
    tiny.change("deployments", "app", lambda d: d["spec"].update(replicas=replicas))
    tiny.world.advance(20)
    assert len(tiny.list("pods")) == replicas
    assert tiny.deployment["status"].get("readyReplicas", 0) == replicas
    assert ("readyReplicas" in tiny.deployment["status"]) == bool(replicas)
    assert _revisions(tiny) == {"v1": "1"}


def test_recreate_never_mixes_versions(tiny: Tiny) -> None:
    """With the strategy Recreate the old pods are gone before new ones appear."""
    _release(tiny, "v1")
    tiny.change("deployments", "app", lambda d: d["spec"].update(strategy={"type": "Recreate"}))
    tiny.world.advance(20)
    tiny.change(
        "deployments", "app", lambda d: d["spec"]["template"]["spec"]["containers"][0].update(image="r.example/app:v2")
    )
    for _ in range(60):
        tiny.world.advance(0.5)
        assert len({pod["spec"]["containers"][0]["image"] for pod in tiny.list("pods")}) <= 1
    assert tiny.deployment["status"]["updatedReplicas"] == 3


def test_a_deleted_deployment_takes_its_pods_along(tiny: Tiny) -> None:
    """ReplicaSets and pods without their owner are collected."""
    _release(tiny, "v1")
    tiny.world.advance(20)
    tiny.world.store.delete("deployments", "ns", "app")
    tiny.world.advance(20)
    assert tiny.list("pods") == []
    assert tiny.list("replicasets") == []


def test_a_deleted_pod_comes_back_under_another_name(tiny: Tiny) -> None:
    """The ReplicaSet replaces a pod that vanished or is being deleted."""
    _release(tiny, "v1")
    tiny.world.advance(20)
    names = {pod["metadata"]["name"] for pod in tiny.list("pods")}
    first, second = sorted(names)[:2]
    tiny.world.store.delete("pods", "ns", first)
    tiny.change("pods", second, lambda pod: pod["metadata"].update(deletionTimestamp="2026-11-24T14:01:00Z"))
    tiny.world.advance(20)
    after = {pod["metadata"]["name"] for pod in tiny.list("pods")}
    assert len(after) == 3
    assert len(after & names) == 1


@pytest.mark.parametrize(
    ("replicas", "surge", "absence", "expected"),
    [
        (3, "25%", "25%", Limits(1, 0)),
        (10, "25%", "25%", Limits(3, 2)),
        (1, "25%", "25%", Limits(1, 0)),
        (4, 0, 0, Limits(0, 1)),
        (4, 2, "50%", Limits(2, 2)),
    ],
)
def test_shares_round_in_favour_of_availability(replicas: int, surge: Any, absence: Any, expected: Limits) -> None:
    """A surge rounds up, an absence down, and both are never zero."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": absence}}
    assert rollout.limits({"replicas": replicas, "strategy": strategy}) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected_new", "expected_old"),
    [
        (Size("n", 0, 0, 0), [Size("o", 3, 3, 3)], 1, {"o": 3}),
        (Size("n", 1, 1, 0), [Size("o", 3, 3, 3)], 1, {"o": 3}),
        (Size("n", 1, 1, 1), [Size("o", 3, 3, 3)], 1, {"o": 2}),
        (Size("n", 3, 3, 3), [Size("o", 1, 1, 0)], 3, {"o": 0}),
        (Size("n", 3, 3, 3), [], 3, {}),
    ],
    ids=["begin", "crashing", "ready", "broken old pods", "done"],
)
def test_steps_of_a_rollout(new: Size, old: list[Size], expected_new: int, expected_old: dict[str, int]) -> None:
    """Three replicas with a surge of one and no absence."""
    bounds = Limits(1, 0)
    assert rollout.new_size(3, new, old, bounds) == expected_new
    assert rollout.old_sizes(3, new, old, bounds) == expected_old


def test_rescaling_in_the_middle_keeps_the_proportion() -> None:
    """Both versions grow when a rollout is scaled from ten to twenty."""
    sizes = [Size("new", 5, 5, 5, most_before=13), Size("old", 8, 8, 8, most_before=13)]
    shares = rollout.rescaled(20, sizes, Limits(5, 5))
    assert sum(shares.values()) == 25
    assert shares["old"] > shares["new"] > 5
