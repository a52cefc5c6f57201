"""Objects of a cluster in short calls. What a test does not say is healthy and old; times are seconds before `NOW`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

from bot.domain.objects import (
    REVISION,
    Autoscaler,
    AutoscalerMetric,
    Claim,
    Condition,
    Container,
    ContainerState,
    ContainerUsage,
    CronJob,
    Endpoint,
    EndpointSlice,
    Event,
    Ingress,
    Job,
    Meta,
    Node,
    NodeLoad,
    NodeUsage,
    Owner,
    Pod,
    PodUsage,
    Probe,
    ReplicaSet,
    Role,
    Route,
    Running,
    Service,
    ServicePort,
    StorageClass,
    Taint,
    TemplateContainer,
    Terminated,
    Waiting,
    Workload,
)
from bot.domain.snapshot import Freshness, LogExcerpt, LogKey, Part, PartStatus, Snapshot
from bot.domain.targets import ClusterName, Namespace, ObjectRef, Scope
from bot.domain.text import Redacted

NOW = datetime(2026, 11, 24, 22, tzinfo=UTC)
SCOPE = Scope(ClusterName("prod-eu"), Namespace("shop"))
DAY_S = 86_400.0
GI, MI = 1 << 30, 1 << 20
_numbers = itertools.count()
T = TypeVar("T")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def meta(name: str, *, age_s: float = DAY_S, owner: Owner | None = None, revision: int | None = None) -> Meta:
    return Meta(
        name=name,
        namespace=SCOPE.namespace,
        uid=f"uid-{name}",
        created_at=ago(age_s),
        annotations=MappingProxyType({} if revision is None else {REVISION: str(revision)}),
        owner=owner,
    )


# --- containers -------------------------------------------------------------------------------------------------------


def waiting(reason: str, message: str = "") -> Waiting:
    return Waiting(reason, Redacted(message))


def running(*, for_s: float = DAY_S) -> Running:
    return Running(ago(for_s))


def ended(
    code: int = 1, reason: str = "Error", *, ago_s: float = 30, ran_s: float = 2, message: str = "", signal: int = 0
) -> Terminated:
    return Terminated(code, reason, signal, Redacted(message), ago(ago_s + ran_s), ago(ago_s))


def oom_killed(*, ago_s: float = 30, ran_s: float = 40) -> Terminated:
    return ended(137, "OOMKilled", ago_s=ago_s, ran_s=ran_s)


def container(
    state: ContainerState | None = None,
    *,
    name: str = "api",
    last: Terminated | None = None,
    restarts: int = 0,
    ready: bool | None = None,
    role: Role = Role.REGULAR,
    image: str = "rag-engine:v1.2",
    env: tuple[str, ...] = (),
    readiness: Probe | None = None,
    liveness: Probe | None = None,
    startup: Probe | None = None,
    started: bool | None = None,
    memory: int | None = None,
    cpu_m: int | None = None,
    memory_limit: int | None = None,
) -> Container:
    """Make a container; it runs and is ready unless told otherwise, and is not ready when it does not run."""
    state = running() if state is None else state
    return Container(
        name=name,
        role=role,
        image=image,
        ready=isinstance(state, Running) if ready is None else ready,
        started=started,
        restart_count=restarts,
        state=state,
        last_state=last,
        cpu_request_m=cpu_m,
        memory_request=memory,
        memory_limit=memory_limit,
        env_names=env,
        readiness=readiness,
        liveness=liveness,
        startup=startup,
    )


def crash_looping(last: Terminated | None = None, *, restarts: int = 5, name: str = "api") -> Container:
    """Make a container in the kubelet's back-off."""
    state = waiting("CrashLoopBackOff", f"back-off 40s restarting failed container={name}")
    return container(state, name=name, last=last or ended(1), restarts=restarts)


# --- workloads and pods -----------------------------------------------------------------------------------------------


def deployment(
    name: str = "api",
    *,
    desired: int = 1,
    ready: int | None = None,
    revision: int | None = 1,
    conditions: tuple[Condition, ...] = (),
) -> Workload:
    return Workload(
        kind="Deployment",
        meta=meta(name, revision=revision),
        desired=desired,
        ready=desired if ready is None else ready,
        conditions=conditions,
    )


def stateful_set(name: str = "db", *, desired: int = 1, ready: int | None = None) -> Workload:
    return replace(deployment(name, desired=desired, ready=ready, revision=None), kind="StatefulSet")


def template(*, name: str = "api", image: str = "rag-engine:v1.1", env: tuple[str, ...] = ()) -> TemplateContainer:
    return TemplateContainer(name, image, env)


def replica_set(
    of: Workload, revision: int = 1, *, desired: int = 1, ready: int = 0, containers: tuple[TemplateContainer, ...] = ()
) -> ReplicaSet:
    owner = Owner(of.kind, of.meta.name, of.meta.uid)
    return ReplicaSet(
        meta=meta(f"{of.meta.name}-rs{revision}", owner=owner, revision=revision),
        desired=desired,
        replicas=desired,
        ready=ready,
        containers=containers,
    )


def condition(kind: str, status: str, reason: str = "", message: str = "", *, ago_s: float = 600) -> Condition:
    return Condition(kind, status, reason, Redacted(message), ago(ago_s))


def pod(
    owner: ReplicaSet | Workload | Owner | None = None,
    *containers: Container,
    name: str = "",
    phase: str = "",
    age_s: float = DAY_S,
    conditions: Iterable[Condition] = (),
    deleted: bool = False,
) -> Pod:
    """Make a pod of `owner`. It is ready when every regular container is; its phase follows from that."""
    containers = containers or (container(),)
    if not isinstance(owner, Owner | None):
        kind = owner.kind if isinstance(owner, Workload) else "ReplicaSet"
        owner = Owner(kind, owner.meta.name, owner.meta.uid)
    ready = all(c.ready for c in containers if c.role is Role.REGULAR)
    said = {c.type: c for c in (condition("Ready", str(ready)), *conditions)}
    made = meta(name or f"{owner.name if owner else 'bare'}-{next(_numbers):05d}", age_s=age_s, owner=owner)
    started = any(isinstance(c.state, Running | Terminated) or c.restart_count for c in containers)
    return Pod(
        meta=replace(made, deleted_at=ago(1) if deleted else None),
        phase=phase or ("Running" if started else "Pending"),
        node="node-1",
        containers=containers,
        conditions=tuple(said.values()),
        started_at=ago(age_s),
    )


def unscheduled(
    owner: ReplicaSet | Workload, message: str = "", *containers: Container, reason: str = "Unschedulable"
) -> Pod:
    """Make a pod that no node takes; what it asks for is in `containers`."""
    made = pod(
        owner,
        *(replace(each, state=None, ready=False) for each in containers or (container(),)),
        phase="Pending",
        conditions=(condition("PodScheduled", "False", reason, message, ago_s=300),),
    )
    return replace(made, node="", started_at=None)


def event(about: Pod, reason: str, message: str, *, container_name: str = "api", ago_s: float = 60) -> Event:
    return Event(
        meta=meta(f"event-{next(_numbers)}"),
        about_kind="Pod",
        about_name=about.meta.name,
        about_uid=about.meta.uid,
        reason=reason,
        message=Redacted(message),
        first_at=ago(ago_s + 300),
        at=ago(ago_s),
        container=container_name,
    )


def node(
    name: str = "node-1",
    *,
    cpu_m: int = 8000,
    memory: int = 16 * GI,
    pods: int = 110,
    labels: Mapping[str, str] = MappingProxyType({}),
    taints: tuple[Taint, ...] = (),
    cordoned: bool = False,
    conditions: tuple[Condition, ...] = (),
) -> Node:
    """Make a node. Without conditions nothing is known of its health."""
    return Node(
        meta=replace(meta(name), labels=labels),
        unschedulable=cordoned,
        conditions=conditions,
        taints=taints,
        cpu_allocatable_m=cpu_m,
        memory_allocatable=memory,
        pods_allocatable=pods,
    )


def claim(
    name: str = "data", *, phase: str = "Pending", storage_class: str | None = "fast", age_s: float = 600
) -> Claim:
    return Claim(meta=meta(name, age_s=age_s), phase=phase, storage_class=storage_class, requested=GI)


def storage_class(name: str = "fast", *, default: bool = False, waits: bool = False) -> StorageClass:
    """Make a storage class; one that `waits` makes no volume before a pod has its node."""
    mode = "WaitForFirstConsumer" if waits else "Immediate"
    return StorageClass(meta=meta(name), provisioner="csi.example.com", binding_mode=mode, is_default=default)


# --- services, autoscalers, jobs --------------------------------------------------------------------------------------


def labelled(made: Pod, **labels: str) -> Pod:
    return replace(made, meta=replace(made.meta, labels=MappingProxyType(labels)))


def template_labelled(made: Workload, **labels: str) -> Workload:
    return replace(made, template_labels=MappingProxyType(labels))


def service(name: str = "api", *ports: ServicePort, **selector: str) -> Service:
    return Service(
        meta=meta(name),
        selector=MappingProxyType(selector),
        ports=ports or (ServicePort(80, "8080"),),
    )


def endpoints(of: Service, *pods: Pod, ready: bool | None = None) -> EndpointSlice:
    """Make the addresses of a service: one for each pod, ready as the pod is unless told otherwise."""
    return EndpointSlice(
        meta=meta(f"{of.meta.name}-slice"),
        service=of.meta.name,
        endpoints=tuple(
            Endpoint((f"10.0.0.{n}",), p.is_ready if ready is None else ready, pod=p.meta.name)
            for n, p in enumerate(pods)
        ),
    )


def ingress(name: str = "web", *routes: Route) -> Ingress:
    return Ingress(meta=meta(name), routes=routes)


def autoscaler(
    of: Workload,
    *conditions: Condition,
    name: str = "api-hpa",
    minimum: int = 2,
    maximum: int = 4,
    current: int = 2,
    metrics: tuple[AutoscalerMetric, ...] = (),
) -> Autoscaler:
    return Autoscaler(
        meta=meta(name),
        target_kind=of.kind,
        target_name=of.meta.name,
        minimum=minimum,
        maximum=maximum,
        current=current,
        desired=current,
        conditions=conditions,
        metrics=metrics,
    )


def job(
    name: str = "backfill",
    *conditions: Condition,
    owner: CronJob | None = None,
    failed: int = 0,
    age_s: float = 3600,
    completed: float | None = None,
) -> Job:
    """Make a job; `completed` is how many seconds ago it ended well."""
    return Job(
        meta=meta(name, age_s=age_s, owner=Owner("CronJob", owner.meta.name, owner.meta.uid) if owner else None),
        failed=failed,
        succeeded=int(completed is not None),
        conditions=conditions,
        completions=1,
        started_at=ago(age_s),
        completed_at=None if completed is None else ago(completed),
    )


def cron_job(
    name: str = "nightly",
    schedule: str = "0 2 * * *",
    *,
    suspended: bool = False,
    last_scheduled: float | None = 3600,
    last_successful: float | None = None,
    age_s: float = DAY_S,
) -> CronJob:
    """Make a cron job; the last times are seconds ago."""
    return CronJob(
        meta=meta(name, age_s=age_s),
        schedule=schedule,
        suspended=suspended,
        last_scheduled_at=None if last_scheduled is None else ago(last_scheduled),
        last_successful_at=None if last_successful is None else ago(last_successful),
    )


def happened(about: Meta, kind: str, reason: str, message: str, *, ago_s: float = 60) -> Event:
    """Make an event about any object."""
    return Event(
        meta=meta(f"event-{next(_numbers)}"),
        about_kind=kind,
        about_name=about.name,
        about_uid=about.uid,
        reason=reason,
        message=Redacted(message),
        first_at=ago(ago_s),
        at=ago(ago_s),
    )


def usage(of: Pod, *, cpu_m: int = 0, memory: int = 0, name: str = "api") -> PodUsage:
    """Make a sample of the metrics API for one container of a pod."""
    return PodUsage(meta=of.meta, at=ago(5), window_s=10.0, containers=(ContainerUsage(name, cpu_m, memory),))


# --- snapshots --------------------------------------------------------------------------------------------------------

LIVE = PartStatus(Freshness.LIVE, NOW)


def stale(seconds: float, reason: str = "") -> PartStatus:
    return PartStatus(Freshness.STALE, ago(seconds), reason)


def missing(reason: str) -> PartStatus:
    return PartStatus(Freshness.MISSING, reason=reason)


def log_of(*lines: str, problem: str = "") -> LogExcerpt:
    return LogExcerpt(tuple(Redacted(line) for line in lines), problem)


def of_type(type_: type[T], objects: Iterable[object]) -> tuple[T, ...]:
    return tuple(each for each in objects if isinstance(each, type_))


def snapshot(
    *objects: object,
    parts: Mapping[Part, PartStatus] = MappingProxyType({}),
    logs: Mapping[LogKey, LogExcerpt] = MappingProxyType({}),
    load: Mapping[str, NodeLoad] | None = None,
) -> Snapshot:
    """Make a snapshot of these objects. Every part is live unless `parts` says otherwise."""
    return Snapshot(
        scope=SCOPE,
        observed_at=NOW,
        parts=MappingProxyType(dict.fromkeys(Part, LIVE) | dict(parts)),
        pods=of_type(Pod, objects),
        workloads=of_type(Workload, objects),
        replica_sets=of_type(ReplicaSet, objects),
        services=of_type(Service, objects),
        endpoint_slices=of_type(EndpointSlice, objects),
        autoscalers=of_type(Autoscaler, objects),
        events=of_type(Event, objects),
        nodes=of_type(Node, objects),
        claims=of_type(Claim, objects),
        jobs=of_type(Job, objects),
        cron_jobs=of_type(CronJob, objects),
        ingresses=of_type(Ingress, objects),
        storage_classes=of_type(StorageClass, objects),
        pod_usage=of_type(PodUsage, objects),
        node_usage=of_type(NodeUsage, objects),
        node_load=load,
        logs=MappingProxyType(dict(logs)),
    )


def ref(workload: Workload) -> ObjectRef:
    return ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name)
