"""Pods that no node takes: the scheduler's reasons, and beside them what each node lacks, computed here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bot.diagnosis import steps
from bot.diagnosis.causes.scheduling_codes import (
    CLAIM_MISSING,
    CODES,
    HOST_PORT_TAKEN,
    INSUFFICIENT_RESOURCES,
    NODE_SELECTOR_MISMATCH,
    NODES_UNAVAILABLE,
    PLACEMENT_RULES_UNMET,
    SCHEDULING_GATED,
    TAINT_NOT_TOLERATED,
    TITLES,
    UNSCHEDULABLE,
    VOLUME_ELSEWHERE,
    VOLUME_UNBOUND,
)
from bot.diagnosis.family import Case, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.placement import RESOURCES, Hindrance, asked_cpu, asked_memory, decisive, host_ports
from bot.diagnosis.placement_words import (
    lack_of_room,
    nearest,
    node_by_node,
    nodes_with_only,
    out_of_service,
    port_holders,
    taints,
)
from bot.diagnosis.preemptions import victims_of
from bot.diagnosis.replica_sets import working_replica_set
from bot.diagnosis.scheduler import Said, reasons
from bot.diagnosis.words import amount, cpu
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, StepKind
from bot.domain.objects import Pod, Role
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import count, first_line

_CODES = {
    **dict.fromkeys(RESOURCES, INSUFFICIENT_RESOURCES),
    Hindrance.SELECTOR: NODE_SELECTOR_MISMATCH,
    Hindrance.TAINT: TAINT_NOT_TOLERATED,
    Hindrance.UNAVAILABLE: NODES_UNAVAILABLE,
    Hindrance.PORT: HOST_PORT_TAKEN,
    Hindrance.RULES: PLACEMENT_RULES_UNMET,
    Hindrance.CLAIM: VOLUME_UNBOUND,
    Hindrance.VOLUME_PLACE: VOLUME_ELSEWHERE,
    Hindrance.OTHER: UNSCHEDULABLE,
}


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    condition = pod.condition("PodScheduled")
    if pod.is_finished or condition is None or condition.status != "False":
        return
    since = condition.changed_at or pod.meta.created_at
    if condition.reason == "SchedulingGated":
        yield Symptom(code=SCHEDULING_GATED, pod=pod, key=", ".join(sorted(pod.scheduling_gates)), since=since)
        return
    said = reasons(condition.message)
    kinds = {reason.kind for reason in said}
    yield Symptom(
        code=_code_of(index, pod, said),
        pod=pod,
        # Pods with other numbers of nodes wait for the same reasons.
        key="; ".join(sorted({reason.words for reason in said})),
        since=since,
        wants_node_load=bool(kinds & RESOURCES) or not said,
    )


def _code_of(index: Index, pod: Pod, said: Sequence[Said]) -> str:
    kinds = {reason.kind for reason in said}
    kind = decisive(kinds)
    if kind is Hindrance.CLAIM and _absent_claims(index, pod):
        return CLAIM_MISSING
    if kind is Hindrance.SELECTOR and Hindrance.TAINT in kinds and nodes_with_only(index, pod, Hindrance.TAINT):
        # The scheduler names one reason a node: those that a taint keeps out may be just what is selected.
        return TAINT_NOT_TOLERATED
    return _CODES[kind]


def explain(case: Case) -> Finding:
    pod = case.newest.pod
    condition = pod.condition("PodScheduled")
    message = condition.message if condition else None
    said = reasons(message or "")
    waits = f"{count(len(case.pods), 'pod')} {'waits' if len(case.pods) == 1 else 'wait'}"
    serves = f" {case.contrast}" if case.contrast else ""
    told = Evidence(EvidenceKind.STATE, f"asks for {_asked(pod)}", (message,) if message else (), case.since)
    return Finding(
        code=case.code,
        severity=case.severity,
        target=case.target,
        title=TITLES[case.code],
        summary=f"{waits}: {_reason(case, pod, said)}{_nominated(pod)}{_preempted(case)}{serves}",
        evidence=(told, *node_by_node(case.index, pod, said, message or "")),
        next=_next(case, pod),
        pods=case.pods,
        revision=case.revision,
        since=case.since,
        because=_because(case, pod),
    )


def _asked(pod: Pod) -> str:
    text = f"{cpu(asked_cpu(pod))} and {amount(asked_memory(pod))} memory"
    ports = ", ".join(str(number) for number, _ in sorted(host_ports(pod)))
    return f"{text}, host port {ports}" if ports else text


def _nominated(pod: Pod) -> str:
    if not pod.nominated_node:
        return ""
    return f" The scheduler is making room for it on node {pod.nominated_node}, by removing pods of lower priority."


def _preempted(case: Case) -> str:
    victims = victims_of(case.index).get(case.target, ())
    if not victims:
        return ""
    was = "was" if len(victims) == 1 else "were"
    return f" {count(len(victims), 'pod')} of it {was} preempted in the last hour, by pods of higher priority."


# --- the reason, by code ----------------------------------------------------------------------------------------------


def _reason(case: Case, pod: Pod, said: Sequence[Said]) -> str:
    """Say why, by what it is."""
    index = case.index
    reason = _REASONS.get(case.code)
    if reason is not None:
        return reason(index, pod, said)
    words = first_line("; ".join(each.words for each in said), 240)
    return f"{words}." if words else "the scheduler gives no reason."


def _gate_reason(_index: Index, pod: Pod, _said: Sequence[Said]) -> str:
    gates = ", ".join(pod.scheduling_gates)
    named = f"the scheduling gate {gates}" if gates else "a scheduling gate"
    return f"held back by {named}. Whoever set the gate must remove it."


def _selector_reason(index: Index, pod: Pod, _said: Sequence[Said]) -> str:
    return f"no node matches its node selector or affinity. {nearest(index, pod)}".rstrip()


def _rules_reason(_index: Index, _pod: Pod, said: Sequence[Said]) -> str:
    words = first_line("; ".join(each.words.removeprefix("node(s) ") for each in said), 240)
    return f"no node satisfies its rules about other pods or spreading: nodes {words}."


def _taint_reason(index: Index, pod: Pod, said: Sequence[Said]) -> str:
    return f"it does not tolerate {taints(index, pod, said)}."


def _unavailable_reason(index: Index, pod: Pod, _said: Sequence[Said]) -> str:
    return f"the nodes that could take it are out of service{out_of_service(index, pod)}."


def _port_reason(index: Index, pod: Pod, _said: Sequence[Said]) -> str:
    return f"{port_holders(index, pod)}."


def _absent_reason(index: Index, pod: Pod, _said: Sequence[Said]) -> str:
    return f"the volume claim {', '.join(_absent_claims(index, pod))} does not exist."


def _claims_reason(index: Index, pod: Pod, said: Sequence[Said]) -> str:
    unbound = _unbound_claims(index, pod)
    if unbound:
        return f"its volume claim {', '.join(unbound)} is not bound to a volume."
    return f"{first_line('; '.join(reason.words for reason in said), 240)}."


def _claims_of(pod: Pod) -> list[str]:
    return [volume.source for volume in pod.volumes if volume.kind == "PersistentVolumeClaim"]


def _unbound_claims(index: Index, pod: Pod) -> list[str]:
    phases = {claim.meta.name: claim.phase for claim in index.snapshot.claims}
    return [name for name in _claims_of(pod) if phases.get(name, "Bound") != "Bound"]


def _absent_claims(index: Index, pod: Pod) -> list[str]:
    if not index.snapshot.has(Part.CLAIMS):
        return []
    known = {claim.meta.name for claim in index.snapshot.claims}
    return [name for name in _claims_of(pod) if name not in known]


_REASONS: dict[str, Callable[[Index, Pod, Sequence[Said]], str]] = {
    SCHEDULING_GATED: _gate_reason,
    INSUFFICIENT_RESOURCES: lack_of_room,
    NODE_SELECTOR_MISMATCH: _selector_reason,
    TAINT_NOT_TOLERATED: _taint_reason,
    PLACEMENT_RULES_UNMET: _rules_reason,
    NODES_UNAVAILABLE: _unavailable_reason,
    HOST_PORT_TAKEN: _port_reason,
    CLAIM_MISSING: _absent_reason,
    VOLUME_UNBOUND: _claims_reason,
}


# --- evidence and what follows ----------------------------------------------------------------------------------------


def _because(case: Case, pod: Pod) -> tuple[ObjectRef, ...]:
    namespace = case.target.namespace
    if case.code == VOLUME_UNBOUND:
        return tuple(ObjectRef("PersistentVolumeClaim", namespace, n) for n in _unbound_claims(case.index, pod))
    if case.code == NODES_UNAVAILABLE:
        nodes = nodes_with_only(case.index, pod, Hindrance.UNAVAILABLE)
        return tuple(ObjectRef("Node", "", node.meta.name) for node in nodes)
    return ()


def _next(case: Case, pod: Pod) -> tuple[NextStep, ...]:
    describe = NextStep(
        StepKind.COMMAND, f"describe {pod.meta.name}", "shows what the pod asks for and its events", label="Describe"
    )
    if case.code == INSUFFICIENT_RESOURCES:
        nodes = NextStep(StepKind.COMMAND, "top nodes", "shows how full the nodes are", label="Nodes")
        way_back = steps.release(case) if _asks_for_more(case, pod) else ()
        return (*way_back[:1], nodes, describe)
    if case.code in (VOLUME_UNBOUND, VOLUME_ELSEWHERE):
        claim = next(iter(_unbound_claims(case.index, pod) or _claims_of(pod)), "")
        shown = NextStep(StepKind.COMMAND, f"describe claim/{claim}", "shows the claim and its events", label="Claim")
        return (shown, describe) if claim else (describe,)
    by_hand = _BY_HAND.get(case.code)
    return (NextStep(StepKind.MANUAL, *by_hand), describe) if by_hand else (describe,)


def _asks_for_more(case: Case, pod: Pod) -> bool:
    """Tell whether the pod asks for more than those of another revision that works: then the release is the cause."""
    working = working_replica_set(case.index, case.workload, other_than=case.revision) if case.workload else None
    if working is None:
        return False
    mine = [each for each in pod.containers if each.role is not Role.INIT]
    before = [each for each in working.containers if each.role is not Role.INIT]
    return any(
        sum(getattr(each, resource) or 0 for each in mine) > sum(getattr(each, resource) or 0 for each in before)
        for resource in ("memory_request", "cpu_request_m")
    )


_BY_HAND = {
    NODE_SELECTOR_MISMATCH: ("kubectl get nodes --show-labels", "label a node, or mend the selector"),
    TAINT_NOT_TOLERATED: ("kubectl describe nodes", "remove the taint, or add a toleration where it is meant to run"),
    NODES_UNAVAILABLE: ("kubectl get nodes", "uncordon a node once its work is done, or repair it"),
}


FAMILY = Family(rank=20, codes=CODES, observe=observe, explain=explain)
