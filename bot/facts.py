"""What matters of one object, as pairs of label and words. Pure; nothing here decides what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from bot.diagnosis import Index, ago, amount, cpu, ready_cell, restarts_cell, status_cell
from bot.domain.objects import (
    Autoscaler,
    AutoscalerMetric,
    Claim,
    Condition,
    Container,
    CronJob,
    Ingress,
    Job,
    Node,
    Pod,
    Role,
    Service,
    Terminated,
    Waiting,
    Workload,
)
from bot.domain.text import count
from bot.domain.view import Table
from bot.lookup import Thing

Pairs = list[tuple[str, str]]


def facts_of(index: Index, thing: Thing) -> Pairs:
    """Return what matters of an object, most important first."""
    match thing.object:
        case Pod() as pod:
            return _pod(index, pod)
        case Workload() as workload:
            return _workload(index, workload)
        case Node() as node:
            return _node(index, node)
        case Service() as service:
            return _service(index, service)
        case Claim() as claim:
            return _claim(index, claim)
        case Autoscaler() as scaler:
            return _autoscaler(index, scaler)
        case Job() as job:
            return _job(index, job)
        case CronJob() as cron_job:
            return _cron_job(index, cron_job)
        case Ingress() as ingress:
            return _ingress(ingress)
        case _:
            assert_never(thing.object)


def containers_of(pod: Pod) -> Table:
    """Return a pod's containers, one row each."""
    rows = tuple(
        (
            container.name if container.role is Role.REGULAR else f"{container.name} ({container.role})",
            container.image.rpartition("/")[2],
            _state(container),
            str(container.restart_count),
            _pair(container.cpu_request_m, container.cpu_limit_m, lambda value: f"{value}m"),
            _pair(container.memory_request, container.memory_limit, amount),
        )
        for container in pod.containers
    )
    return Table(("container", "image", "state", "restarts", "cpu asked / limit", "memory asked / limit"), rows)


def _state(container: Container) -> str:
    state = container.state
    if state is None:
        return "unknown"
    if isinstance(state, Waiting):
        return f"waiting: {state.reason or 'no reason'}"
    if isinstance(state, Terminated):
        return f"ended: {state.reason or 'no reason'} ({state.exit_code})"
    return "running" if container.ready or container.role is Role.INIT else "running, not ready"


def _pair(asked: int | None, limit: int | None, words: Callable[[int], str]) -> str:
    return " / ".join(words(value) if value is not None else "-" for value in (asked, limit))


def _pod(index: Index, pod: Pod) -> Pairs:
    restarts = count(restarts_cell(pod), "restart")
    pairs = [
        ("Status", f"{status_cell(pod)}, {ready_cell(pod)} ready, {restarts}"),
        ("Node", pod.node or "none yet"),
        ("Began", ago(pod.meta.created_at, index.now)),
    ]
    owner = index.target_of(pod)
    if owner.kind != "Pod":
        revision = index.revision_of(pod)
        which = f" revision {revision}" if revision else ""
        pairs.append(("Belongs to", f"{owner.kind.lower()}/{owner.name}{which}"))
    if pod.message:
        pairs.append(("Message", pod.message))
    return pairs + _conditions(condition for condition in pod.conditions if condition.status != "True")


def _workload(index: Index, workload: Workload) -> Pairs:
    pairs = [
        ("Ready", f"{workload.ready} of {workload.desired}, {workload.updated} up to date"),
        ("Images", ", ".join(f"{c.name} {c.image}" for c in workload.containers) or "unknown"),
    ]
    if workload.revision is not None:
        pairs.append(("Revision", str(workload.revision)))
    if workload.paused:
        pairs.append(("Paused", "yes: changes wait until it is resumed"))
    scalers = [f"hpa/{s.meta.name} ({s.minimum} to {s.maximum})" for s in index.autoscalers_of(workload)]
    if scalers:
        pairs.append(("Scaled by", ", ".join(scalers)))
    services = [
        f"service/{service.meta.name}"
        for service in index.snapshot.services
        if service.selector and service.selector.items() <= workload.template_labels.items()
    ]
    if services:
        pairs.append(("Behind", ", ".join(services)))
    return pairs + _conditions(workload.conditions)


def _node(index: Index, node: Node) -> Pairs:
    here = [pod for pod in index.snapshot.pods if pod.node == node.meta.name and not pod.is_finished]
    pairs = [
        ("Can give", f"{cpu(node.cpu_allocatable_m)}, {amount(node.memory_allocatable)} of memory"),
        ("Takes new pods", "no, it is cordoned" if node.unschedulable else "yes"),
        ("Pods of this namespace", str(len(here))),
    ]
    load = (index.snapshot.node_load or {}).get(node.meta.name)
    if load is not None:
        asked = f"{cpu(load.cpu_m)}, {amount(load.memory)} of memory by {count(load.pods, 'pod')}"
        pairs.append(("Asked for", asked))
    if node.taints:
        pairs.append(("Taints", ", ".join(f"{t.key}={t.value}:{t.effect}" for t in node.taints)))
    return pairs + _conditions(node.conditions)


def _service(index: Index, service: Service) -> Pairs:
    endpoints = index.endpoints_of(service)
    selected = index.selected_by(service.selector)
    behind = sorted({f"{ref.kind.lower()}/{ref.name}" for ref in map(index.target_of, selected)})
    ready = f"{sum(e.ready for e in endpoints)} of {len(endpoints)} ready"
    return [
        ("Endpoints", ready if endpoints else "none: requests to it fail"),
        ("Pods", f"{len(selected)} selected" + (f", of {', '.join(behind)}" if behind else "")),
        ("Selects", ", ".join(f"{k}={v}" for k, v in service.selector.items()) or "nothing"),
        ("Ports", ", ".join(f"{p.port} → {p.target}" for p in service.ports) or "none"),
        ("Type", service.type),
    ]


def _claim(index: Index, claim: Claim) -> Pairs:
    name = claim.meta.name
    users = [
        pod.meta.name
        for pod in index.snapshot.pods
        if any(v.kind == "PersistentVolumeClaim" and v.source == name for v in pod.volumes)
    ]
    return [
        ("Phase", claim.phase or "unknown"),
        ("Asked for", amount(claim.requested)),
        ("Class", claim.storage_class if claim.storage_class is not None else "the default one"),
        ("Volume", claim.volume or "none"),
        ("Used by", ", ".join(users) or "no pod"),
    ]


def _autoscaler(index: Index, scaler: Autoscaler) -> Pairs:
    return [
        ("Scales", f"{scaler.target_kind.lower()}/{scaler.target_name}"),
        ("Replicas", f"{scaler.current} now, {scaler.desired} wanted, {scaler.minimum} to {scaler.maximum} allowed"),
        *((metric.name or metric.kind, _metric(metric)) for metric in scaler.metrics),
        *((("Last scaled", ago(scaler.scaled_at, index.now)),) if scaler.scaled_at else ()),
        *_conditions(scaler.conditions),
    ]


def _metric(metric: AutoscalerMetric) -> str:
    if metric.target is None:
        return f"a metric of the kind {metric.kind}"
    current = "unknown" if metric.current is None else f"{metric.current} %"
    return f"{current}, target {metric.target} % of the request"


def _job(index: Index, job: Job) -> Pairs:
    wanted = "" if job.completions is None else f" of {job.completions}"
    pairs = [
        ("Pods", f"{job.succeeded}{wanted} succeeded, {job.failed} failed, {job.active} running"),
        ("Gives up after", count(job.backoff_limit, "retry", "retries")),
        ("Began", ago(job.started_at or job.meta.created_at, index.now)),
    ]
    if job.completed_at is not None:
        pairs.append(("Done", ago(job.completed_at, index.now)))
    if job.suspended:
        pairs.append(("Suspended", "yes"))
    if job.meta.owner is not None:
        pairs.append(("Belongs to", f"{job.meta.owner.kind.lower()}/{job.meta.owner.name}"))
    return pairs + _conditions(job.conditions)


def _cron_job(index: Index, cron_job: CronJob) -> Pairs:
    def when(text: str) -> str:
        return text if text != "at an unknown time" else "never, or not known"

    jobs = sorted(job.meta.name for job in index.jobs_by_owner_uid.get(cron_job.meta.uid, ()))
    return [
        ("Schedule", cron_job.schedule + (", suspended" if cron_job.suspended else "")),
        ("Last run", when(ago(cron_job.last_scheduled_at, index.now))),
        ("Last success", when(ago(cron_job.last_successful_at, index.now))),
        ("Running now", count(cron_job.active, "job")),
        ("Jobs kept", ", ".join(jobs) or "none"),
    ]


def _ingress(ingress: Ingress) -> Pairs:
    return [
        ("Class", ingress.ingress_class or "the default one"),
        ("Addresses", ", ".join(ingress.addresses) or "none: no controller has taken it"),
        *((f"{r.host or '*'}{r.path}", f"service/{r.service} port {r.port}") for r in ingress.routes),
        *((("TLS", ", ".join(f"secret/{name}" for name in ingress.tls_secrets)),) if ingress.tls_secrets else ()),
    ]


def _conditions(conditions: Iterable[Condition]) -> Pairs:
    return [
        (c.type, f"{c.status}: " + ". ".join(part.rstrip(".") for part in (c.reason, c.message) if part))
        if c.reason or c.message
        else (c.type, c.status)
        for c in conditions
    ]
