from __future__ import annotations

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Container, Pod, PodUsage
from bot.domain.snapshot import Part
from tests.support.builders import (
    MI,
    container,
    deployment,
    missing,
    oom_killed,
    pod,
    replica_set,
    running,
    snapshot,
    usage,
    waiting,
)

WORKLOAD = deployment("worker", desired=2)
REPLICAS = replica_set(WORKLOAD, ready=2)
LIMITED = container(memory_limit=512 * MI)


def found(*used: tuple[Container, int], parts: dict[Part, object] | None = None) -> tuple[Finding, ...]:
    pods: list[Pod] = [pod(REPLICAS, each, name=f"worker-{number}") for number, (each, _) in enumerate(used)]
    samples: list[PodUsage] = [usage(each, memory=memory) for each, (_, memory) in zip(pods, used, strict=True)]
    without = {Part.POD_METRICS: missing("no metrics")} if parts else {}
    return diagnose(snapshot(WORKLOAD, REPLICAS, *pods, *samples, parts=without)).findings


def test_a_container_close_to_its_limit_is_a_warning() -> None:
    """It still works, and will be killed when it reaches it."""
    [finding] = found((LIMITED, 490 * MI), (LIMITED, 100 * MI))
    assert (finding.code, finding.severity, finding.pods) == ("MEMORY_HIGH", Severity.WARNING, ("worker-0",))
    assert finding.summary == (
        "1 of 2 pods uses 90 % or more of the memory limit in container api: 490 Mi of 512 Mi (96 %)."
        " At the limit the kernel kills it."
    )
    assert [(step.text, step.label) for step in finding.next] == [
        ("top pods", "Top pods"),
        ("set memory worker 1Gi", "Set memory…"),
        ("restart worker", "Restart…"),
    ]


@pytest.mark.parametrize(
    ("subject", "memory"),
    [(LIMITED, 460 * MI), (container(), 490 * MI)],
    ids=["below 90 %", "without a limit"],
)
def test_what_has_room_is_not_accused(subject: Container, memory: int) -> None:
    """Only a share of a limit says anything."""
    assert found((subject, memory)) == ()


def test_without_metrics_nothing_is_said() -> None:
    """Could not look is told under what was not checked."""
    assert found((LIMITED, 511 * MI), parts={Part.POD_METRICS: None}) == ()


def test_what_is_killed_for_memory_is_one_finding() -> None:
    """The kill says more than the usage."""
    again = container(running(for_s=20), last=oom_killed(ago_s=21), restarts=3, memory_limit=512 * MI)
    [finding] = found((again, 500 * MI), (LIMITED, 500 * MI))
    assert finding.code == "OOM_KILLED"
    assert "It now uses 500 Mi of 512 Mi." in finding.summary


def test_a_killed_container_is_compared_with_the_pods_that_run() -> None:
    """They show where it is heading."""
    gone = container(waiting("CrashLoopBackOff"), last=oom_killed(), restarts=3, memory_limit=512 * MI)
    [finding] = found((gone, 0), (LIMITED, 300 * MI))
    assert "Its other pods use up to 300 Mi of 512 Mi." in finding.summary
