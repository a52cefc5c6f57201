"""What makes pods: Deployments, StatefulSets, DaemonSets, their revisions, autoscalers, jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.objects.meta import REVISION, Condition, Meta, no_labels
from bot.domain.objects.pods import Port, Probe, Reference, Role


@dataclass(frozen=True, slots=True)
class TemplateContainer:
    """One container of a pod template, as revisions are compared by it. Environment by name, never by value."""

    name: str
    image: str
    env_names: tuple[str, ...] = ()
    memory_limit: int | None = None
    cpu_limit_m: int | None = None
    cpu_request_m: int | None = None
    memory_request: int | None = None
    ports: tuple[Port, ...] = ()
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None
    role: Role = Role.REGULAR
    references: tuple[Reference, ...] = ()
    command: tuple[str, ...] = ()


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
    selector: Mapping[str, str] = field(default_factory=no_labels)
    containers: tuple[TemplateContainer, ...] = ()
    conditions: tuple[Condition, ...] = ()
    current_revision: str = ""
    update_revision: str = ""
    template_labels: Mapping[str, str] = field(default_factory=no_labels)
    template_restarted_at: datetime | None = None
    strategy: str = ""
    partition: int = 0
    progress_deadline_s: int | None = None
    service_account: str = ""

    @property
    def revision(self) -> int | None:
        text = self.meta.annotations.get(REVISION, "")
        return int(text) if text.isdecimal() else None

    @property
    def is_complete(self) -> bool:
        """Tell whether its roll-out is done: all pods that are wanted are of the template of now, and ready."""
        return (
            self.desired > 0
            and not self.paused
            and self.observed_generation >= self.meta.generation
            and self.updated == self.ready == self.desired
        )

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
    template_labels: Mapping[str, str] = field(default_factory=no_labels)
    template_restarted_at: datetime | None = None

    @property
    def revision(self) -> int | None:
        text = self.meta.annotations.get(REVISION, "")
        return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class AutoscalerMetric:
    """One metric of an autoscaler. `target` and `current` are percent of the request for `Utilization`, else None."""

    kind: str
    name: str
    container: str = ""
    target: int | None = None
    current: int | None = None


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
    metrics: tuple[AutoscalerMetric, ...] = ()
    scaled_at: datetime | None = None


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
    completions: int | None = None
    parallelism: int = 1
    deadline_s: int | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CronJob:
    """A schedule that makes jobs."""

    meta: Meta
    schedule: str
    suspended: bool = False
    active: int = 0
    last_scheduled_at: datetime | None = None
    last_successful_at: datetime | None = None
