"""Pods that should be gone by now and are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.diagnosis.family import Code, Survey, effect_on
from bot.diagnosis.index import Index
from bot.diagnosis.words import ago
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Pod
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import count

STUCK_TERMINATING = "STUCK_TERMINATING"
# `deletionTimestamp` is the end of the grace period, not its beginning; the kubelet needs a little longer.
PATIENCE = timedelta(seconds=60)
_EVENTS = ("FailedKillPod", "FailedUnmount", "FailedUnMount", "FailedPreStopHook")


def look(index: Index) -> Iterable[Finding]:
    groups: dict[tuple[ObjectRef, str, str], list[Pod]] = defaultdict(list)
    for pod in index.snapshot.pods:
        due = pod.meta.deleted_at
        if due is not None and index.now - due > PATIENCE:
            lost = pod.node if _node_fault(index, pod) else ""
            groups[index.target_of(pod), ", ".join(sorted(pod.meta.finalizers)), lost].append(pod)
    for (target, _, lost), pods in groups.items():
        yield _finding(index, target, lost, pods)


def _node_fault(index: Index, pod: Pod) -> str:
    """Say what is wrong with the node whose kubelet should end the pod; empty when nothing is, or it is not known."""
    if not pod.node or not index.snapshot.has(Part.NODES):
        return ""
    node = index.node_by_name.get(pod.node)
    if node is None:
        return "does not exist any more"
    ready = node.condition("Ready")
    if ready is None or ready.status == "True":
        return ""
    return "is unreachable" if ready.status == "Unknown" else "is not ready"


def _finding(index: Index, target: ObjectRef, lost: str, pods: Sequence[Pod]) -> Finding:
    oldest = min(pods, key=lambda pod: pod.meta.deleted_at or index.now)
    events = index.events(oldest.meta.uid, *_EVENTS)
    workload = index.workload_of(oldest)
    # A Deployment's new pods do not wait for the old ones to be gone; the others' do.
    replaced = workload is not None and workload.kind == "Deployment"
    due = oldest.meta.deleted_at
    overdue = f"{'it' if len(pods) == 1 else 'the first of them'} should have been gone {ago(due, index.now)}"
    told = [Evidence(EvidenceKind.EVENT, event.reason, (event.message,), event.at) for event in events[:2]]
    finalizers = ", ".join(oldest.meta.finalizers)
    label = f"deleted, finalizers: {finalizers}" if finalizers else "deleted, no finalizers"
    return Finding(
        code=STUCK_TERMINATING,
        severity=Severity.WARNING if workload is None or replaced else max(effect_on(workload), Severity.WARNING),
        target=target,
        title="stuck while terminating",
        summary=f"{count(len(pods), 'pod')} cannot end, {overdue}: {_reason(index, oldest)}.",
        evidence=(Evidence(EvidenceKind.STATE, label, (), due), *told),
        next=_next(oldest, lost),
        pods=tuple(sorted(pod.meta.name for pod in pods)),
        revision=index.revision_of(oldest),
        since=due,
        because=(ObjectRef("Node", "", lost),) if lost else (),
        general=replaced and workload is not None and workload.ready < workload.desired,
    )


def _reason(index: Index, pod: Pod) -> str:
    fault = _node_fault(index, pod)
    if fault:
        return f"node {pod.node}, whose kubelet must end it, {fault}"
    if pod.meta.finalizers:
        held = f"the finalizer{'s' if len(pod.meta.finalizers) > 1 else ''} {', '.join(pod.meta.finalizers)}"
        return f"{held} must be removed by whoever set it"
    events = index.events(pod.meta.uid, *_EVENTS)
    if events:
        return f"its kubelet reports {events[0].reason}"
    return "nothing says why; its kubelet has not confirmed that the containers are gone"


def _next(pod: Pod, lost: str) -> tuple[NextStep, ...]:
    name, namespace = pod.meta.name, pod.meta.namespace
    describe = NextStep(StepKind.COMMAND, f"describe {name}", "shows its containers and events", label="Describe")
    if lost:
        show = NextStep(
            StepKind.COMMAND, f"describe {lost}", "shows the node; bring it back, or delete it", label="Node"
        )
        return (show, describe)
    by_hand = NextStep(
        StepKind.MANUAL,
        f"kubectl -n {namespace} get pod {name} -o jsonpath='{{.metadata.finalizers}}'",
        "find who should remove them; a forced delete may leave the container running",
    )
    return (describe, by_hand) if pod.meta.finalizers else (describe,)


SURVEY = Survey(
    codes=(
        Code(
            STUCK_TERMINATING,
            "A pod was deleted and is still there more than a minute after its grace period.",
            "Its deletion time, which includes the grace period, is more than 60 seconds past.",
            "Bring its node back or delete the node; see who should remove the finalizer. Force only when it is known "
            "that the container is gone: a forced delete of a StatefulSet's pod can make two of it.",
            "18",
        ),
    ),
    look=look,
)
