"""Autoscalers that cannot act, or want more than they may."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from bot.diagnosis.causes.autoscaler_codes import (
    AT_MAXIMUM,
    AUTOSCALER_PINNED,
    AUTOSCALER_TARGET_MISSING,
    AUTOSCALER_UNABLE,
    CODES,
)
from bot.diagnosis.causes.autoscaler_conflicts import collisions, overridden
from bot.diagnosis.causes.autoscaler_metrics import without_metric
from bot.diagnosis.causes.autoscaler_words import autoscaler_finding, describe, own_ref, ref_of
from bot.diagnosis.family import Survey
from bot.diagnosis.index import Index
from bot.diagnosis.near import meant
from bot.diagnosis.steps import command, scale
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity
from bot.domain.objects import Autoscaler, AutoscalerMetric, Condition, Workload
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import count, first_line

# At zero replicas an autoscaler rests until somebody scales up: that is on purpose.
_ON_PURPOSE = frozenset({"ScalingDisabled"})
_KIND_PARTS = {
    "Deployment": Part.DEPLOYMENTS,
    "StatefulSet": Part.STATEFUL_SETS,
    "DaemonSet": Part.DAEMON_SETS,
}


def look(index: Index) -> Iterable[Finding]:
    yield from collisions(index)
    for autoscaler in index.snapshot.autoscalers:
        namespace = autoscaler.meta.namespace
        workload = index.workload_by_ref.get(ObjectRef(autoscaler.target_kind, namespace, autoscaler.target_name))
        if workload is not None and workload.desired == 0:
            continue
        yield from _unable(index, autoscaler, workload)
        yield from _limited(autoscaler, workload)
        yield from overridden(index, autoscaler, workload)


def _condition(autoscaler: Autoscaler, type_: str) -> Condition | None:
    return next((c for c in autoscaler.conditions if c.type == type_), None)


def _unable(index: Index, autoscaler: Autoscaler, workload: Workload | None) -> Iterable[Finding]:
    """Say why it cannot act: one reason, the first of those that everything else depends on."""
    able, active = _condition(autoscaler, "AbleToScale"), _condition(autoscaler, "ScalingActive")
    if able is not None and able.status == "False":
        if able.reason == "FailedGetScale":
            yield _target_missing(index, autoscaler, workload, able)
        elif not able.reason.startswith("Backoff"):
            yield _unable_finding(autoscaler, workload, able)
        return
    if active is None or active.status != "False" or active.reason in _ON_PURPOSE:
        return
    if active.reason == "AmbiguousSelector":
        if len(index.autoscalers_of(workload) if workload else ()) > 1:
            return  # told as a collision
        yield _unable_finding(autoscaler, workload, active)
        return
    yield from without_metric(index, autoscaler, workload, active)


def _target_missing(index: Index, autoscaler: Autoscaler, workload: Workload | None, able: Condition) -> Finding:
    kind, name = autoscaler.target_kind, autoscaler.target_name
    part = _KIND_PARTS.get(kind)
    is_gone = workload is None and part is not None and index.snapshot.has(part)
    near = meant(name, (w.meta.name for w in index.snapshot.workloads if w.kind == kind)) if is_gone else ""
    hint = f" Is {near} meant?" if near else ""
    why = "which does not exist" if is_gone else f'and cannot read its size: "{first_line(able.message, 200)}"'
    return autoscaler_finding(
        autoscaler,
        able,
        code=AUTOSCALER_TARGET_MISSING,
        title="cannot find what it should scale" if is_gone else "cannot read what it should scale",
        summary=f"Autoscaler {autoscaler.meta.name} is for {kind.lower()} {name}, {why}.{hint}",
    )


def _unable_finding(autoscaler: Autoscaler, workload: Workload | None, condition: Condition) -> Finding:
    return autoscaler_finding(
        autoscaler,
        condition,
        code=AUTOSCALER_UNABLE,
        title="cannot scale",
        summary=(
            f"Autoscaler {autoscaler.meta.name} cannot scale {autoscaler.target_name}"
            f' ({condition.reason}): "{first_line(condition.message, 240)}".'
        ),
        because=own_ref(workload),
    )


# --- limits -----------------------------------------------------------------------------------------------------------


def _limited(autoscaler: Autoscaler, workload: Workload | None) -> Iterable[Finding]:
    limited = _condition(autoscaler, "ScalingLimited")
    wants_more = (
        limited is not None
        and limited.status == "True"
        and limited.reason == "TooManyReplicas"
        and autoscaler.current >= autoscaler.maximum
    )
    over = [m for m in autoscaler.metrics if m.target and m.current is not None and m.current > m.target]
    known = any(m.target and m.current is not None for m in autoscaler.metrics)
    if limited is not None and wants_more and (over or not known):
        yield _at_maximum(autoscaler, workload, limited, over)
    elif autoscaler.minimum == autoscaler.maximum:
        yield _pinned(autoscaler)


def _at_maximum(
    autoscaler: Autoscaler, workload: Workload | None, limited: Condition, over: Sequence[AutoscalerMetric]
) -> Finding:
    values = "; ".join(f"{m.name} is at {m.current} % of the request, its aim is {m.target} %" for m in over)
    wanted = max((ceil(autoscaler.current * (m.current or 0) / (m.target or 1)) for m in over), default=0)
    formula = f" By its rule it would want {count(wanted, 'pod')}." if wanted > autoscaler.maximum else ""
    meta = autoscaler.meta
    unready = workload is not None and workload.ready < workload.desired
    return autoscaler_finding(
        autoscaler,
        limited,
        code=AT_MAXIMUM,
        title=f"at its maximum of {count(autoscaler.maximum, 'pod')}, and wants more",
        summary=(
            f"{autoscaler.target_name} has the {count(autoscaler.current, 'pod')} that autoscaler {meta.name} may"
            f" give it, and the load asks for more{': ' + values if values else ''}.{formula}"
        ),
        steps=(
            *_raise(workload, max(wanted, autoscaler.maximum + 1)),
            command("top pods", "shows which pods are loaded", "Top pods"),
        ),
        because=own_ref(workload) if unready else (),
    )


def _raise(workload: Workload | None, maximum: int) -> Sequence[NextStep]:
    if workload is None:
        return ()
    reason = "raises the maximum, if nodes, quota and the databases behind can bear it"
    return (scale(f"{workload.meta.name} --max {maximum}", reason),)


def _pinned(autoscaler: Autoscaler) -> Finding:
    return Finding(
        code=AUTOSCALER_PINNED,
        severity=Severity.INFO,
        target=ref_of(autoscaler),
        title="cannot scale: its minimum is its maximum",
        summary=(
            f"Autoscaler {autoscaler.meta.name} holds {autoscaler.target_name} at"
            f" {count(autoscaler.maximum, 'pod')}, whatever the load: minimum and maximum are the same."
        ),
        evidence=(Evidence(EvidenceKind.STATE, f"minReplicas {autoscaler.minimum}, maxReplicas {autoscaler.maximum}"),),
        next=(describe(autoscaler),),
    )


SURVEY = Survey(codes=CODES, look=look)
