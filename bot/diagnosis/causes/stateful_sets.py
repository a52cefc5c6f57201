"""StatefulSets whose update or growth waits: behind a pod that is not ready, for a deletion, or behind a partition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.diagnosis.containers import is_young
from bot.diagnosis.family import Code, Survey, effect_on
from bot.diagnosis.index import Index
from bot.diagnosis.stateful import ordinal, revision_of
from bot.diagnosis.steps import by_hand, command, evict
from bot.domain.findings import Evidence, EvidenceKind, Finding, Severity
from bot.domain.objects import Pod, Workload
from bot.domain.snapshot import Part
from bot.domain.text import count

ORDERED_ROLLOUT_BLOCKED = "ORDERED_ROLLOUT_BLOCKED"
PARTITION_HOLDS = "PARTITION_HOLDS"
ON_DELETE_WAITING = "ON_DELETE_WAITING"


def look(index: Index) -> Iterable[Finding]:
    if not index.snapshot.has(Part.PODS):
        return
    for workload in index.snapshot.workloads:
        if workload.desired == 0 or workload.observed_generation < workload.meta.generation:
            continue
        if workload.kind == "StatefulSet":
            yield from _of_stateful_set(index, workload)
        elif workload.kind == "DaemonSet" and workload.strategy == "OnDelete" and workload.updated < workload.desired:
            yield _on_delete(index, workload, workload.desired - workload.updated, ())


def _of_stateful_set(index: Index, workload: Workload) -> Iterable[Finding]:
    pods = sorted(index.pods_of(workload), key=ordinal)
    target = workload.update_revision
    behind = [pod for pod in pods if target and revision_of(pod) not in ("", target)]
    if workload.strategy == "OnDelete":
        if behind:
            yield _on_delete(index, workload, len(behind), behind)
        return
    held = [pod for pod in behind if ordinal(pod) < workload.partition]
    if held:
        yield _partition(index, workload, held)
    unready = [p for p in pods if not p.is_ready and p.meta.deleted_at is None and not is_young(index, p)]
    waiting = [pod for pod in behind if pod.is_ready and ordinal(pod) >= workload.partition]
    missing = workload.desired - len(pods)
    if unready and missing > 0:
        yield _blocked(index, workload, unready[0], f"{count(missing, 'further pod')} not made before it is ready")
    elif unready and waiting and any(revision_of(pod) == target for pod in unready):
        at = next(pod for pod in unready if revision_of(pod) == target)
        yield _blocked(
            index, workload, at, f"{_named(waiting)} kept at the revision before, {waiting[0].meta.name} next"
        )


def _named(pods: Sequence[Pod]) -> str:
    return ", ".join(pod.meta.name for pod in pods[:4]) + ("…" if len(pods) > 4 else "")


def _keep(number: int) -> str:
    return "keeps" if number == 1 else "keep"


def _blocked(index: Index, workload: Workload, at: Pod, waits: str) -> Finding:
    ready = at.condition("Ready")
    return Finding(
        code=ORDERED_ROLLOUT_BLOCKED,
        severity=max(effect_on(workload), Severity.WARNING),
        target=index.ref(workload),
        title=f"waits for {at.meta.name}",
        summary=f"{at.meta.name} is not ready, and pods come one after the other: {waits}.",
        evidence=(
            Evidence(
                EvidenceKind.STATE,
                f"{at.meta.name} is not ready; update revision {workload.update_revision or 'unknown'}",
                at=ready.changed_at if ready else None,
            ),
        ),
        next=(command(f"pods {workload.meta.name}", "shows each of its pods", "Pods"),),
        pods=(at.meta.name,),
        since=ready.changed_at if ready else None,
        because=(index.ref(workload),),
    )


def _partition(index: Index, workload: Workload, held: Sequence[Pod]) -> Finding:
    meta = workload.meta
    patch = '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'
    return Finding(
        code=PARTITION_HOLDS,
        severity=Severity.INFO,
        target=index.ref(workload),
        title="a partition holds its update back",
        summary=(
            f"{count(len(held), 'pod')} of {meta.name} {_keep(len(held))} the revision before ({_named(held)}): the"
            f" update's partition is {workload.partition}, and only pods from that number on are replaced."
        ),
        evidence=(Evidence(EvidenceKind.STATE, f"partition {workload.partition}, to {workload.update_revision}"),),
        next=(
            by_hand(
                f"kubectl -n {meta.namespace} patch statefulset {meta.name} -p '{patch}'",
                "lets the update reach all pods, once those that have it are proven good",
            ),
        ),
        pods=tuple(pod.meta.name for pod in held),
    )


def _on_delete(index: Index, workload: Workload, number: int, behind: Sequence[Pod]) -> Finding:
    meta = workload.meta
    names = f" ({_named(behind)})" if behind else ""
    reason = "lets one pod take the change; look, then go on"
    step = by_hand(f"kubectl -n {meta.namespace} delete pod POD", reason)
    if behind:
        step = evict(behind[-1].meta.name, reason)
    return Finding(
        code=ON_DELETE_WAITING,
        severity=Severity.INFO,
        target=index.ref(workload),
        title="a change waits until its pods are deleted",
        summary=(
            f"{number} of {count(workload.desired, 'pod')} of {meta.name} {_keep(number)} the revision before{names}."
            " With its strategy OnDelete a pod takes a change only when somebody deletes it; a restart changes nothing."
        ),
        evidence=(
            Evidence(EvidenceKind.STATE, f"updateStrategy OnDelete, {workload.updated} of {workload.desired} updated"),
        ),
        next=(step,),
        pods=tuple(pod.meta.name for pod in behind),
    )


SURVEY = Survey(
    codes=(
        Code(
            ORDERED_ROLLOUT_BLOCKED,
            "A StatefulSet goes on with its update or its growth only when a pod is ready, and that pod is not.",
            "A pod is not ready while pods with higher numbers are missing, or while others wait for the update.",
            "Mend that pod: the finding is told below the one that names its cause.",
            "24",
        ),
        Code(
            PARTITION_HOLDS,
            "A StatefulSet's update is held back from its first pods by the partition of its strategy.",
            "Pods with a number below the partition are made from another revision than the update's.",
            "Lower the partition when the pods that have the update are proven good.",
        ),
        Code(
            ON_DELETE_WAITING,
            "A StatefulSet or DaemonSet has a change that its pods take only when they are deleted.",
            "The strategy is OnDelete and pods are made from another revision than the newest.",
            "Delete the pods one after the other, and look after each.",
            "18",
        ),
    ),
    look=look,
)
