from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis.causes.nodes import SURVEY
from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Condition, Node, NodeUsage, Pod
from tests.support.builders import (
    GI,
    ago,
    condition,
    container,
    deployment,
    meta,
    node,
    pod,
    replica_set,
    running,
    snapshot,
    unscheduled,
)

API = deployment(desired=2, ready=1)
SET = replica_set(API, desired=2, ready=1)
HERE = pod(SET, name="api-here")
SILENT = condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", ago_s=120)
READY = condition("Ready", "True", "KubeletReady")


def look(*objects: object) -> list[Finding]:
    return list(SURVEY.look(Index(snapshot(API, SET, *objects))))


def unready_by_node() -> Pod:
    """Make a pod of a dead node: the node controller sets Ready to False, its containers still look well."""
    made = pod(SET, container(running()), name="api-lost")
    return replace(made, conditions=(condition("Ready", "False", ago_s=120), condition("ContainersReady", "True")))


@pytest.mark.parametrize(
    ("ready", "code", "words"),
    [
        (SILENT, "NODE_UNREACHABLE", "does not report to the cluster any more."),
        (
            condition("Ready", "False", "KubeletNotReady", "container runtime is down"),
            "NODE_NOT_READY",
            'reports that it is not ready. It says: "container runtime is down".',
        ),
    ],
    ids=["silent", "says so"],
)
def test_a_node_that_is_not_ready_is_told_with_its_pods(ready: Condition, code: str, words: str) -> None:
    """Silence and a kubelet's own word are two things."""
    [finding] = look(HERE, replace(node(), conditions=(ready,)))
    assert (finding.code, finding.severity, finding.pods) == (code, Severity.WARNING, ("api-here",))
    assert finding.summary == f"Node node-1 {words} 1 pod of this namespace runs there (api)."


def test_pods_of_a_dead_node_are_consequences() -> None:
    """One trouble, one finding."""
    [finding] = diagnose(snapshot(API, SET, unready_by_node(), node(conditions=(SILENT,)))).findings
    assert finding.code == "NODE_UNREACHABLE"
    assert [felt.code for felt in finding.consequences] == ["NOT_READY"]


def test_a_dead_node_elsewhere_is_only_mentioned() -> None:
    """Nothing of this namespace runs there."""
    [finding] = look(node("far", conditions=(SILENT,)))
    assert (finding.severity, finding.pods) == (Severity.INFO, ())


def test_a_dead_node_with_all_of_a_workload_is_critical() -> None:
    """Nothing is ready any more."""
    down = replace(API, ready=0)
    [finding] = SURVEY.look(Index(snapshot(down, SET, HERE, node(conditions=(SILENT,)))))
    assert finding.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("MemoryPressure", "NODE_MEMORY_PRESSURE"),
        ("DiskPressure", "NODE_DISK_PRESSURE"),
        ("PIDPressure", "NODE_PID_PRESSURE"),
        ("NetworkUnavailable", "NODE_NETWORK_UNAVAILABLE"),
    ],
)
def test_pressure_is_told_where_we_feel_it(kind: str, code: str) -> None:
    """A node without our pods is not our trouble, and a condition that is False is none."""
    pressed = node(conditions=(READY, condition(kind, "True", "Kubelet")))
    assert [finding.code for finding in look(HERE, pressed)] == [code]
    assert look(pressed) == []
    assert look(HERE, node(conditions=(READY, condition(kind, "False")))) == []


def test_a_cordoned_node_is_told_where_it_matters() -> None:
    """It holds our pods, or some wait for a place."""
    cordoned = node(cordoned=True, conditions=(READY,))
    waits = unscheduled(SET, "0/1 nodes are available: 1 node(s) were unschedulable.")
    assert [(f.code, f.severity) for f in look(HERE, cordoned)] == [("NODE_CORDONED", Severity.INFO)]
    assert [f.code for f in look(waits, cordoned)] == ["NODE_CORDONED"]
    assert look(cordoned) == []


def used(*, cpu_m: int = 0, memory: int = 0, ago_s: float = 20) -> NodeUsage:
    return NodeUsage(meta=meta("node-1"), at=ago(ago_s), window_s=20, cpu_m=cpu_m, memory=memory)


@pytest.mark.parametrize(
    ("usage", "codes"),
    [
        (used(memory=15 * GI), ["NODE_MEMORY_HIGH"]),
        (used(cpu_m=7500), ["NODE_CPU_HIGH"]),
        (used(memory=14 * GI, cpu_m=7000), []),
        (used(memory=15 * GI, ago_s=900), []),
        (replace(used(memory=15 * GI), at=None), []),
    ],
    ids=["memory", "cpu", "below", "an old sample", "no time"],
)
def test_a_full_node_is_told_by_fresh_samples(usage: NodeUsage, codes: list[str]) -> None:
    """Above 90 % of what it can give to pods."""
    well: Node = node(conditions=(READY,))
    assert [finding.code for finding in look(HERE, well, usage)] == codes


def test_a_node_that_is_well_is_not_told() -> None:
    """Nor one of which nothing is known."""
    assert look(HERE, node(conditions=(READY,))) == []
    assert look(HERE, node()) == []
