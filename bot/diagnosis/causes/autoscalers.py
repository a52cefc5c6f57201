"""Autoscalers that cannot act, or want more than they may."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import ceil

from bot.diagnosis.causes.autoscaler_codes import (
    AT_MAXIMUM,
    AUTOSCALER_METRIC_MISSING,
    AUTOSCALER_PINNED,
    AUTOSCALER_REQUEST_MISSING,
    AUTOSCALER_TARGET_MISSING,
    AUTOSCALER_UNABLE,
    CODES,
)
from bot.diagnosis.causes.autoscaler_conflicts import collisions, overridden
from bot.diagnosis.family import Survey
from bot.diagnosis.index import Index
from bot.diagnosis.steps import by_hand, command
from bot.diagnosis.words import count
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity
from bot.domain.objects import Autoscaler, AutoscalerMetric, Condition, Container, Pod, Role, Workload
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import first_line, suggest

# At zero replicas an autoscaler rests until somebody scales up: that is on purpose.
_ON_PURPOSE = frozenset({"ScalingDisabled"})
_WITHOUT_REQUEST = re.compile(r"missing request for (\S+)(?: in container (\S+))?")
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


def _ref(autoscaler: Autoscaler) -> ObjectRef:
    return ObjectRef("HorizontalPodAutoscaler", autoscaler.meta.namespace, autoscaler.meta.name)


def _describe(autoscaler: Autoscaler) -> NextStep:
    meta = autoscaler.meta
    return by_hand(f"kubectl -n {meta.namespace} describe hpa {meta.name}", "shows its metrics, conditions and events")


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
    if active.reason == "AmbiguousSelector":  # told as a collision where both autoscalers are seen
        yield _unable_finding(autoscaler, workload, active)
        return
    lacking = _without_request(index, autoscaler, workload, active)
    if lacking:
        yield _request_missing(autoscaler, workload, active, lacking)
    else:
        yield _metric_missing(index, autoscaler, workload, active)


def _evidence(condition: Condition) -> Evidence:
    label = f"{condition.type} is {condition.status}: {condition.reason}"
    return Evidence(EvidenceKind.STATE, label, (condition.message,) if condition.message else (), condition.changed_at)


def _finding(
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
        target=_ref(autoscaler),
        title=title,
        summary=summary,
        evidence=(_evidence(condition), *evidence),
        next=(*steps, _describe(autoscaler)),
        since=condition.changed_at,
        because=because,
    )


def _target_missing(index: Index, autoscaler: Autoscaler, workload: Workload | None, able: Condition) -> Finding:
    kind, name = autoscaler.target_kind, autoscaler.target_name
    part = _KIND_PARTS.get(kind)
    is_gone = workload is None and part is not None and index.snapshot.has(part)
    near = suggest(name, (w.meta.name for w in index.snapshot.workloads if w.kind == kind), most=1)
    meant = f" Is {near[0]} meant?" if near and is_gone else ""
    why = "which does not exist" if is_gone else f'and cannot read its size: "{first_line(able.message, 200)}"'
    return _finding(
        autoscaler,
        able,
        code=AUTOSCALER_TARGET_MISSING,
        title="cannot find what it should scale" if is_gone else "cannot read what it should scale",
        summary=f"Autoscaler {autoscaler.meta.name} is for {kind.lower()} {name}, {why}.{meant}",
    )


def _unable_finding(autoscaler: Autoscaler, workload: Workload | None, condition: Condition) -> Finding:
    return _finding(
        autoscaler,
        condition,
        code=AUTOSCALER_UNABLE,
        title="cannot scale",
        summary=(
            f"Autoscaler {autoscaler.meta.name} cannot scale {autoscaler.target_name}"
            f' ({condition.reason}): "{first_line(condition.message, 240)}".'
        ),
        because=_own_ref(workload),
    )


def _own_ref(workload: Workload | None) -> tuple[ObjectRef, ...]:
    if workload is None:
        return ()
    return (ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name),)


# --- metrics ----------------------------------------------------------------------------------------------------------


def _without_request(
    index: Index, autoscaler: Autoscaler, workload: Workload | None, active: Condition
) -> list[tuple[str, str]]:
    """Return the containers without a request for a resource whose utilization is asked for: (container, resource).

    Every container that runs all the time needs one, side-cars too, unless the metric is of one container only.
    """
    pods = index.pods_of(workload) if workload is not None else ()
    lacking = {
        (container.name, metric.name)
        for metric in autoscaler.metrics
        if metric.kind in ("Resource", "ContainerResource") and metric.target is not None
        for pod in pods
        for container in _measured(pod, metric)
        if _request(container, metric.name) is None
    }
    said = _WITHOUT_REQUEST.search(active.message)
    if said is not None and not lacking:
        lacking = {(said[2] or "", said[1])}
    return sorted(lacking)


def _measured(pod: Pod, metric: AutoscalerMetric) -> Sequence[Container]:
    if pod.is_finished or pod.meta.deleted_at is not None:
        return ()
    return [c for c in pod.containers if c.role is not Role.INIT and metric.container in ("", c.name)]


def _request(container: Container, resource: str) -> int | None:
    """Return what a container asks for; a limit alone is its request, too. Other resources are not known here."""
    if resource == "cpu":
        return container.cpu_request_m if container.cpu_request_m is not None else container.cpu_limit_m
    if resource == "memory":
        return container.memory_request if container.memory_request is not None else container.memory_limit
    return 0


def _request_missing(
    autoscaler: Autoscaler, workload: Workload | None, active: Condition, lacking: list[tuple[str, str]]
) -> Finding:
    containers = [name for name in dict.fromkeys(name for name, _ in lacking) if name]
    resources = " and ".join(dict.fromkeys(resource for _, resource in lacking))
    who = f"container {', '.join(containers)}" if containers else "a container"
    target = autoscaler.target_name
    steps: tuple[NextStep, ...] = ()
    if workload is not None and containers:
        name = f"{workload.kind.lower()}/{workload.meta.name}"
        steps = (
            by_hand(
                f"kubectl -n {workload.meta.namespace} set resources {name} -c {containers[0]}"
                f" --requests={lacking[0][1]}=…",
                "sets the request, which begins a roll-out; a side-car that is injected gets its own where it is made",
            ),
        )
    return _finding(
        autoscaler,
        active,
        code=AUTOSCALER_REQUEST_MISSING,
        title=f"cannot act: a container has no {resources} request",
        summary=(
            f"Autoscaler {autoscaler.meta.name} measures {resources} of {target} against what its containers request,"
            f" and {who} requests none. It does not scale until each has a request."
        ),
        steps=steps,
    )


def _metric_missing(index: Index, autoscaler: Autoscaler, workload: Workload | None, active: Condition) -> Finding:
    metrics = ", ".join(metric.name for metric in autoscaler.metrics if metric.name) or "its metric"
    status = index.snapshot.status(Part.POD_METRICS)
    api_is_gone = not index.snapshot.has(Part.POD_METRICS) and status.reason not in ("", "not asked for")
    unready = workload is not None and workload.ready < workload.desired
    why = f'"{first_line(active.message, 240)}"' if active.message else active.reason
    hint = ""
    if unready and workload is not None:
        hint = f" Pods that crash or wait have no metrics: {workload.ready} of {workload.desired} are ready."
    evidence = (Evidence(EvidenceKind.STATE, f"pod metrics: {status.reason}"),) if api_is_gone else ()
    return _finding(
        autoscaler,
        active,
        code=AUTOSCALER_METRIC_MISSING,
        title="cannot act: it gets no metrics",
        summary=f"Autoscaler {autoscaler.meta.name} cannot read {metrics} of {autoscaler.target_name}: {why}.{hint}",
        steps=(command("top pods", "shows whether the metrics API answers", "Top pods"),),
        because=_own_ref(workload) if unready else (),
        evidence=evidence,
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
    patch = f'{{"spec":{{"maxReplicas":{max(wanted, autoscaler.maximum + 1)}}}}}'
    meta = autoscaler.meta
    unready = workload is not None and workload.ready < workload.desired
    return _finding(
        autoscaler,
        limited,
        code=AT_MAXIMUM,
        title=f"at its maximum of {count(autoscaler.maximum, 'pod')}, and wants more",
        summary=(
            f"{autoscaler.target_name} has the {count(autoscaler.current, 'pod')} that autoscaler {meta.name} may"
            f" give it, and the load asks for more{': ' + values if values else ''}.{formula}"
        ),
        steps=(
            by_hand(
                f"kubectl -n {meta.namespace} patch hpa {meta.name} -p '{patch}'",
                "raises the maximum, if nodes, quota and the databases behind can bear it",
            ),
            command("top pods", "shows which pods are loaded", "Top pods"),
        ),
        because=_own_ref(workload) if unready else (),
    )


def _pinned(autoscaler: Autoscaler) -> Finding:
    return Finding(
        code=AUTOSCALER_PINNED,
        severity=Severity.INFO,
        target=_ref(autoscaler),
        title="cannot scale: its minimum is its maximum",
        summary=(
            f"Autoscaler {autoscaler.meta.name} holds {autoscaler.target_name} at"
            f" {count(autoscaler.maximum, 'pod')}, whatever the load: minimum and maximum are the same."
        ),
        evidence=(Evidence(EvidenceKind.STATE, f"minReplicas {autoscaler.minimum}, maxReplicas {autoscaler.maximum}"),),
        next=(_describe(autoscaler),),
    )


SURVEY = Survey(codes=CODES, look=look)
