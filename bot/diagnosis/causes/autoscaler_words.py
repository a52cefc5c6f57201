"""What all findings about autoscalers have in common."""

from __future__ import annotations

from bot.diagnosis.steps import by_hand
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity
from bot.domain.objects import Autoscaler, Condition, Workload
from bot.domain.targets import ObjectRef


def ref_of(autoscaler: Autoscaler) -> ObjectRef:
    return ObjectRef("HorizontalPodAutoscaler", autoscaler.meta.namespace, autoscaler.meta.name)


def describe(autoscaler: Autoscaler) -> NextStep:
    meta = autoscaler.meta
    return by_hand(f"kubectl -n {meta.namespace} describe hpa {meta.name}", "shows its metrics, conditions and events")


def own_ref(workload: Workload | None) -> tuple[ObjectRef, ...]:
    if workload is None:
        return ()
    return (ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name),)


def _evidence(condition: Condition) -> Evidence:
    label = f"{condition.type} is {condition.status}: {condition.reason}"
    return Evidence(EvidenceKind.STATE, label, (condition.message,) if condition.message else (), condition.changed_at)


def autoscaler_finding(
    autoscaler: Autoscaler,
    condition: Condition,
    *,
    code: str,
    title: str,
    summary: str,
    steps: tuple[NextStep, ...] = (),
    because: tuple[ObjectRef, ...] = (),
    evidence: tuple[Evidence, ...] = (),
) -> Finding:
    return Finding(
        code=code,
        severity=Severity.WARNING,
        target=ref_of(autoscaler),
        title=title,
        summary=summary,
        evidence=(_evidence(condition), *evidence),
        next=(*steps, describe(autoscaler)),
        since=condition.changed_at,
        because=because,
    )
