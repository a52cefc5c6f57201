"""What is read of pods, of what makes them and of what scales them; see `bot.cluster.structs` for the rules."""

from __future__ import annotations

from bot.cluster.structs import Condition, ObjectMeta, Read


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
