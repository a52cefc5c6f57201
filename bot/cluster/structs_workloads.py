"""What is read of what makes pods and of what scales them; see `bot.cluster.structs` for the rules."""

from __future__ import annotations

from bot.cluster.structs import Condition, ObjectMeta, ObjectReference, Read
from bot.cluster.structs_pods import ContainerSpec

# --- what makes pods --------------------------------------------------------------------------------------------------


class TemplateMeta(Read, frozen=True):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class TemplateSpec(Read, frozen=True):
    containers: tuple[ContainerSpec, ...] | None = None
    init_containers: tuple[ContainerSpec, ...] | None = None
    service_account_name: str = ""


class PodTemplate(Read, frozen=True):
    metadata: TemplateMeta = TemplateMeta()
    spec: TemplateSpec = TemplateSpec()


class LabelSelector(Read, frozen=True):
    match_labels: dict[str, str] | None = None


class RollingUpdate(Read, frozen=True):
    partition: int | None = None


class Strategy(Read, frozen=True):
    type: str = ""
    rolling_update: RollingUpdate | None = None


class WorkloadSpec(Read, frozen=True):
    """The specification of a Deployment, StatefulSet, DaemonSet or ReplicaSet. `replicas` absent means one.

    A Deployment has a `strategy`; a StatefulSet and a DaemonSet call it `updateStrategy`.
    """

    replicas: int | None = None
    paused: bool = False
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    strategy: Strategy | None = None
    update_strategy: Strategy | None = None
    progress_deadline_seconds: int | None = None


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
    completions: int | None = None
    parallelism: int | None = None
    active_deadline_seconds: int | None = None


class JobStatus(Read, frozen=True):
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    start_time: str | None = None
    completion_time: str | None = None
    conditions: list[Condition] | None = None


class Job(Read, frozen=True):
    metadata: ObjectMeta
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class CronJobSpec(Read, frozen=True):
    schedule: str = ""
    suspend: bool | None = None


class CronJobStatus(Read, frozen=True):
    active: list[ObjectReference] | None = None
    last_schedule_time: str | None = None
    last_successful_time: str | None = None


class CronJob(Read, frozen=True):
    metadata: ObjectMeta
    spec: CronJobSpec = CronJobSpec()
    status: CronJobStatus = CronJobStatus()


# --- what scales them -------------------------------------------------------------------------------------------------


class ScaleTarget(Read, frozen=True):
    kind: str = ""
    name: str = ""


class MetricName(Read, frozen=True):
    name: str = ""


class MetricAmount(Read, frozen=True):
    """A target, or a current value; only a share of the request is a number that we read."""

    average_utilization: int | None = None


class MetricSource(Read, frozen=True):
    """A metric, wherever it comes from: those of containers have a `name`, the others a `metric`."""

    name: str = ""
    container: str = ""
    metric: MetricName | None = None
    target: MetricAmount = MetricAmount()
    current: MetricAmount = MetricAmount()


class Metric(Read, frozen=True):
    """One metric of the specification or of the status. The server has been seen to send `{"type": ""}`."""

    type: str = ""
    resource: MetricSource | None = None
    container_resource: MetricSource | None = None
    pods: MetricSource | None = None
    object: MetricSource | None = None
    external: MetricSource | None = None

    @property
    def source(self) -> MetricSource | None:
        return self.resource or self.container_resource or self.pods or self.object or self.external


class AutoscalerSpec(Read, frozen=True):
    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int | None = None
    max_replicas: int = 1
    metrics: list[Metric] | None = None


class AutoscalerStatus(Read, frozen=True):
    current_replicas: int = 0
    desired_replicas: int = 0
    last_scale_time: str | None = None
    current_metrics: list[Metric] | None = None
    conditions: list[Condition] | None = None


class Autoscaler(Read, frozen=True):
    metadata: ObjectMeta
    spec: AutoscalerSpec = AutoscalerSpec()
    status: AutoscalerStatus = AutoscalerStatus()
