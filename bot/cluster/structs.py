"""What is read of the API's objects, and nothing else: fields not named here are skipped without being built.

Absent fields have the API's defaults; a list or map that the server may send as null is tolerated. `items` of a page
has no default, so that an error body never reads as an empty list. Quantities and times stay text here.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import field


class Read(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of all that is read. `gc=False`: these hold no cycles, and tracking them is what makes long stalls."""


class OwnerReference(Read, frozen=True):
    kind: str
    name: str
    uid: str
    controller: bool | None = None


class ObjectMeta(Read, frozen=True):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    generation: int = 0
    owner_references: list[OwnerReference] | None = None
    finalizers: list[str] | None = None


class ListMeta(Read, frozen=True):
    resource_version: str = ""
    more: str = field(name="continue", default="")


ItemT = TypeVar("ItemT")


class Page(Read, Generic[ItemT], frozen=True):
    """One page of a list."""

    metadata: ListMeta
    items: list[ItemT] | None


class WatchEvent(Read, frozen=True):
    """One line of a watch; the object is decoded when the type is known."""

    type: str
    object: msgspec.Raw


class BookmarkMeta(Read, frozen=True):
    resource_version: str


class Bookmark(Read, frozen=True):
    metadata: BookmarkMeta


class Status(Read, frozen=True):
    """An error body."""

    kind: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0


class Condition(Read, frozen=True):
    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None


# --- containers and pods ----------------------------------------------------------------------------------------------


class EnvVar(Read, frozen=True):
    """The value of a variable is not read: it may be a secret."""

    name: str


class Resources(Read, frozen=True):
    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class HttpGet(Read, frozen=True):
    port: int | str
    path: str = "/"
    scheme: str = "HTTP"


class TcpSocket(Read, frozen=True):
    port: int | str


class Grpc(Read, frozen=True):
    port: int
    service: str | None = None


class Exec(Read, frozen=True):
    """A command run in the container; its words are not read."""


class Probe(Read, frozen=True):
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    grpc: Grpc | None = None
    exec: Exec | None = None
    timeout_seconds: int = 1
    period_seconds: int = 10
    failure_threshold: int = 3
    initial_delay_seconds: int = 0


class ContainerSpec(Read, frozen=True):
    name: str
    image: str = ""
    env: list[EnvVar] | None = None
    resources: Resources | None = None
    restart_policy: str | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None


class StateWaiting(Read, frozen=True):
    reason: str | None = None
    message: str | None = None


class StateRunning(Read, frozen=True):
    started_at: str | None = None


class StateTerminated(Read, frozen=True):
    exit_code: int = 0
    signal: int = 0
    reason: str | None = None
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None


class ContainerState(Read, frozen=True):
    waiting: StateWaiting | None = None
    running: StateRunning | None = None
    terminated: StateTerminated | None = None


class ContainerStatus(Read, frozen=True):
    name: str
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodSpec(Read, frozen=True):
    containers: list[ContainerSpec] | None = None
    init_containers: list[ContainerSpec] | None = None
    node_name: str = ""


class PodStatus(Read, frozen=True):
    phase: str = ""
    reason: str | None = None
    message: str | None = None
    start_time: str | None = None
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Pod(Read, frozen=True):
    metadata: ObjectMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


# --- workloads --------------------------------------------------------------------------------------------------------


class PodTemplate(Read, frozen=True):
    spec: PodSpec = PodSpec()


class LabelSelector(Read, frozen=True):
    match_labels: dict[str, str] | None = None


class WorkloadSpec(Read, frozen=True):
    """The specification of a Deployment, StatefulSet, DaemonSet or ReplicaSet. `replicas` absent means one."""

    replicas: int | None = None
    paused: bool = False
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()


class WorkloadStatus(Read, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    conditions: list[Condition] | None = None


class Workload(Read, frozen=True):
    """A Deployment, StatefulSet or ReplicaSet."""

    metadata: ObjectMeta
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class DaemonSetStatus(Read, frozen=True):
    observed_generation: int = 0
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_ready: int = 0
    number_available: int = 0
    conditions: list[Condition] | None = None


class DaemonSet(Read, frozen=True):
    metadata: ObjectMeta
    spec: WorkloadSpec = WorkloadSpec()
    status: DaemonSetStatus = DaemonSetStatus()


class JobSpec(Read, frozen=True):
    suspend: bool | None = None
    backoff_limit: int | None = None


class JobStatus(Read, frozen=True):
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    conditions: list[Condition] | None = None


class Job(Read, frozen=True):
    metadata: ObjectMeta
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class ScaleTarget(Read, frozen=True):
    kind: str = ""
    name: str = ""


class AutoscalerSpec(Read, frozen=True):
    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int | None = None
    max_replicas: int = 1


class AutoscalerStatus(Read, frozen=True):
    current_replicas: int = 0
    desired_replicas: int = 0
    conditions: list[Condition] | None = None


class Autoscaler(Read, frozen=True):
    metadata: ObjectMeta
    spec: AutoscalerSpec = AutoscalerSpec()
    status: AutoscalerStatus = AutoscalerStatus()


# --- network, storage, nodes, events ----------------------------------------------------------------------------------


class ServicePort(Read, frozen=True):
    port: int
    name: str = ""
    target_port: int | str | None = None
    protocol: str = "TCP"


class ServiceSpec(Read, frozen=True):
    type: str = "ClusterIP"
    selector: dict[str, str] | None = None
    ports: list[ServicePort] | None = None


class Service(Read, frozen=True):
    metadata: ObjectMeta
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Read, frozen=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class ObjectReference(Read, frozen=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    field_path: str = ""


class Endpoint(Read, frozen=True):
    addresses: list[str] | None = None
    conditions: EndpointConditions = EndpointConditions()
    target_ref: ObjectReference | None = None


class EndpointSlice(Read, frozen=True):
    metadata: ObjectMeta
    endpoints: list[Endpoint] | None = None


class ClaimResources(Read, frozen=True):
    requests: dict[str, str | int | float] | None = None


class ClaimSpec(Read, frozen=True):
    storage_class_name: str | None = None
    volume_name: str = ""
    resources: ClaimResources = ClaimResources()


class ClaimStatus(Read, frozen=True):
    phase: str = ""


class Claim(Read, frozen=True):
    metadata: ObjectMeta
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


class Taint(Read, frozen=True):
    key: str
    effect: str
    value: str = ""


class NodeSpec(Read, frozen=True):
    unschedulable: bool = False
    taints: list[Taint] | None = None


class NodeStatus(Read, frozen=True):
    conditions: list[Condition] | None = None
    allocatable: dict[str, str | int | float] | None = None


class Node(Read, frozen=True):
    metadata: ObjectMeta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class EventSeries(Read, frozen=True):
    count: int = 0
    last_observed_time: str | None = None


class EventSource(Read, frozen=True):
    component: str = ""


class Event(Read, frozen=True):
    """An event of core/v1. Who writes through events.k8s.io leaves the old timestamps null and has no count."""

    metadata: ObjectMeta
    involved_object: ObjectReference = ObjectReference()
    reason: str | None = None
    message: str | None = None
    type: str | None = None
    count: int | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: EventSeries | None = None
    source: EventSource | None = None
    reporting_component: str | None = None
