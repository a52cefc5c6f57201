"""Objects of the cluster as the diagnosis reads them: the fields we use, under their Kubernetes names.

Adapters build these from what the API server sent; words from the cluster arrive redacted. Times are aware UTC.
Amounts are exact: CPU in millicores, memory and storage in bytes. A count that the API leaves out at zero is 0 here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from bot.domain.text import NO_TEXT, Redacted

EMPTY: Mapping[str, str] = MappingProxyType({})
REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"


def _empty() -> Mapping[str, str]:
    return EMPTY


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller that owns an object (`ownerReferences` with `controller: true`)."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What every object has. `annotations` holds only the few that are read (revision, change cause)."""

    name: str
    namespace: str
    uid: str
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=_empty)
    annotations: Mapping[str, str] = field(default_factory=_empty)
    generation: int = 0
    owner: Owner | None = None
    finalizers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `status.conditions`; `status` is "True", "False" or "Unknown"."""

    type: str
    status: str
    reason: str = ""
    message: Redacted = NO_TEXT
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A container that has not started, and why."""

    reason: str = ""
    message: Redacted = NO_TEXT


@dataclass(frozen=True, slots=True)
class Running:
    """A container that runs."""

    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terminated:
    """A run that ended. `started_at` is None where the kubelet has none (a start error reports the year 1970)."""

    exit_code: int
    reason: str = ""
    signal: int = 0
    message: Redacted = NO_TEXT
    started_at: datetime | None = None
    finished_at: datetime | None = None


ContainerState = Waiting | Running | Terminated


class Role(StrEnum):
    """Which list of the pod a container stands in; a sidecar is an init container that restarts for ever."""

    REGULAR = "container"
    INIT = "init container"
    SIDECAR = "sidecar"


@dataclass(frozen=True, slots=True)
class Probe:
    """How a container is asked for its health. `target` is words: `GET :8080/health`, `tcp :5432`, `exec`."""

    target: str
    timeout_s: int = 1
    period_s: int = 10
    failure_threshold: int = 3
    initial_delay_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a pod, its specification and its status together."""

    name: str
    role: Role = Role.REGULAR
    image: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState | None = None
    last_state: Terminated | None = None
    cpu_request_m: int | None = None
    cpu_limit_m: int | None = None
    memory_request: int | None = None
    memory_limit: int | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None
    env_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod with its containers: init containers and sidecars first, in the order of the specification."""

    meta: Meta
    phase: str
    reason: str = ""
    message: Redacted = NO_TEXT
    node: str = ""
    containers: tuple[Container, ...] = ()
    conditions: tuple[Condition, ...] = ()
    started_at: datetime | None = None

    @property
    def is_ready(self) -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in self.conditions)

    @property
    def is_finished(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def restarts(self) -> int:
        return sum(container.restart_count for container in self.containers)

    def condition(self, type_: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type_), None)


@dataclass(frozen=True, slots=True)
class TemplateContainer:
    """One container of a pod template, as revisions are compared by it. Environment by name, never by value."""

    name: str
    image: str
    env_names: tuple[str, ...] = ()
    memory_limit: int | None = None
    cpu_limit_m: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet. `desired` of a DaemonSet is `desiredNumberScheduled`."""

    kind: str
    meta: Meta
    desired: int
    updated: int = 0
    ready: int = 0
    available: int = 0
    observed_generation: int = 0
    paused: bool = False
    selector: Mapping[str, str] = field(default_factory=_empty)
    containers: tuple[TemplateContainer, ...] = ()
    conditions: tuple[Condition, ...] = ()
    current_revision: str = ""
    update_revision: str = ""

    @property
    def revision(self) -> int | None:
        text = self.meta.annotations.get(REVISION, "")
        return int(text) if text.isdecimal() else None

    def condition(self, type_: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type_), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSet:
    """One revision of a Deployment."""

    meta: Meta
    desired: int = 0
    replicas: int = 0
    ready: int = 0
    available: int = 0
    containers: tuple[TemplateContainer, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def revision(self) -> int | None:
        text = self.meta.annotations.get(REVISION, "")
        return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a service; `target` is a number or a container port's name, as written."""

    port: int
    target: str
    name: str = ""
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service: what it selects and where it sends."""

    meta: Meta
    type: str = "ClusterIP"
    selector: Mapping[str, str] = field(default_factory=_empty)
    ports: tuple[ServicePort, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address behind a service. `pod` is the name of the pod it belongs to, if any."""

    addresses: tuple[str, ...]
    ready: bool
    serving: bool = True
    terminating: bool = False
    pod: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice:
    """Addresses of a service, as the load balancing sees them."""

    meta: Meta
    service: str
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """A HorizontalPodAutoscaler and what it thinks."""

    meta: Meta
    target_kind: str
    target_name: str
    minimum: int = 1
    maximum: int = 1
    current: int = 0
    desired: int = 0
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `at` is the true time of its last occurrence; `container` comes from the field path."""

    meta: Meta
    about_kind: str
    about_name: str
    about_uid: str
    reason: str
    message: Redacted = NO_TEXT
    type: str = "Normal"
    count: int = 1
    first_at: datetime | None = None
    at: datetime | None = None
    container: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint of a node."""

    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node and what it can give (`status.allocatable`)."""

    meta: Meta
    unschedulable: bool = False
    conditions: tuple[Condition, ...] = ()
    taints: tuple[Taint, ...] = ()
    cpu_allocatable_m: int = 0
    memory_allocatable: int = 0

    def condition(self, type_: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type_), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A PersistentVolumeClaim."""

    meta: Meta
    phase: str = ""
    storage_class: str | None = None
    volume: str = ""
    requested: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job and how far it came."""

    meta: Meta
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    suspended: bool = False
    backoff_limit: int = 6
    conditions: tuple[Condition, ...] = ()
