"""What was seen of one namespace at one moment, part by part, with the age of each part.

A part that could not be read is *missing with a reason*, never an empty list that looks healthy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from bot.domain.objects import (
    Autoscaler,
    Claim,
    CronJob,
    Endpoint,
    EndpointSlice,
    Event,
    Ingress,
    Job,
    Node,
    NodeLoad,
    NodeUsage,
    Pod,
    PodUsage,
    ReplicaSet,
    Service,
    StorageClass,
    Workload,
)
from bot.domain.targets import Scope
from bot.domain.text import Redacted

__all__ = ["ALL_PARTS", "Endpoint", "Freshness", "LogExcerpt", "LogKey", "Part", "PartStatus", "Snapshot"]


class Part(StrEnum):
    """One kind of thing a snapshot is made of; the value is what people read."""

    PODS = "pods"
    DEPLOYMENTS = "deployments"
    STATEFUL_SETS = "stateful sets"
    DAEMON_SETS = "daemon sets"
    REPLICA_SETS = "replica sets"
    SERVICES = "services"
    ENDPOINT_SLICES = "endpoint slices"
    AUTOSCALERS = "autoscalers"
    EVENTS = "events"
    NODES = "nodes"
    CLAIMS = "volume claims"
    JOBS = "jobs"
    CRON_JOBS = "cron jobs"
    INGRESSES = "ingresses"
    STORAGE_CLASSES = "storage classes"
    POD_METRICS = "pod metrics"
    NODE_METRICS = "node metrics"


ALL_PARTS = frozenset(Part)
_SAMPLES = frozenset({Part.POD_METRICS, Part.NODE_METRICS})


class Freshness(StrEnum):
    """How far a part can be trusted."""

    LIVE = "live"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """State of one part: `as_of` is the last moment it was known to be true; `reason` says why it is not live."""

    freshness: Freshness
    as_of: datetime | None = None
    reason: str = ""


_NOT_ASKED_FOR = PartStatus(Freshness.MISSING, reason="not asked for")


@dataclass(frozen=True, slots=True)
class LogKey:
    """One run of one container: its current log, or that of the run before."""

    pod: str
    container: str
    previous: bool


@dataclass(frozen=True, slots=True)
class LogExcerpt:
    """The last lines of a log, redacted, oldest first. `problem` says why there is none."""

    lines: tuple[Redacted, ...] = ()
    problem: str = ""
    masked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which part of one log is wanted: its last `tail` lines, of the last `since_s` seconds if given."""

    key: LogKey
    tail: int
    since_s: int | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line with the time at which the container wrote it (None where the kubelet gave none)."""

    at: datetime | None
    text: Redacted


@dataclass(frozen=True, slots=True)
class LogRead:
    """What was read of one log, oldest first. `problem` says why there is none or not all of it."""

    lines: tuple[LogLine, ...] = ()
    problem: str = ""
    masked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that was read for one answer.

    Pods' logs and the load of the nodes (by name; None: not read) are added once the diagnosis has said that it needs
    them.
    """

    scope: Scope
    observed_at: datetime
    parts: Mapping[Part, PartStatus]
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    replica_sets: tuple[ReplicaSet, ...] = ()
    services: tuple[Service, ...] = ()
    endpoint_slices: tuple[EndpointSlice, ...] = ()
    autoscalers: tuple[Autoscaler, ...] = ()
    events: tuple[Event, ...] = ()
    nodes: tuple[Node, ...] = ()
    claims: tuple[Claim, ...] = ()
    jobs: tuple[Job, ...] = ()
    cron_jobs: tuple[CronJob, ...] = ()
    ingresses: tuple[Ingress, ...] = ()
    storage_classes: tuple[StorageClass, ...] = ()
    pod_usage: tuple[PodUsage, ...] = ()
    node_usage: tuple[NodeUsage, ...] = ()
    node_load: Mapping[str, NodeLoad] | None = None
    logs: Mapping[LogKey, LogExcerpt] = field(default_factory=lambda: MappingProxyType({}))

    def status(self, part: Part) -> PartStatus:
        """Say how fresh `part` is; a part nobody asked for is missing."""
        return self.parts.get(part, _NOT_ASKED_FOR)

    def has(self, part: Part) -> bool:
        """Tell whether `part` was read at all, live or stale."""
        return self.status(part).freshness is not Freshness.MISSING

    @property
    def as_of(self) -> datetime:
        """The age of the oldest part that was read: what an answer may claim to know.

        Measurements do not count: they are always some seconds old, and each tells its own time.
        """
        known = [state.as_of for part, state in self.parts.items() if state.as_of is not None and part not in _SAMPLES]
        return min(known, default=self.observed_at)

    @property
    def age(self) -> timedelta:
        return max(self.observed_at - self.as_of, timedelta())
