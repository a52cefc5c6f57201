"""Pods that were taken away and still lie about: evicted, failed before they ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.diagnosis.eviction_words import eviction_of
from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.words import ago
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Pod, Terminated
from bot.domain.targets import ObjectRef
from bot.domain.text import count, first_line

EVICTED = "EVICTED"
STORAGE_LIMIT_EXCEEDED = "STORAGE_LIMIT_EXCEEDED"
EVICTED_BY_REQUEST = "EVICTED_BY_REQUEST"
EVICTED_BY_TAINT = "EVICTED_BY_TAINT"
FAILED_LEFTOVER = "FAILED_LEFTOVER"
# What happened within this time still matters; older leftovers are only litter.
RECENT = timedelta(hours=1)
# A pod that leaves takes no longer than this after its grace period.
PATIENCE = timedelta(seconds=60)
_TITLES = {
    EVICTED: "evicted by its node",
    STORAGE_LIMIT_EXCEEDED: "evicted for using too much disk",
    EVICTED_BY_REQUEST: "evicted on request",
    EVICTED_BY_TAINT: "evicted by a taint of its node",
    FAILED_LEFTOVER: "failed and was left behind",
}
_DISRUPTIONS = {
    "EvictionByEvictionAPI": EVICTED_BY_REQUEST,
    "DeletionByTaintManager": EVICTED_BY_TAINT,
}
_EFFECTS = {
    EVICTED_BY_REQUEST: "they were evicted through the API, as a drain of a node does",
    EVICTED_BY_TAINT: "their node got a taint that they do not tolerate",
}
# What the kubelet refuses on arrival, and what it ends: the reasons of a failed pod, in words.
_FAILURES = {
    "NodeLost": "its node was lost",
    "NodeShutdown": "its node was shutting down",
    "Terminated": "its node was shutting down",
    "Shutdown": "its node was shutting down",
    "NodeAffinity": "its node no longer had the labels that it selects",
    "NodePorts": "a host port was taken on its node",
    "UnexpectedAdmissionError": "the kubelet could not give it what it asks for (often a device)",
    "TopologyAffinityError": "its node could not align its resources",
    "Preempting": "the kubelet removed it for a critical pod",
    "DeadlineExceeded": "it ran longer than its own deadline allows",
}


@dataclass(frozen=True, slots=True)
class _Loss:
    """One pod that was taken away: by what, and when."""

    pod: Pod
    code: str
    key: str
    summary: str
    at: datetime | None


def look(index: Index) -> Iterable[Finding]:
    groups: dict[tuple[ObjectRef, str, str, str], list[_Loss]] = defaultdict(list)
    for pod in index.snapshot.pods:
        if pod.phase != "Failed" and pod.meta.deleted_at is None:
            continue
        if pod.meta.owner is not None and pod.meta.owner.kind == "Job":
            continue  # a job counts its failed pods itself
        loss = _loss_of(index, pod)
        if loss is not None:
            groups[index.target_of(pod), loss.code, loss.key, pod.node].append(loss)
    for (target, code, _, node), losses in groups.items():
        yield _finding(index, target, code, node, losses)


def _loss_of(index: Index, pod: Pod) -> _Loss | None:
    at = _when(pod)
    disruption = pod.condition("DisruptionTarget")
    by = _DISRUPTIONS.get(disruption.reason, "") if disruption is not None and disruption.status == "True" else ""
    if pod.phase == "Failed" and pod.reason == "Evicted":
        eviction = eviction_of(pod.message)
        code = STORAGE_LIMIT_EXCEEDED if eviction.own_limit else EVICTED
        return _Loss(pod, code, eviction.resource, eviction.summary, at)
    if by and (pod.phase == "Failed" or _is_leaving(index, pod)):
        # A pod that goes away as it was asked to is news only while its workload lacks it.
        return _Loss(pod, by, "", _EFFECTS[by], at) if _is_short(index, pod) else None
    if pod.phase == "Failed" and pod.reason and pod.meta.deleted_at is None:
        words = _FAILURES.get(pod.reason) or _out_of(pod.reason) or first_line(pod.message, 200).rstrip(" .")
        return _Loss(pod, FAILED_LEFTOVER, pod.reason, words or pod.reason, at)
    return None


def _is_leaving(index: Index, pod: Pod) -> bool:
    """Tell whether a pod is going away in time; one that is stuck is told as that."""
    return pod.meta.deleted_at is not None and index.now - pod.meta.deleted_at <= PATIENCE


def _out_of(reason: str) -> str:
    resource = reason.removeprefix("OutOf")
    return f"its node had no {resource} left when it arrived" if resource != reason else ""


def _is_short(index: Index, pod: Pod) -> bool:
    workload = index.workload_of(pod)
    return workload is not None and workload.ready < workload.desired


def _when(pod: Pod) -> datetime | None:
    """Return when a pod was taken away, as far as it says so."""
    disruption = pod.condition("DisruptionTarget")
    if disruption is not None and disruption.changed_at is not None:
        return disruption.changed_at
    ends = [c.state.finished_at for c in pod.containers if isinstance(c.state, Terminated) and c.state.finished_at]
    ready = pod.condition("Ready")
    if not ends and ready is not None and ready.changed_at is not None:
        return ready.changed_at
    return max(ends, default=pod.started_at or pod.meta.created_at)


def _finding(index: Index, target: ObjectRef, code: str, node: str, losses: Sequence[_Loss]) -> Finding:
    newest = max(losses, key=lambda loss: (loss.at is not None, loss.at or index.now))
    recent = newest.at is None or index.now - newest.at <= RECENT
    short = any(_is_short(index, loss.pod) for loss in losses)
    where = f" on node {node}" if node else ""
    others = f", {'the newest ' if len(losses) > 1 else ''}{ago(newest.at, index.now)}" if newest.at else ""
    message = newest.pod.message
    disruption = newest.pod.condition("DisruptionTarget")
    told = message or (disruption.message if disruption is not None else message)
    return Finding(
        code=code,
        severity=Severity.WARNING if recent else Severity.INFO,
        target=target,
        title=_TITLES[code],
        summary=f"{count(len(losses), 'pod')}{where}{others}: {newest.summary}.",
        evidence=(
            Evidence(
                EvidenceKind.STATE,
                newest.pod.reason or (disruption.reason if disruption is not None else "Failed"),
                (told,) if told else (),
                newest.at,
            ),
        ),
        next=_next(code, target, node),
        pods=tuple(sorted(loss.pod.meta.name for loss in losses)),
        revision=index.revision_of(newest.pod),
        since=min((loss.at for loss in losses if loss.at is not None), default=None),
        because=(ObjectRef("Node", "", node),) if recent and _explains(index, node, code) else (),
        # Old litter explains no trouble of today.
        general=short and not recent,
    )


def _explains(index: Index, node: str, code: str) -> bool:
    """Tell whether the node's state of now explains why its pods were taken away a while ago."""
    found = index.node_by_name.get(node)
    if found is None or code not in (EVICTED, EVICTED_BY_TAINT):
        return False
    ready = found.condition("Ready")
    pressed = any(c.status == "True" and c.type.endswith("Pressure") for c in found.conditions)
    return pressed or (ready is not None and ready.status != "True")


def _next(code: str, target: ObjectRef, node: str) -> tuple[NextStep, ...]:
    reason = "removes the failed pods of the namespace, once they have been looked at"
    clean = NextStep(StepKind.COMMAND, "clear failed", reason, "Clear failed…")
    if code == EVICTED_BY_REQUEST:
        return (NextStep(StepKind.COMMAND, f"pods {target.name}", "shows where the new ones run", label="Pods"),)
    if code in (EVICTED, EVICTED_BY_TAINT) and node:
        return (NextStep(StepKind.COMMAND, f"describe {node}", "shows how the node is now", label="Node"), clean)
    return (NextStep(StepKind.COMMAND, f"describe {target.name}", "shows what it asks for", label="Describe"), clean)


SURVEY = Survey(
    codes=(
        Code(
            EVICTED,
            "A node evicted pods because it ran short of memory, disk or process numbers.",
            "The pod is Failed with the reason Evicted, and its message names what the node was low on.",
            "Raise the request of what used most beyond it, or give the node more; then clear the failed pods.",
            "51, 311-322",
        ),
        Code(
            STORAGE_LIMIT_EXCEEDED,
            "A pod was evicted because it wrote more than its own limit of ephemeral storage or of an emptyDir.",
            "The pod is Failed with the reason Evicted, and its message names the limit.",
            "Raise the limit, or write less to the container's disk.",
            "51, 311-322",
        ),
        Code(
            EVICTED_BY_REQUEST,
            "Pods of a workload that now lacks some were evicted through the API, as draining a node does.",
            "The pod's condition DisruptionTarget has the reason EvictionByEvictionAPI.",
            "Wait for the new pods; a disruption budget limits how many go at once.",
            "51",
        ),
        Code(
            EVICTED_BY_TAINT,
            "Pods of a workload that now lacks some were removed because their node got a taint.",
            "The pod's condition DisruptionTarget has the reason DeletionByTaintManager.",
            "See why the node was tainted: mostly it is not ready or unreachable.",
            "51",
        ),
        Code(
            FAILED_LEFTOVER,
            "A pod failed before or while it ran for a reason of its node, and was replaced; its remains lie about.",
            "The pod is Failed with a reason such as NodeLost, OutOfcpu or UnexpectedAdmissionError; no job owns it.",
            "If it keeps happening, look at the node; then clear the failed pods.",
            "322, 614",
        ),
    ),
    look=look,
)
