"""Why no node takes a pod, in words: the scheduler's count beside what each node shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.diagnosis.index import Index
from bot.diagnosis.placement import (
    RESOURCES,
    Hindrance,
    asked_cpu,
    asked_memory,
    free_on,
    host_ports,
    mismatches,
    refusals,
    taint_words,
    untolerated,
)
from bot.diagnosis.scheduler import Said, nodes_in_all, taint_in
from bot.diagnosis.words import amount, cpu
from bot.domain.findings import Evidence, EvidenceKind
from bot.domain.objects import Node, Pod
from bot.domain.text import count, in_short

MOST_NAMED = 4
_LACKS = {
    Hindrance.CPU: "CPU",
    Hindrance.MEMORY: "memory",
    Hindrance.PODS: "room for another pod",
    Hindrance.STORAGE: "ephemeral storage",
}


def lack_of_room(index: Index, pod: Pod, said: Sequence[Said]) -> str:
    """Say which resources no node has enough of, and what is asked against what there is."""
    lacking = [reason for reason in said if reason.kind in RESOURCES]
    names = [_LACKS.get(reason.kind) or reason.words.removeprefix("Insufficient ") for reason in lacking]
    text = f"no node has enough {' and '.join(dict.fromkeys(names))}."
    for kind in dict.fromkeys(reason.kind for reason in lacking):
        text += _room(index, pod, kind)
    if any(reason.kind is Hindrance.EXTENDED for reason in lacking):
        text += " Either no node offers it (its device plug-in does not run), or all of it is in use."
    return text


def _room(index: Index, pod: Pod, kind: Hindrance) -> str:
    """Compare what is asked with what there is, on the nodes that would take the pod otherwise."""
    nodes = _candidates(index, pod) if kind in (Hindrance.CPU, Hindrance.MEMORY) else ()
    if not nodes:
        return ""
    asked, words = (asked_cpu(pod), cpu) if kind is Hindrance.CPU else (asked_memory(pod), _memory)
    most = max(_allocatable(node, kind) for node in nodes)
    if asked > most:
        return f" It asks for {words(asked)}; the largest node has {words(most)} in all."
    free = {node.meta.name: free_on(index, node) for node in nodes}
    if not all(each.known for each in free.values()):
        return f" It asks for {words(asked)}; the largest node has {words(most)} in all, what is free was not read."
    left = {name: each.cpu_m if kind is Hindrance.CPU else each.memory for name, each in free.items()}
    roomiest = max(left, key=lambda name: left[name])
    return f" It asks for {words(asked)}; the most that is free on a node is {words(left[roomiest])} ({roomiest})."


def _memory(size: int) -> str:
    return f"{amount(size)} memory"


def _allocatable(node: Node, kind: Hindrance) -> int:
    return node.cpu_allocatable_m if kind is Hindrance.CPU else node.memory_allocatable


def _candidates(index: Index, pod: Pod) -> list[Node]:
    """Return the nodes that only lack room; all of them when there is none of that kind."""
    fitting = [node for node, found in refusals(index, pod) if all(refusal.kind in RESOURCES for refusal in found)]
    return fitting or list(index.snapshot.nodes)


def nodes_with_only(index: Index, pod: Pod, kind: Hindrance) -> list[Node]:
    """Return the nodes that nothing but `kind` hinders, as far as it is known here."""
    return [node for node, found in refusals(index, pod) if {refusal.kind for refusal in found} == {kind}]


def nearest(index: Index, pod: Pod) -> str:
    """Name the node that lacks least of what is selected, one out of service only when there is no other."""
    lacking = [(mismatches(pod, node), node.unschedulable, node.meta.name) for node in index.snapshot.nodes]
    if not lacking:
        return ""
    lacks, _, name = min(lacking, key=lambda each: (len(each[0]), each[1], each[2]))
    if not lacks:
        return ""
    return f"Nearest is {name}: {'; '.join(lacks[:MOST_NAMED])}."


def taints(index: Index, pod: Pod, said: Sequence[Said]) -> str:
    """Name the taints that the pod does not tolerate, with their nodes."""
    by_taint: dict[str, list[str]] = {}
    for node in index.snapshot.nodes:
        for taint in untolerated(pod, node):
            by_taint.setdefault(taint_words(taint), []).append(node.meta.name)
    if by_taint:
        return "; ".join(
            f"the taint {taint} of {in_short(nodes, MOST_NAMED)}"
            for taint, nodes in list(by_taint.items())[:MOST_NAMED]
        )
    named = [taint_in(reason.words) for reason in said if reason.kind is Hindrance.TAINT]
    return "; ".join(f"the taint {taint}" for taint in named if taint) or "a taint of the nodes"


def out_of_service(index: Index, pod: Pod) -> str:
    """Name the nodes that take no pods at all, and why; empty when none is seen."""
    states = [
        f"{node.meta.name} is {', '.join(details)}"
        for node, found in refusals(index, pod)
        if (details := [refusal.detail for refusal in found if refusal.kind is Hindrance.UNAVAILABLE])
    ]
    return f": {'; '.join(states[:MOST_NAMED])}" if states else ""


def port_holders(index: Index, pod: Pod) -> str:
    """Say who holds the host ports that the pod wants."""
    holders = [
        f"{refusal.detail} on {node.meta.name}"
        for node, found in refusals(index, pod)
        for refusal in found
        if refusal.kind is Hindrance.PORT
    ]
    if holders:
        return "; ".join(holders[:MOST_NAMED])
    wanted = ", ".join(str(number) for number, _ in sorted(host_ports(pod))) or "it wants"
    return f"host port {wanted} is held on every node by pods that are not in this namespace"


def node_by_node(index: Index, pod: Pod, said: Sequence[Said], message: str) -> Iterable[Evidence]:
    """Say how many nodes are kept out by what, the scheduler's count beside the names found here."""
    total = nodes_in_all(message)
    found: dict[Hindrance, list[str]] = {}
    for node, hindrances in refusals(index, pod):
        for kind in {refusal.kind for refusal in hindrances}:
            found.setdefault(kind, []).append(node.meta.name)
    for reason in said:
        if reason.nodes is None or total is None:
            continue
        names = sorted(found.get(reason.kind, ()))
        where = f" ({in_short(names, MOST_NAMED)})" if names and len(names) == reason.nodes else ""
        yield Evidence(EvidenceKind.STATE, f"{reason.nodes} of {count(total, 'node')}: {reason.words}{where}")
