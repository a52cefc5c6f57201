"""Nodes that are not ready, and what of a namespace is lost with them: for its diagnosis, and for its cluster's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.diagnosis.index import Index
from bot.domain.findings import Severity
from bot.domain.objects import Condition, Node, Pod
from bot.domain.text import count, first_line, in_short

NODE_NOT_READY = "NODE_NOT_READY"
NODE_UNREACHABLE = "NODE_UNREACHABLE"
UNREADY = frozenset({NODE_NOT_READY, NODE_UNREACHABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadyNode:
    """A node that is not ready, as a namespace feels it: which of its pods run there, and what is lost by that.

    `severity` is critical when a whole workload is lost, and information when nothing is. `owners` are whose pods they
    are, by name.
    """

    node: Node
    ready: Condition
    pods: tuple[Pod, ...]
    owners: tuple[str, ...]
    severity: Severity

    @property
    def is_silent(self) -> bool:
        """Tell whether nothing is heard of it; else it says itself that it is not ready."""
        return self.ready.status == "Unknown"

    @property
    def code(self) -> str:
        return NODE_UNREACHABLE if self.is_silent else NODE_NOT_READY

    @property
    def title(self) -> str:
        return "is unreachable" if self.is_silent else "is not ready"

    @property
    def state(self) -> str:
        """Say in a sentence how it is, and what it says of itself."""
        said = first_line(self.ready.message, 200)
        told = f' It says: "{said}".' if said and not self.is_silent else ""
        state = "does not report to the cluster any more" if self.is_silent else "reports that it is not ready"
        return f"Node {self.node.meta.name} {state}.{told}"

    def held(self, place: str = "this namespace") -> str:
        """Say in a sentence what of a namespace runs there."""
        return held(len(self.pods), self.owners, place)


def unready_nodes(index: Index) -> Iterator[UnreadyNode]:
    """Yield the nodes that are not ready."""
    nodes = [node for node in index.snapshot.nodes if not_ready(node) is not None]
    pods = pods_by_node(index) if nodes else {}
    for node in nodes:
        found = unready_node(index, node, pods.get(node.meta.name, ()))
        if found is not None:
            yield found


def unready_node(index: Index, node: Node, pods: Sequence[Pod]) -> UnreadyNode | None:
    """Return a node that is not ready, with the pods that run there; None for one that is, or says nothing of it."""
    ready = not_ready(node)
    if ready is None:
        return None
    return UnreadyNode(
        node=node, ready=ready, pods=tuple(pods), owners=owners_of(index, pods), severity=_severity(index, pods)
    )


def not_ready(node: Node) -> Condition | None:
    """Return by which condition a node is not ready; None for one that is, or says nothing of it."""
    ready = node.condition("Ready")
    return None if ready is None or ready.status == "True" else ready


def pods_by_node(index: Index) -> Mapping[str, Sequence[Pod]]:
    """Return the pods that run, or are about to, by their node."""
    by_node: dict[str, list[Pod]] = {}
    for pod in index.snapshot.pods:
        if pod.node and (pod.phase == "Running" or not pod.is_finished):
            by_node.setdefault(pod.node, []).append(pod)
    return by_node


def owners_of(index: Index, pods: Sequence[Pod]) -> tuple[str, ...]:
    """Return whose these pods are, by name."""
    return tuple(sorted({index.target_of(pod).name for pod in pods}))


def held(pods: int, owners: Sequence[str], place: str = "this namespace") -> str:
    """Say in a sentence what of a namespace runs on a node."""
    if not pods:
        return f"No pod of {place} runs there."
    verb = "runs" if pods == 1 else "run"
    return f"{count(pods, 'pod')} of {place} {verb} there ({in_short(owners, 4)})."


def _severity(index: Index, ours: Sequence[Pod]) -> Severity:
    """Judge by what we lose there: nothing, a part, or a whole workload."""
    workloads = [workload for pod in ours if (workload := index.workload_of(pod)) is not None]
    if any(workload.desired and not workload.ready for workload in workloads):
        return Severity.CRITICAL
    return Severity.WARNING if ours else Severity.INFO
