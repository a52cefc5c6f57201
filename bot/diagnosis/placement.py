"""Why a node does not take a pod, computed from what the pod asks for and what the node is and has.

Known here: requests, selectors and required node affinity, taints, cordons, host ports within the namespace. The
scheduler knows more (volumes, rules between pods, extended resources), so "nothing hinders" never means "it fits".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.diagnosis.index import Index
from bot.domain.objects import Container, Node, NodeLoad, NodeRequirement, Pod, Role, Taint, Toleration

# Taints that the node controller sets for a state of the node; nobody is meant to tolerate them.
CONDITION_TAINTS = "node.kubernetes.io/"
_CORDONED = "node.kubernetes.io/unschedulable"


class Hindrance(StrEnum):
    """What keeps a pod off a node. Ordered: where several are named, the last one is the likeliest to be mended.

    Taints and selectors keep pods off on purpose; the nodes that pass them are those that matter.
    """

    OTHER = "another reason"
    TAINT = "a taint"
    SELECTOR = "the node selector"
    VOLUME_PLACE = "the place of its volume"
    RULES = "rules between pods"
    PORT = "a taken host port"
    UNAVAILABLE = "a node out of service"
    EXTENDED = "an extended resource"
    STORAGE = "ephemeral storage"
    PODS = "room for another pod"
    CPU = "CPU"
    MEMORY = "memory"
    CLAIM = "an unbound claim"


_ORDER = {kind: number for number, kind in enumerate(Hindrance)}
RESOURCES = frozenset(
    {Hindrance.CPU, Hindrance.MEMORY, Hindrance.PODS, Hindrance.STORAGE, Hindrance.EXTENDED},
)


def decisive(kinds: Iterable[Hindrance]) -> Hindrance:
    """Return the hindrance that is the likeliest to be mended."""
    return max(kinds, key=_ORDER.__getitem__, default=Hindrance.OTHER)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason for which one node does not take a pod."""

    kind: Hindrance
    detail: str


@dataclass(frozen=True, slots=True)
class Free:
    """What is free on a node; where the load of the nodes was not read, all that it has (`known` is False)."""

    cpu_m: int
    memory: int
    pods: int
    known: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a pod asks for, added up once for all nodes."""

    cpu_m: int
    memory: int


def asked_cpu(pod: Pod) -> int:
    """Return the CPU that a pod asks for, in millicores."""
    return most_at_once(pod, lambda container: container.cpu_request_m or 0)


def asked_memory(pod: Pod) -> int:
    """Return the memory that a pod asks for, in bytes."""
    return most_at_once(pod, lambda container: container.memory_request or 0)


def most_at_once(pod: Pod, asked: Callable[[Container], int]) -> int:
    """Add up what runs together. Init containers run before, one by one, beside the sidecars that stand before them."""
    together = largest = 0
    for container in pod.containers:
        if container.role is Role.INIT:
            largest = max(largest, together + asked(container))
        else:
            together += asked(container)
    return max(together, largest)


def free_on(index: Index, node: Node) -> Free:
    """Return what a node has left for another pod."""
    loads = index.snapshot.node_load
    if loads is None:
        return Free(node.cpu_allocatable_m, node.memory_allocatable, node.pods_allocatable, known=False)
    load = loads.get(node.meta.name, NodeLoad())
    return Free(
        max(node.cpu_allocatable_m - load.cpu_m, 0),
        max(node.memory_allocatable - load.memory, 0),
        max(node.pods_allocatable - load.pods, 0),
        known=True,
    )


def refusals(index: Index, pod: Pod) -> Sequence[tuple[Node, Sequence[Refusal]]]:
    """Return the nodes, each with every reason, as far as it is known here, for which it does not take `pod`."""
    asked = _Asked(asked_cpu(pod), asked_memory(pod))
    taken = _taken_ports(index, pod)
    return [
        (
            node,
            [
                *_unavailable(node),
                *(Refusal(Hindrance.TAINT, taint_words(taint)) for taint in untolerated(pod, node)),
                *(Refusal(Hindrance.SELECTOR, lack) for lack in mismatches(pod, node)),
                *taken.get(node.meta.name, ()),
                *_lacking(index, asked, node),
            ],
        )
        for node in index.snapshot.nodes
    ]


def _unavailable(node: Node) -> Iterable[Refusal]:
    if node.unschedulable:
        yield Refusal(Hindrance.UNAVAILABLE, "cordoned")
    for taint in node.taints:
        if taint.key.startswith(CONDITION_TAINTS) and taint.key != _CORDONED and _keeps_off(taint):
            yield Refusal(Hindrance.UNAVAILABLE, taint.key.removeprefix(CONDITION_TAINTS))


def _lacking(index: Index, asked: _Asked, node: Node) -> Iterable[Refusal]:
    free = free_on(index, node)
    if asked.cpu_m > free.cpu_m:
        yield Refusal(Hindrance.CPU, "too little CPU")
    if asked.memory > free.memory:
        yield Refusal(Hindrance.MEMORY, "too little memory")
    if free.known and free.pods < 1:
        yield Refusal(Hindrance.PODS, f"it holds its {node.pods_allocatable} pods already")


def _taken_ports(index: Index, pod: Pod) -> Mapping[str, Sequence[Refusal]]:
    """Return who holds the host ports that a pod wants, by the name of the node."""
    wanted = host_ports(pod)
    taken: dict[str, list[Refusal]] = {}
    for other in index.snapshot.pods if wanted else ():
        if other.is_finished or other.meta.uid == pod.meta.uid:
            continue
        for number, protocol in sorted(wanted & host_ports(other)):
            words = f"host port {number}/{protocol} is held by {other.meta.name}"
            taken.setdefault(other.node, []).append(Refusal(Hindrance.PORT, words))
    return taken


def host_ports(pod: Pod) -> frozenset[tuple[int, str]]:
    """Return the ports of the node that a pod wants for itself."""
    return frozenset(
        (port.host_port, port.protocol) for each in pod.containers for port in each.ports if port.host_port
    )


# --- taints -----------------------------------------------------------------------------------------------------------


def untolerated(pod: Pod, node: Node) -> tuple[Taint, ...]:
    """Return the taints somebody has set on `node` that keep `pod` off; those of a node's state are left out."""
    return tuple(
        taint
        for taint in node.taints
        if _keeps_off(taint)
        and not taint.key.startswith(CONDITION_TAINTS)
        and not any(_tolerates(toleration, taint) for toleration in pod.tolerations)
    )


def taint_words(taint: Taint) -> str:
    """Write a taint as kubectl does: `gpu=true:NoSchedule`."""
    return f"{taint.key}{'=' + taint.value if taint.value else ''}:{taint.effect}"


def _keeps_off(taint: Taint) -> bool:
    return taint.effect in ("NoSchedule", "NoExecute")


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if not toleration.key:
        return toleration.operator == "Exists"
    if toleration.key != taint.key:
        return False
    return toleration.operator == "Exists" or toleration.value == taint.value


# --- selectors --------------------------------------------------------------------------------------------------------


def mismatches(pod: Pod, node: Node) -> tuple[str, ...]:
    """Return what `node` lacks of the pod's node selector and of the term of its node affinity that is nearest."""
    if not pod.node_selector and not pod.node_terms:
        return ()
    labels = {**node.meta.labels, "metadata.name": node.meta.name}
    found = [lack for key, value in sorted(pod.node_selector.items()) if (lack := _lack(labels, key, "In", (value,)))]
    if pod.node_terms:
        nearest: list[str] = min((_unmet(labels, term) for term in pod.node_terms), key=len)
        found += nearest
    return tuple(dict.fromkeys(found))


def _unmet(labels: Mapping[str, str], term: tuple[NodeRequirement, ...]) -> list[str]:
    # A term that asks for nothing matches no node.
    if not term:
        return ["an empty affinity term, which matches no node"]
    return [lack for each in term if (lack := _lack(labels, each.key, each.operator, each.values))]


def _lack(labels: Mapping[str, str], key: str, operator: str, values: tuple[str, ...]) -> str:
    """Say how a node misses one requirement; empty when it meets it."""
    value = labels.get(key)
    wanted = " or ".join(values)
    has = f"{key} is {value}" if value is not None else f"no label {key}"
    match operator:
        case "In":
            if value is None:
                return f"{has}={wanted}"
            return "" if value in values else f"{has}, not {wanted}"
        case "NotIn":
            return "" if value is None or value not in values else f"{has}, which is ruled out"
        case "Exists":
            return "" if value is not None else has
        case "DoesNotExist":
            return "" if value is None else f"{has}, which is ruled out"
        case "Gt" | "Lt":
            return "" if _compares(operator, value, values) else f"{has}, not {operator} {wanted}"
        case _:
            return ""


def _compares(operator: str, value: str | None, values: tuple[str, ...]) -> bool:
    try:
        ours, theirs = int(value or ""), int(values[0] if values else "")
    except ValueError:
        return False
    return ours > theirs if operator == "Gt" else ours < theirs
