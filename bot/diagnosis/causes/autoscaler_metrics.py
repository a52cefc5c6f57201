"""Why an autoscaler gets no value for its metric: a request is missing, or the metrics are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.diagnosis.causes.autoscaler_codes import AUTOSCALER_METRIC_MISSING, AUTOSCALER_REQUEST_MISSING
from bot.diagnosis.causes.autoscaler_words import autoscaler_finding, own_ref
from bot.diagnosis.index import Index
from bot.diagnosis.steps import by_hand, command
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep
from bot.domain.objects import Autoscaler, AutoscalerMetric, Condition, Container, Pod, Role, Workload
from bot.domain.snapshot import Part
from bot.domain.text import first_line

# A new pod has metrics after a sample or two; the metrics server's usual resolution is 15 to 60 s.
UNTIL_MEASURED = timedelta(minutes=2)
_NO_API = re.compile(r"no (custom|external) metrics API")
_WITHOUT_REQUEST = re.compile(r"missing request for (\S+)(?: in container (\S+))?")


def without_metric(
    index: Index, autoscaler: Autoscaler, workload: Workload | None, active: Condition
) -> Iterable[Finding]:
    """Explain a condition `ScalingActive` that is False for want of a value; pods just started are given time."""
    lacking = _without_request(index, autoscaler, workload, active)
    if lacking:
        yield _request_missing(autoscaler, workload, active, lacking)
    elif _NO_API.search(active.message) or not _are_new(index, workload):
        yield _metric_missing(index, autoscaler, workload, active)


def _are_new(index: Index, workload: Workload | None) -> bool:
    pods = index.pods_of(workload) if workload is not None else ()
    return bool(pods) and all(pod.meta.created_at and index.now - pod.meta.created_at < UNTIL_MEASURED for pod in pods)


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
    return autoscaler_finding(
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
    no_api = _NO_API.search(active.message)
    hint = f" Nothing serves {no_api[1]} metrics in this cluster; an adapter does that." if no_api else ""
    if unready and workload is not None:
        hint = f" Pods that crash or wait have no metrics: {workload.ready} of {workload.desired} are ready."
    evidence = (Evidence(EvidenceKind.STATE, f"pod metrics: {status.reason}"),) if api_is_gone else ()
    return autoscaler_finding(
        autoscaler,
        active,
        code=AUTOSCALER_METRIC_MISSING,
        title="cannot act: it gets no metrics",
        summary=f"Autoscaler {autoscaler.meta.name} cannot read {metrics} of {autoscaler.target_name}: {why}.{hint}",
        steps=(command("top pods", "shows whether the metrics API answers", "Top pods"),),
        because=own_ref(workload) if unready else (),
        evidence=evidence,
    )
