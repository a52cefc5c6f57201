"""Nodes that are not well, as far as it concerns this namespace: what runs there, or waits for a place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.unready_nodes import (
    NODE_NOT_READY,
    NODE_UNREACHABLE,
    UnreadyNode,
    held,
    owners_of,
    pods_by_node,
    unready_node,
)
from bot.diagnosis.words import amount, cpu
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Condition, Node, NodeUsage, Pod
from bot.domain.targets import ObjectRef

NODE_MEMORY_PRESSURE = "NODE_MEMORY_PRESSURE"
NODE_DISK_PRESSURE = "NODE_DISK_PRESSURE"
NODE_PID_PRESSURE = "NODE_PID_PRESSURE"
NODE_NETWORK_UNAVAILABLE = "NODE_NETWORK_UNAVAILABLE"
NODE_CORDONED = "NODE_CORDONED"
NODE_MEMORY_HIGH = "NODE_MEMORY_HIGH"
NODE_CPU_HIGH = "NODE_CPU_HIGH"
# From this share of what a node can give on, others on it feel it.
HIGH = 0.9
# An older sample says nothing about now.
SAMPLE_AGE = timedelta(minutes=5)
_CONDITIONS = {
    "MemoryPressure": (NODE_MEMORY_PRESSURE, "runs out of memory", "The kubelet evicts pods to free memory"),
    "DiskPressure": (NODE_DISK_PRESSURE, "runs out of disk", "The kubelet removes images and evicts pods to free disk"),
    "PIDPressure": (NODE_PID_PRESSURE, "runs out of process numbers", "New processes may fail there"),
    "NetworkUnavailable": (NODE_NETWORK_UNAVAILABLE, "has no network for pods", "Its pods cannot reach others"),
}


def node_ref(name: str) -> ObjectRef:
    """Return what findings about a node are about."""
    return ObjectRef("Node", "", name)


def look(index: Index) -> Iterable[Finding]:
    pods = pods_by_node(index)
    cordoned = any(node.unschedulable for node in index.snapshot.nodes)
    waiting = cordoned and any(_waits(pod) for pod in index.snapshot.pods)
    for node in index.snapshot.nodes:
        ours = pods.get(node.meta.name, ())
        unready = unready_node(index, node, ours)
        if unready is not None:
            yield _not_ready(unready)
            continue
        yield from _pressures(index, node, ours)
        yield from _full(index, node, index.node_usage_by_name.get(node.meta.name), ours)
        if node.unschedulable and (ours or waiting):
            yield _cordoned(index, node, ours)


def _waits(pod: Pod) -> bool:
    scheduled = pod.condition("PodScheduled")
    return not pod.is_finished and scheduled is not None and scheduled.status == "False"


def _not_ready(unready: UnreadyNode) -> Finding:
    return Finding(
        code=unready.code,
        severity=unready.severity,
        target=node_ref(unready.node.meta.name),
        title=unready.title,
        summary=f"{unready.state} {unready.held()}",
        evidence=(_state(unready.ready),),
        next=_next(unready.node, "find out whether the machine runs, and its kubelet"),
        pods=tuple(pod.meta.name for pod in unready.pods),
        since=unready.ready.changed_at,
    )


def _pressures(index: Index, node: Node, ours: Sequence[Pod]) -> Iterable[Finding]:
    """Look at the conditions that are bad when they are True; with none of our pods there, they are not ours."""
    for condition in node.conditions:
        if condition.type not in _CONDITIONS or condition.status != "True" or not ours:
            continue
        code, title, effect = _CONDITIONS[condition.type]
        yield Finding(
            code=code,
            severity=Severity.WARNING,
            target=node_ref(node.meta.name),
            title=title,
            summary=f"Node {node.meta.name} has {condition.type}. {effect}. {_held(index, ours)}",
            evidence=(_state(condition),),
            next=_next(node, "see what uses it up"),
            pods=tuple(pod.meta.name for pod in ours),
            since=condition.changed_at,
        )


def _cordoned(index: Index, node: Node, ours: Sequence[Pod]) -> Finding:
    return Finding(
        code=NODE_CORDONED,
        severity=Severity.INFO,
        target=node_ref(node.meta.name),
        title="is cordoned",
        summary=f"Node {node.meta.name} takes no new pods: somebody cordoned it. {_held(index, ours)}",
        next=(
            NextStep(
                StepKind.MANUAL,
                f"kubectl uncordon {node.meta.name}",
                "once the work on it is done; ask who cordoned it",
            ),
        ),
        pods=tuple(pod.meta.name for pod in ours),
    )


def _full(index: Index, node: Node, usage: NodeUsage | None, ours: Sequence[Pod]) -> Iterable[Finding]:
    """Compare what is used with what the node can give to pods, where a fresh sample is there."""
    if usage is None or not ours or usage.at is None or index.now - usage.at > SAMPLE_AGE:
        return
    memory, millicores = node.memory_allocatable, node.cpu_allocatable_m
    if memory and usage.memory > HIGH * memory:
        words = f"{amount(usage.memory)} of {amount(memory)} memory"
        effect = "Soon the kubelet evicts pods, or the kernel kills."
        yield _used(index, node, usage, ours, (NODE_MEMORY_HIGH, "is nearly out of memory", words, effect))
    if millicores and usage.cpu_m > HIGH * millicores:
        words = f"{cpu(usage.cpu_m)} of {cpu(millicores)}"
        effect = "What runs there is slowed down to its request."
        yield _used(index, node, usage, ours, (NODE_CPU_HIGH, "has hardly any CPU left", words, effect))


def _used(index: Index, node: Node, usage: NodeUsage, ours: Sequence[Pod], what: tuple[str, str, str, str]) -> Finding:
    code, title, words, effect = what
    return Finding(
        code=code,
        severity=Severity.WARNING if code == NODE_MEMORY_HIGH else Severity.INFO,
        target=node_ref(node.meta.name),
        title=title,
        summary=f"Node {node.meta.name} uses {words}. {effect} {_held(index, ours)}",
        evidence=(Evidence(EvidenceKind.STATE, f"uses {words} that pods can have", (), usage.at),),
        next=(NextStep(StepKind.COMMAND, "top pods", "shows which of our pods use most", label="Top pods"),),
        pods=tuple(pod.meta.name for pod in ours),
    )


def _held(index: Index, ours: Sequence[Pod]) -> str:
    """Say what of this namespace runs there."""
    return held(len(ours), owners_of(index, ours))


def _state(condition: Condition) -> Evidence:
    label = f"{condition.type} is {condition.status}{': ' + condition.reason if condition.reason else ''}"
    return Evidence(EvidenceKind.STATE, label, (condition.message,) if condition.message else (), condition.changed_at)


def _next(node: Node, reason: str) -> tuple[NextStep, ...]:
    name = node.meta.name
    return (
        NextStep(StepKind.COMMAND, f"describe {name}", "shows its conditions, taints and pods", label="Node"),
        NextStep(StepKind.MANUAL, f"kubectl describe node {name}", reason),
    )


SURVEY = Survey(
    codes=(
        Code(
            NODE_NOT_READY,
            "A node reports that it is not ready.",
            "The node's condition Ready is False.",
            "Read the kubelet's message: the container runtime, the network plug-in, or the disk.",
            "314-316",
        ),
        Code(
            NODE_UNREACHABLE,
            "A node does not report any more; its pods get no traffic and are replaced after about five minutes.",
            "The node's condition Ready is Unknown.",
            "See whether the machine runs and has its network. If it is gone for good, delete the node object.",
            "314-316",
        ),
        Code(
            NODE_MEMORY_PRESSURE,
            "A node that holds pods of the namespace is short of memory.",
            "The node's condition MemoryPressure is True.",
            "Find what uses more than it asked for; raise requests so that pods are spread better.",
            "314-316",
        ),
        Code(
            NODE_DISK_PRESSURE,
            "A node that holds pods of the namespace is short of disk.",
            "The node's condition DiskPressure is True.",
            "Find large logs, emptyDir volumes and images; the kubelet cleans images by itself.",
            "314-326",
        ),
        Code(
            NODE_PID_PRESSURE,
            "A node that holds pods of the namespace is short of process numbers.",
            "The node's condition PIDPressure is True.",
            "Find the program that starts processes without end.",
            "314-316",
        ),
        Code(
            NODE_NETWORK_UNAVAILABLE,
            "The network of a node is not set up.",
            "The node's condition NetworkUnavailable is True.",
            "See whether the network plug-in's pod on that node runs.",
            "314-316",
        ),
        Code(
            NODE_CORDONED,
            "A node takes no new pods because somebody cordoned it.",
            "The node is unschedulable, and it holds pods of the namespace or some of them wait.",
            "Uncordon it once the work on it is done.",
            "314-316",
        ),
        Code(
            NODE_MEMORY_HIGH,
            "A node that holds pods of the namespace uses more than 90 % of the memory it can give.",
            "A sample of the metrics API that is younger than five minutes, against what is allocatable.",
            "Find what uses more than it asked for, before pods are evicted.",
            "12, 146",
        ),
        Code(
            NODE_CPU_HIGH,
            "A node that holds pods of the namespace uses more than 90 % of the CPU it can give.",
            "A sample of the metrics API that is younger than five minutes, against what is allocatable.",
            "Find what uses more than it asked for; requests decide who gets how much.",
            "12, 146",
        ),
    ),
    look=look,
)
