from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.domain.objects import Role
from tests.support.builders import (
    GI,
    MI,
    container,
    deployment,
    node,
    pod,
    replica_set,
    running,
    snapshot,
    stateful_set,
    unscheduled,
)

WORKLOAD = deployment(desired=3, ready=0)
REPLICAS = replica_set(WORKLOAD)
MEMORY = (
    "0/{} nodes are available: {} Insufficient memory. no new claims to deallocate,"
    " preemption: 0/{} nodes are available: {} Preemption is not helpful for scheduling."
)


def test_the_schedulers_reason_is_told_without_its_tail() -> None:
    """What preemption could not do helps nobody."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1)))).findings
    assert (finding.code, finding.title) == ("UNSCHEDULABLE", "no node can take it")
    assert finding.summary == "1 waiting: 0/1 nodes are available: 1 Insufficient memory."
    assert finding.since is not None


@pytest.mark.parametrize(
    "message",
    [
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
        "0/3 nodes are available: 3 node(s) had untolerated taint {gpu: true}.",
        "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.",
    ],
)
def test_each_reason_is_shown(message: str) -> None:
    """In the scheduler's words."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, unscheduled(REPLICAS, message))).findings
    assert message.rstrip(".") in finding.summary
    assert finding.evidence[0].lines == (message,)


def test_pods_with_other_numbers_are_one_finding() -> None:
    """Three pods that lack memory have one cause, however the scheduler counts nodes."""
    pods = [unscheduled(REPLICAS, MEMORY.format(n, n, n, n)) for n in (1, 2, 3)]
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, *pods)).findings
    assert len(finding.pods) == 3
    assert finding.summary.startswith("3 waiting: ")


def test_a_scheduling_gate_is_no_lack_of_nodes() -> None:
    """Whoever set the gate must remove it."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, unscheduled(REPLICAS, reason="SchedulingGated"))).findings
    assert (finding.code, finding.title) == ("SCHEDULING_GATED", "held back by a scheduling gate")


def test_a_scheduler_without_words_is_said_to_be_so() -> None:
    """Nothing is made up."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, unscheduled(REPLICAS))).findings
    assert "the scheduler gives no reason" in finding.summary


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (container(memory=640 * GI), "It asks for 640 Gi memory; the largest node has 16 Gi in all."),
        (container(cpu_m=64_000), "It asks for 64 CPUs; the largest node has 8 CPUs in all."),
        (container(cpu_m=8_500), "It asks for 8500m CPU; the largest node has 8 CPUs in all."),
    ],
    ids=["memory", "cpu", "cpu in parts"],
)
def test_waiting_in_vain_is_said(asked: object, words: str) -> None:
    """What exceeds the largest node will never fit."""
    assert isinstance(asked, type(container()))
    waits = unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1), asked)
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, waits, node("small", memory=4 * GI, cpu_m=4000), node())).findings
    assert finding.summary.endswith(words)


def test_what_would_fit_an_empty_node_is_not_called_in_vain() -> None:
    """It may get its place when others leave."""
    waits = unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1), container(memory=8 * GI))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, waits, node())).findings
    assert "in all" not in finding.summary


def test_init_containers_do_not_add_up() -> None:
    """They run one after the other, before the others: the largest of them counts, not their sum."""
    inits = [container(name=f"init-{n}", role=Role.INIT, memory=10 * GI, cpu_m=500) for n in range(3)]
    waits = unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1), *inits, container(memory=2 * GI, cpu_m=250))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, waits, node())).findings
    assert "in all" not in finding.summary
    assert finding.evidence[0].label == "asks for 500m CPU and 10 Gi memory"


def test_what_is_asked_for_is_the_sum_of_those_that_run_together() -> None:
    """Sidecars count beside the main containers."""
    both = (container(name="proxy", role=Role.SIDECAR, memory=64 * MI, cpu_m=750), container(memory=GI, cpu_m=250))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, unscheduled(REPLICAS, "", *both))).findings
    assert finding.evidence[0].label == "asks for 1 CPU and 1.062 Gi memory"


def test_a_stateful_set_waits_like_any_other() -> None:
    """Pods that belong to their workload without a replica set between."""
    workload = stateful_set(ready=0)
    [finding] = diagnose(snapshot(workload, unscheduled(workload, MEMORY.format(1, 1, 1, 1)))).findings
    assert (finding.code, finding.target.kind, finding.revision) == ("UNSCHEDULABLE", "StatefulSet", None)


def test_scheduled_and_finished_pods_are_not_accused() -> None:
    """Only a pod that waits does wait."""
    waits = unscheduled(REPLICAS, MEMORY.format(1, 1, 1, 1))
    over = replace(waits, phase="Failed")
    healthy = deployment(ready=1)
    report = diagnose(snapshot(healthy, replica_set(healthy), over, pod(replica_set(healthy), container(running()))))
    assert report.findings == ()
