"""How far a roll-out is, as `kubectl rollout status` judges it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.rollout import Rollout, rollout_of
from tests.support.changes import NOW, workload

GENERATION = 4


def status(observed: int = GENERATION, **figures: Any) -> dict[str, Any]:
    return {"observedGeneration": observed, **figures}


def condition(kind: str, said: str, reason: str, message: str = "", *, ago_s: float = 0) -> dict[str, Any]:
    at = f"{NOW - timedelta(seconds=ago_s):%Y-%m-%dT%H:%M:%SZ}"
    return {"type": kind, "status": said, "reason": reason, "message": message, "lastUpdateTime": at}


LATE = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "api-9" has timed out progressing.')
QUOTA = condition("ReplicaFailure", "True", "FailedCreate", 'pods "api-9-x" is forbidden: exceeded quota: q')


def deployment(figures: dict[str, Any], **spec: Any) -> Rollout:
    return rollout_of("Deployment", workload(status=figures, **spec), generation=GENERATION)


# --- Deployment, in kubectl's order -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "note", "ready"),
    [
        (
            status(3, replicas=3, updatedReplicas=3, availableReplicas=3),
            "the cluster has not looked at the change yet",
            0,
        ),
        (status(replicas=3), "0 of 3 new pods made", 0),
        (status(replicas=4, updatedReplicas=1, availableReplicas=3), "1 of 3 new pods made", 0),
        (status(replicas=4, updatedReplicas=3, availableReplicas=3), "1 old pod still to end", 2),
        (status(replicas=6, updatedReplicas=3, availableReplicas=6), "3 old pods still to end", 3),
        (status(replicas=3, updatedReplicas=3, availableReplicas=2), "2 of 3 new pods ready", 2),
        (status(replicas=3, updatedReplicas=3), "0 of 3 new pods ready", 0),
        (status(replicas=5, updatedReplicas=5, availableReplicas=5), "2 pods still to end", 5),
    ],
    ids=["b", "d absent", "d", "e", "e surge", "f", "f absent", "scaled down"],
)
def test_a_deployment_is_waited_for(figures: dict[str, Any], note: str, ready: int) -> None:
    """Each test in its turn; a figure that is absent is 0, and new pods are never counted too high."""
    seen = deployment(figures)
    assert (seen.done, seen.failed, seen.note, seen.ready) == (False, "", note, ready)


@pytest.mark.parametrize("replicas", [0, 1, 3])
def test_a_deployment_is_done_when_all_pods_are_new_and_ready(replicas: int) -> None:
    """And no other is left."""
    figures = status(replicas=replicas, updatedReplicas=replicas, availableReplicas=replicas)
    assert deployment(figures, replicas=replicas) == Rollout(done=True, ready=replicas, wanted=replicas)


def test_a_status_from_before_our_write_is_not_looked_at() -> None:
    """Neither by the object's own generation nor by the one that our write made: a late copy may show less."""
    complete = status(replicas=3, updatedReplicas=3, availableReplicas=3)
    assert deployment(complete).done
    assert not rollout_of("Deployment", workload(status=complete), generation=GENERATION + 1).done
    assert not rollout_of("Deployment", workload(status=complete, generation=5), generation=GENERATION).done
    assert not rollout_of("Deployment", workload(generation=0), generation=0).done
    late = {**status(3), "conditions": [LATE, QUOTA]}
    assert deployment(late).failed == ""


def test_a_deadline_that_passed_ends_it() -> None:
    """Even while the old pods serve; the cluster's words are handed on apart, for they are not redacted."""
    seen = deployment({**status(replicas=4, updatedReplicas=1, availableReplicas=3), "conditions": [LATE]})
    assert seen.failed == "its new pods were not ready within the time that it allows them"
    assert seen.said == 'ReplicaSet "api-9" has timed out progressing.'
    assert not seen.done


def test_pods_that_are_refused_end_it_early() -> None:
    """A quota, an admission: waiting for the deadline would not help."""
    conditions = [condition("Progressing", "True", "ReplicaSetUpdated"), QUOTA]
    seen = deployment({**status(replicas=3, updatedReplicas=1, availableReplicas=3), "conditions": conditions})
    assert (seen.failed, seen.said) == ("its new pods are refused", QUOTA["message"])
    none = condition("ReplicaFailure", "False", "FailedCreate")
    assert not deployment({**status(replicas=3), "conditions": [none]}).failed


def test_what_is_complete_is_not_refused() -> None:
    """A leftover of the condition does not matter then."""
    complete = status(replicas=3, updatedReplicas=3, availableReplicas=3)
    assert deployment({**complete, "conditions": [QUOTA]}).done


@pytest.mark.parametrize(("ago_s", "ours"), [(600, False), (6, False), (4, True), (-1, True)])
def test_what_went_wrong_before_the_write_is_not_its_fault(ago_s: float, *, ours: bool) -> None:
    """People roll back because pods are refused or late: the condition of the bad ones is still there then."""
    for kind in (LATE, QUOTA):
        told = condition(kind["type"], kind["status"], kind["reason"], "said", ago_s=ago_s)
        of = workload(status={**status(replicas=3, updatedReplicas=1), "conditions": [told]})
        assert bool(rollout_of("Deployment", of, generation=GENERATION, since=NOW).failed) is ours


def test_a_condition_without_its_time_counts() -> None:
    """Nothing shows that it is old."""
    told = {name: value for name, value in QUOTA.items() if name != "lastUpdateTime"}
    of = workload(status={**status(replicas=3), "conditions": [told]})
    assert rollout_of("Deployment", of, generation=GENERATION, since=NOW).failed


def test_a_paused_deployment_never_finishes() -> None:
    """A new template waits until somebody resumes it; a new number of pods does not."""
    paused = condition("Progressing", "Unknown", "DeploymentPaused")
    held = deployment({**status(replicas=3, availableReplicas=3), "conditions": [paused]}, paused=True)
    assert held.failed == "it is paused, so its pods are not replaced until somebody resumes it"
    growing = status(replicas=3, updatedReplicas=3, availableReplicas=3)
    assert deployment(growing, paused=True, replicas=5).failed == ""
    assert deployment(growing, paused=True).done


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_what_is_being_deleted_never_finishes(kind: str) -> None:
    """Whatever its figures say."""
    of = workload(kind, status=status(replicas=3, updatedReplicas=3, availableReplicas=3))
    of["metadata"]["deletionTimestamp"] = "2026-11-24T14:12:05Z"
    assert rollout_of(kind, of, generation=GENERATION).failed == "it is being deleted"


# --- StatefulSet and DaemonSet ----------------------------------------------------------------------------------------

ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}


def stateful_set(figures: dict[str, Any], strategy: dict[str, Any] | None = None, **spec: Any) -> Rollout:
    of = workload("StatefulSet", status=figures, updateStrategy=strategy or ROLLING, **spec)
    return rollout_of("StatefulSet", of, generation=GENERATION)


@pytest.mark.parametrize(
    ("figures", "note", "ready"),
    [
        (status(0), "the cluster has not looked at the change yet", 0),
        (status(3), "the cluster has not looked at the change yet", 0),
        (status(replicas=3, readyReplicas=2, updatedReplicas=1), "2 of 3 pods ready", 0),
        (status(replicas=3, readyReplicas=3, updatedReplicas=2), "2 of 3 new pods made", 2),
        (status(replicas=5, readyReplicas=5, updatedReplicas=5), "2 pods still to end", 3),
    ],
    ids=["never observed", "behind", "not ready", "not updated", "scaled down"],
)
def test_a_stateful_set_is_waited_for(figures: dict[str, Any], note: str, ready: int) -> None:
    """Its pods first, then whether they are new."""
    seen = stateful_set(figures)
    assert (seen.done, seen.failed, seen.note, seen.ready) == (False, "", note, ready)


def test_a_stateful_set_is_done_when_all_pods_are_new_and_ready() -> None:
    """A partition leaves some as they were, and says so."""
    complete = status(replicas=3, readyReplicas=3, updatedReplicas=3)
    assert stateful_set(complete) == Rollout(done=True, ready=3, wanted=3)
    held = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    seen = stateful_set(status(replicas=3, readyReplicas=3, updatedReplicas=1), held)
    assert seen == Rollout(done=True, ready=1, wanted=1, note="its partition leaves 2 pods as they were")
    beyond = {"type": "RollingUpdate", "rollingUpdate": {"partition": 9}}
    assert stateful_set(status(replicas=3, readyReplicas=3), beyond).done
    assert stateful_set(status(), replicas=0).done


def test_a_stateful_set_without_the_stanza_is_judged_by_its_revisions() -> None:
    """As an API server that does not default it would tell it."""
    bare = {"type": "RollingUpdate"}
    figures = status(replicas=3, readyReplicas=3, updatedReplicas=1, updateRevision="b")
    assert stateful_set({**figures, "currentRevision": "a"}, bare).note == "1 new pod made"
    assert stateful_set({**figures, "currentRevision": "b"}, bare).done


def daemon_set(figures: dict[str, Any], strategy: str = "RollingUpdate") -> Rollout:
    of = workload("DaemonSet", status=figures, updateStrategy={"type": strategy})
    return rollout_of("DaemonSet", of, generation=GENERATION)


@pytest.mark.parametrize(
    ("figures", "done", "note", "ready"),
    [
        (status(3, desiredNumberScheduled=3), False, "the cluster has not looked at the change yet", 0),
        (status(desiredNumberScheduled=3, numberAvailable=3), False, "0 of 3 new pods made", 0),
        (
            status(desiredNumberScheduled=3, updatedNumberScheduled=2, numberAvailable=3),
            False,
            "2 of 3 new pods made",
            2,
        ),
        (
            status(desiredNumberScheduled=3, updatedNumberScheduled=3, numberAvailable=2),
            False,
            "2 of 3 new pods ready",
            2,
        ),
        (status(desiredNumberScheduled=3, updatedNumberScheduled=3, numberAvailable=3), True, "", 3),
        (status(), True, "", 0),
    ],
    ids=["behind", "none", "some", "not ready", "done", "no node wants it"],
)
def test_a_daemon_set(figures: dict[str, Any], note: str, ready: int, *, done: bool) -> None:
    """By the nodes that want a pod."""
    seen = daemon_set(figures)
    assert (seen.done, seen.failed, seen.note, seen.ready) == (done, "", note, ready)


def test_pods_that_change_only_when_deleted_are_not_waited_for() -> None:
    """Only the revision to be used changes; the note says so."""
    note = "its update strategy is OnDelete: each pod stays as it is until it is deleted"
    figures = status(desiredNumberScheduled=3, numberAvailable=3)
    assert daemon_set(figures, "OnDelete") == Rollout(done=True, wanted=3, note=note)
    on_delete = {"type": "OnDelete"}
    assert stateful_set(status(replicas=3, readyReplicas=2), on_delete) == Rollout(done=True, wanted=3, note=note)


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "Pod", "Namespace"])
def test_what_has_no_roll_out_is_done(kind: str) -> None:
    """At once."""
    assert rollout_of(kind, {"metadata": {"name": "api"}}, generation=0) == Rollout(done=True)
