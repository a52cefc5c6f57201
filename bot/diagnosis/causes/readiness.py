"""The last resort: a workload that is not ready although nothing says why. It gives way to every named cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.diagnosis.containers import is_young
from bot.diagnosis.family import Code, Survey, effect_on
from bot.diagnosis.index import Index
from bot.diagnosis.words import duration
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Condition, Pod, Workload
from bot.domain.targets import ObjectRef
from bot.domain.text import count

NOT_READY = "NOT_READY"
STARTING = "STARTING"


def look(index: Index) -> Iterable[Finding]:
    for workload in index.snapshot.workloads:
        if workload.ready >= workload.desired:
            continue
        pods = index.pods_of(workload)
        unready = [pod for pod in pods if not pod.is_ready and not pod.is_finished]
        telling = [condition for condition in workload.conditions if _is_telling(condition)]
        if unready and not telling and all(is_young(index, pod) for pod in unready):
            yield _starting(index, workload, unready)
        else:
            yield _not_ready(index, workload, pods, unready, telling)


def _starting(index: Index, workload: Workload, unready: Sequence[Pod]) -> Finding:
    youngest = max(pod.meta.created_at for pod in unready if pod.meta.created_at)
    age = duration((index.now - youngest).total_seconds())
    return Finding(
        code=STARTING,
        severity=Severity.INFO,
        target=index.ref(workload),
        title="is starting",
        summary=f"{_counted(workload)}; the youngest pod is {age} old.",
        pods=tuple(pod.meta.name for pod in unready),
        revision=workload.revision,
        since=youngest,
        general=True,
        passing=True,
    )


def _not_ready(
    index: Index, workload: Workload, pods: Sequence[Pod], unready: Sequence[Pod], telling: Sequence[Condition]
) -> Finding:
    reason = f' It says: "{telling[0].message}"' if telling else " Nothing it reports says why."
    exist = "" if pods else " None of its pods exist."
    return Finding(
        code=NOT_READY,
        severity=effect_on(workload),
        target=index.ref(workload),
        title="is not ready",
        summary=f"{_counted(workload)}.{exist}{reason}",
        evidence=tuple(
            Evidence(EvidenceKind.STATE, f"{c.type} is {c.status}: {c.reason}", (c.message,), c.changed_at)
            for c in telling
        ),
        next=(NextStep(StepKind.COMMAND, f"describe {workload.meta.name}", "shows its conditions and events"),),
        pods=tuple(pod.meta.name for pod in unready),
        revision=workload.revision,
        since=telling[0].changed_at if telling else None,
        because=_nodes_not_ready(index, unready),
        general=True,
    )


def _nodes_not_ready(index: Index, pods: Sequence[Pod]) -> tuple[ObjectRef, ...]:
    """Return the nodes that explain why these pods are not ready: a dead node's pods are not either."""
    nodes = [index.node_by_name[name] for name in dict.fromkeys(p.node for p in pods) if name in index.node_by_name]
    return tuple(
        ObjectRef("Node", "", node.meta.name)
        for node in nodes
        if (ready := node.condition("Ready")) is not None and ready.status != "True"
    )


def _counted(workload: Workload) -> str:
    return f"{workload.ready} of {count(workload.desired, 'pod')} ready"


def _is_telling(condition: Condition) -> bool:
    return (condition.type == "ReplicaFailure" and condition.status == "True") or (
        condition.type == "Progressing" and condition.status == "False"
    )


SURVEY = Survey(
    codes=(
        Code(
            NOT_READY,
            "A workload has fewer ready pods than it wants, and no cause could be named.",
            "Ready pods are fewer than desired and no other finding concerns the workload.",
            "Look at its events and at the pods themselves; what the diagnosis could not read is under Not checked.",
            "45",
        ),
        Code(
            STARTING,
            "A workload has fewer ready pods than it wants, and those that lack have only just been started.",
            "All pods that are not ready are younger than a minute.",
            "Wait a minute and look again.",
        ),
    ),
    look=look,
)
