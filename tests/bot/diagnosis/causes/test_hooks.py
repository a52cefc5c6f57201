from __future__ import annotations

import pytest

from bot.diagnosis import diagnose
from bot.domain.objects import Container, Event, Pod
from tests.support.builders import (
    container,
    deployment,
    ended,
    event,
    pod,
    replica_set,
    running,
    snapshot,
    waiting,
)

WORKLOAD = deployment(ready=0)
REPLICAS = replica_set(WORKLOAD)
BACK_OFF = waiting("CrashLoopBackOff")


def codes(subject: Pod, *events: Event) -> list[str]:
    return [finding.code for finding in diagnose(snapshot(WORKLOAD, REPLICAS, subject, *events)).findings]


@pytest.mark.parametrize(
    "state",
    [
        container(BACK_OFF, last=ended(137), restarts=4),
        container(BACK_OFF, last=ended(0, "Completed"), restarts=4),
        container(running(for_s=5), last=ended(143, ago_s=6), restarts=3),
    ],
    ids=["killed", "finished", "between two kills"],
)
@pytest.mark.parametrize(("reason", "message"), [("FailedPostStartHook", "hook"), ("Killing", "FailedPostStartHook")])
def test_a_failing_hook_is_no_crash(state: Container, reason: str, message: str) -> None:
    """Whatever the program returned when it was killed for it."""
    subject = pod(REPLICAS, state)
    assert codes(subject, event(subject, reason, message)) == ["POST_START_FAILED"]


def test_the_kubelets_reason_is_enough() -> None:
    """The event may have expired."""
    subject = pod(REPLICAS, container(waiting("PostStartHookError", "exit status 3"), restarts=1))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, subject)).findings
    assert 'because its postStart hook fails: "exit status 3".' in finding.summary


def test_the_warning_says_more_than_the_kill() -> None:
    """Both are written; the kill comes last."""
    subject = pod(REPLICAS, container(BACK_OFF, last=ended(137), restarts=4))
    told = event(subject, "FailedPostStartHook", "sh: migrate: not found", ago_s=20)
    killed = event(subject, "Killing", "FailedPostStartHook", ago_s=19)
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, subject, told, killed)).findings
    assert finding.evidence[1].lines == ("sh: migrate: not found",)


@pytest.mark.parametrize(("container_name", "ago_s"), [("proxy", 60), ("api", 1801)], ids=["another's", "long ago"])
def test_another_hooks_failure_explains_nothing(container_name: str, ago_s: float) -> None:
    """Each container answers for itself, and only for a while."""
    subject = pod(REPLICAS, container(BACK_OFF, last=ended(1), restarts=4))
    told = event(subject, "FailedPostStartHook", "hook", container_name=container_name, ago_s=ago_s)
    assert codes(subject, told) == ["CRASH_LOOP"]


def test_a_hook_that_worked_at_last_is_over() -> None:
    """The container runs and is ready."""
    healthy = deployment()
    subject = pod(replica_set(healthy), container(last=ended(137, ago_s=900), restarts=1))
    seen = snapshot(healthy, replica_set(healthy), subject, event(subject, "FailedPostStartHook", "hook"))
    assert diagnose(seen).findings == ()
