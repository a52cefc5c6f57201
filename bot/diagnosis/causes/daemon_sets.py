"""DaemonSets that are not on all of their nodes."""

from __future__ import annotations

from collections.abc import Iterable

from bot.diagnosis.containers import is_young
from bot.diagnosis.family import Code, Survey, effect_on
from bot.diagnosis.index import Index
from bot.diagnosis.steps import command
from bot.domain.findings import Evidence, EvidenceKind, Finding, Severity
from bot.domain.objects import Node, Workload
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import count

DAEMON_SET_INCOMPLETE = "DAEMON_SET_INCOMPLETE"


def look(index: Index) -> Iterable[Finding]:
    if not index.snapshot.has(Part.PODS):
        return
    for workload in index.snapshot.workloads:
        if workload.kind == "DaemonSet" and workload.observed_generation >= workload.meta.generation:
            yield from _of(index, workload)


def _of(index: Index, workload: Workload) -> Iterable[Finding]:
    pods = index.pods_of(workload)
    unready = [p for p in pods if not p.is_ready and not p.is_finished and p.meta.deleted_at is None]
    lasting = [pod for pod in unready if not is_young(index, pod)]
    missing = workload.desired - len(pods)
    if workload.ready >= workload.desired or (not lasting and missing <= 0):
        return
    served = {pod.node for pod in pods if pod.is_ready}
    without = {pod.node for pod in pods if pod.node}
    bare = _nodes_without(index, workload, without) if missing > 0 else []
    names = sorted({pod.node for pod in lasting if pod.node} | {node.meta.name for node in bare})
    ill = [n for name in names if (n := index.node_by_name.get(name)) is not None and not n.is_ready]
    where = f" Not on {', '.join(names[:5])}{'…' if len(names) > 5 else ''}." if names else ""
    because_of = f" {', '.join(node.meta.name for node in ill[:5])} is not ready itself." if ill else ""
    lacking = f" {count(missing, 'pod')} not made at all." if missing > 0 else ""
    yield Finding(
        code=DAEMON_SET_INCOMPLETE,
        severity=max(effect_on(workload), Severity.WARNING),
        target=index.ref(workload),
        title=f"runs on {workload.ready} of {count(workload.desired, 'node')}",
        summary=(
            f"{workload.meta.name} is ready on {workload.ready} of {count(workload.desired, 'node')}"
            f" that should have it.{where}{lacking}{because_of}"
        ),
        evidence=(
            Evidence(EvidenceKind.STATE, f"{len(served)} ready, {len(lasting)} not ready, {max(missing, 0)} not made"),
        ),
        next=(command(f"pods {workload.meta.name}", "shows on which node each of its pods is", "Pods"),),
        pods=tuple(pod.meta.name for pod in lasting),
        because=(index.ref(workload), *(ObjectRef("Node", "", node.meta.name) for node in ill)),
    )


def _nodes_without(index: Index, workload: Workload, taken: set[str]) -> list[Node]:
    """Return the nodes that lack a pod, where that can be told: the set wants to be on all there are."""
    nodes = index.snapshot.nodes
    return [node for node in nodes if node.meta.name not in taken] if len(nodes) == workload.desired else []


SURVEY = Survey(
    codes=(
        Code(
            DAEMON_SET_INCOMPLETE,
            "A DaemonSet is not ready on every node that should have it.",
            "Fewer of its pods are ready than nodes want one; the finding names the nodes where that can be told.",
            "Mend the pod or the node: the finding is told below the one that names the cause.",
            "45-51",
        ),
    ),
    look=look,
)
