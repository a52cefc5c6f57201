"""Pods held back by a readiness gate: every container is ready, and yet the pod gets no traffic."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis import steps
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.domain.findings import Evidence, EvidenceKind, Finding
from bot.domain.objects import Condition, Pod
from bot.domain.text import count

READINESS_GATE = "READINESS_GATE"
# Whoever opens the gate (a load balancer's controller, say) may take this long.
PATIENCE = timedelta(seconds=60)


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    ready = _held_back(pod)
    if ready is None or (ready.changed_at is not None and index.now - ready.changed_at < PATIENCE):
        return
    yield Symptom(code=READINESS_GATE, pod=pod, key=" ".join(_closed(pod)), since=ready.changed_at)


def _held_back(pod: Pod) -> Condition | None:
    """Return the Ready condition of a pod whose containers are all ready while the pod is not, for its gates' sake."""
    ready, containers = pod.condition("Ready"), pod.condition("ContainersReady")
    if pod.is_finished or ready is None or ready.status != "False" or ready.reason != "ReadinessGatesNotReady":
        return None
    return ready if containers is None or containers.status == "True" else None


def _closed(pod: Pod) -> list[str]:
    """Return the gates that are not open."""
    states = {gate: pod.condition(gate) for gate in pod.readiness_gates}
    return [gate for gate, state in states.items() if state is None or state.status != "True"]


def explain(case: Case) -> Finding:
    pod = case.newest.pod
    closed = _closed(pod)
    ready = _held_back(pod)
    never = [gate for gate in closed if pod.condition(gate) is None]
    gates = " and ".join(closed) or "its readiness gate"
    who = f"{count(len(case.pods), 'pod')} of {case.target.name}"
    verb = "runs and passes" if len(case.pods) == 1 else "run and pass"
    summary = f"{who} {verb} all probes but may not get traffic yet: waiting for {gates}."
    if closed and closed == never:
        summary += " Nobody has set it: whoever should (often a load balancer's controller) may not be running."
    if case.contrast:
        summary += f" {case.contrast}"
    message = (ready.message,) if ready and ready.message else ()
    return Finding(
        code=READINESS_GATE,
        severity=case.severity,
        target=case.target,
        title="held back by a readiness gate",
        summary=summary,
        evidence=(Evidence(EvidenceKind.STATE, "Ready is False: ReadinessGatesNotReady", message, case.since),),
        next=(steps.describe(case, "shows its conditions; the controller that owns the gate must set it to True"),),
        pods=case.pods,
        revision=case.revision,
        since=case.since,
    )


FAMILY = Family(
    rank=35,
    codes=(
        Code(
            READINESS_GATE,
            "A pod's containers are all ready, but a readiness gate keeps traffic away from it.",
            "The pod's Ready condition is False with the reason ReadinessGatesNotReady; kubectl shows it as Running"
            " and 1/1.",
            "Look at the controller that owns the gate (often one of a load balancer): it sets a condition of that"
            " name on the pod.",
            "34-39",
        ),
    ),
    observe=observe,
    explain=explain,
)
