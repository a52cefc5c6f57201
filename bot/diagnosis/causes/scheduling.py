"""Pods that no node takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.words import amount, cpu
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, StepKind
from bot.domain.objects import Condition, Container, Node, Pod, Role
from bot.domain.text import first_line

UNSCHEDULABLE = "UNSCHEDULABLE"
SCHEDULING_GATED = "SCHEDULING_GATED"
_BLOCKED = re.compile(r"\d+ ([^,.]+)")


def observe(_index: Index, pod: Pod) -> Iterable[Symptom]:
    condition = pod.condition("PodScheduled")
    if pod.is_finished or condition is None or condition.status != "False":
        return
    gated = condition.reason == "SchedulingGated"
    yield Symptom(
        code=SCHEDULING_GATED if gated else UNSCHEDULABLE,
        pod=pod,
        key=_kinds_of(condition),
        since=condition.changed_at or pod.meta.created_at,
    )


def _kinds_of(condition: Condition) -> str:
    """Reduce the scheduler's sentence to its reasons, so that pods with other numbers fall into one case."""
    text = condition.message.split("preemption:")[0].partition(":")[2]
    return "; ".join(sorted(set(_BLOCKED.findall(text))))


def explain(case: Case) -> Finding:
    pod = case.newest.pod
    condition = pod.condition("PodScheduled")
    message = condition.message if condition else None
    if case.code == SCHEDULING_GATED:
        summary = "It is held back by a scheduling gate; whoever set the gate must remove it."
        title = "held back by a scheduling gate"
    else:
        reason = first_line(_without_tail(message), 240) if message else "the scheduler gives no reason"
        title = "no node can take it"
        summary = f"{len(case.pods)} waiting: {reason}.{_room(case, pod)}"
    target = case.target
    return Finding(
        code=case.code,
        severity=case.severity,
        target=target,
        title=title,
        summary=summary,
        evidence=(Evidence(EvidenceKind.STATE, f"asks for {_asked(pod)}", (message,) if message else (), case.since),),
        next=(
            NextStep(
                StepKind.MANUAL,
                f"kubectl -n {target.namespace} describe pod {pod.meta.name}",
                "shows what it asks for; lower the request, or add or free a node",
            ),
        ),
        pods=case.pods,
        revision=case.revision,
        since=case.since,
    )


def _without_tail(message: str) -> str:
    """Leave out what the scheduler says of preemption and of claims when those are not the reason."""
    return message.partition(" preemption:")[0].removesuffix(" no new claims to deallocate,").rstrip(" ,.")


def _needs(pod: Pod) -> tuple[int, int]:
    return (
        _most_at_once(pod, lambda container: container.cpu_request_m or 0),
        _most_at_once(pod, lambda container: container.memory_request or 0),
    )


def _most_at_once(pod: Pod, asked: Callable[[Container], int]) -> int:
    """Add up what runs together. Init containers run before, one by one, beside the sidecars that stand before them."""
    together = largest = 0
    for container in pod.containers:
        if container.role is Role.INIT:
            largest = max(largest, together + asked(container))
        else:
            together += asked(container)
    return max(together, largest)


def _asked(pod: Pod) -> str:
    millicores, memory = _needs(pod)
    return f"{cpu(millicores)} and {amount(memory)} memory"


def _room(case: Case, pod: Pod) -> str:
    """Say when the request exceeds what even the largest empty node could give: then waiting is in vain."""
    nodes: tuple[Node, ...] = case.index.snapshot.nodes
    if not nodes:
        return ""
    millicores, memory = _needs(pod)
    most_cpu = max(node.cpu_allocatable_m for node in nodes)
    most_memory = max(node.memory_allocatable for node in nodes)
    if memory > most_memory:
        return f" It asks for {amount(memory)} memory; the largest node has {amount(most_memory)} in all."
    if millicores > most_cpu:
        return f" It asks for {cpu(millicores)}; the largest node has {cpu(most_cpu)} in all."
    return ""


FAMILY = Family(
    rank=20,
    codes=(
        Code(UNSCHEDULABLE, "A pod waits because no node fits it: resources, taints, selectors, ports or volumes."),
        Code(SCHEDULING_GATED, "A pod waits for a scheduling gate to be removed."),
    ),
    observe=observe,
    explain=explain,
)
