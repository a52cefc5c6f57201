"""Objects of a cluster in short calls. What a test does not say is healthy and old; times are seconds before `NOW`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from bot.domain.objects import (
    REVISION,
    Condition,
    Container,
    ContainerState,
    Event,
    Meta,
    Node,
    Owner,
    Pod,
    Probe,
    ReplicaSet,
    Role,
    Running,
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


def node(name: str = "node-1", *, cpu_m: int = 8000, memory: int = 16 * GI) -> Node:
    return Node(meta=meta(name), cpu_allocatable_m=cpu_m, memory_allocatable=memory)


# --- snapshots --------------------------------------------------------------------------------------------------------

LIVE = PartStatus(Freshness.LIVE, NOW)


def stale(seconds: float, reason: str = "") -> PartStatus:
    return PartStatus(Freshness.STALE, ago(seconds), reason)


def missing(reason: str) -> PartStatus:
    return PartStatus(Freshness.MISSING, reason=reason)


def log_of(*lines: str, problem: str = "") -> LogExcerpt:
    return LogExcerpt(tuple(Redacted(line) for line in lines), problem)


def snapshot(
    *objects: Workload | ReplicaSet | Pod | Event | Node,
    parts: Mapping[Part, PartStatus] = MappingProxyType({}),
    logs: Mapping[LogKey, LogExcerpt] = MappingProxyType({}),
) -> Snapshot:
    """Make a snapshot of these objects. Every part is live unless `parts` says otherwise."""
    return Snapshot(
        scope=SCOPE,
        observed_at=NOW,
        parts=MappingProxyType(dict.fromkeys(Part, LIVE) | dict(parts)),
        pods=tuple(o for o in objects if isinstance(o, Pod)),
        workloads=tuple(o for o in objects if isinstance(o, Workload)),
        replica_sets=tuple(o for o in objects if isinstance(o, ReplicaSet)),
        events=tuple(o for o in objects if isinstance(o, Event)),
        nodes=tuple(o for o in objects if isinstance(o, Node)),
        logs=MappingProxyType(dict(logs)),
    )


def ref(workload: Workload) -> ObjectRef:
    return ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name)
