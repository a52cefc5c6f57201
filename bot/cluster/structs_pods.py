"""What is read of pods, their specification and their status; see `bot.cluster.structs` for the rules."""

from __future__ import annotations

from msgspec import field

from bot.cluster.structs import Amounts, Condition, ObjectMeta, Read

# --- containers -------------------------------------------------------------------------------------------------------


class KeyReference(Read, frozen=True):
    name: str = ""
    key: str = ""
    optional: bool | None = None


class VariableSource(Read, frozen=True):
    config_map_key_ref: KeyReference | None = None
    secret_key_ref: KeyReference | None = None


class EnvVar(Read, frozen=True):
    """The value of a variable is not read: it may be a secret."""

    name: str
    value_from: VariableSource | None = None


class NameReference(Read, frozen=True):
    name: str = ""
    optional: bool | None = None


class EnvFrom(Read, frozen=True):
    config_map_ref: NameReference | None = None
    secret_ref: NameReference | None = None


class ContainerPort(Read, frozen=True):
    container_port: int = 0
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0


class Resources(Read, frozen=True):
    requests: Amounts | None = None
    limits: Amounts | None = None


class HttpGet(Read, frozen=True):
    port: int | str
    path: str = "/"
    scheme: str = "HTTP"


class TcpSocket(Read, frozen=True):
    port: int | str


class Grpc(Read, frozen=True):
    port: int


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
    """A container as specified. Hashable: the pods of a workload have equal ones."""

    name: str
    image: str = ""
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: tuple[EnvVar, ...] | None = None
    env_from: tuple[EnvFrom, ...] | None = None
    ports: tuple[ContainerPort, ...] | None = None
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
    image_id: str = field(name="imageID", default="")


# --- where a pod may run ----------------------------------------------------------------------------------------------


class NodeExpression(Read, frozen=True):
    key: str
    operator: str
    values: tuple[str, ...] | None = None


class NodeTerm(Read, frozen=True):
    match_expressions: tuple[NodeExpression, ...] | None = None
    match_fields: tuple[NodeExpression, ...] | None = None


class NodeTerms(Read, frozen=True):
    node_selector_terms: tuple[NodeTerm, ...] | None = None


class NodeAffinity(Read, frozen=True):
    required: NodeTerms | None = field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)


class Affinity(Read, frozen=True):
    node_affinity: NodeAffinity | None = None


class Toleration(Read, frozen=True):
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class SchedulingGate(Read, frozen=True):
    name: str


class ReadinessGate(Read, frozen=True):
    condition_type: str


# --- volumes ----------------------------------------------------------------------------------------------------------


class ClaimVolume(Read, frozen=True):
    claim_name: str = ""


class ConfigMapVolume(Read, frozen=True):
    name: str = ""
    optional: bool | None = None


class SecretVolume(Read, frozen=True):
    secret_name: str = ""
    optional: bool | None = None


class Projection(Read, frozen=True):
    """One source of a projected volume; here a secret is called by `name`."""

    config_map: ConfigMapVolume | None = None
    secret: NameReference | None = None


class ProjectedVolume(Read, frozen=True):
    sources: tuple[Projection, ...] | None = None


class Present(Read, frozen=True):
    """A source of which only its kind is read."""


class Volume(Read, frozen=True):
    name: str
    persistent_volume_claim: ClaimVolume | None = None
    ephemeral: Present | None = None
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    projected: ProjectedVolume | None = None
    empty_dir: Present | None = None
    host_path: Present | None = None
    downward_api: Present | None = field(name="downwardAPI", default=None)
    csi: Present | None = None
    nfs: Present | None = None
    image: Present | None = None


# --- pods -------------------------------------------------------------------------------------------------------------


class PodSpec(Read, frozen=True):
    """The specification of a pod, or of a pod template."""

    containers: tuple[ContainerSpec, ...] | None = None
    init_containers: tuple[ContainerSpec, ...] | None = None
    node_name: str = ""
    node_selector: dict[str, str] | None = None
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    scheduling_gates: tuple[SchedulingGate, ...] | None = None
    readiness_gates: tuple[ReadinessGate, ...] | None = None
    host_network: bool = False
    restart_policy: str = "Always"
    service_account_name: str = ""
    active_deadline_seconds: int | None = None


class PodStatus(Read, frozen=True):
    phase: str = ""
    reason: str | None = None
    message: str | None = None
    start_time: str | None = None
    nominated_node_name: str = ""
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Pod(Read, frozen=True):
    metadata: ObjectMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()
