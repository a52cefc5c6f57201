"""Pods and their containers: the specification and the status together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.objects.meta import Condition, Meta, no_labels
from bot.domain.text import NO_TEXT, Redacted


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
    kind: str = ""
    port: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a container declares. Declaring is informational: what listens is up to the program."""

    number: int
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """A config map or secret that a container's environment names; `key` is empty for a whole one (`envFrom`)."""

    kind: str
    name: str
    key: str = ""
    variable: str = ""
    optional: bool = False


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
    ports: tuple[Port, ...] = ()
    references: tuple[Reference, ...] = ()
    command: tuple[str, ...] = ()
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class NodeRequirement:
    """One expression of a required node affinity: `key In (values)`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint that a pod tolerates; an empty key with `Exists` tolerates all, an empty effect every effect."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a pod: what kind of source, and the name of the claim, config map or secret it names."""

    name: str
    kind: str
    source: str = ""
    optional: bool = False


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
    node_selector: Mapping[str, str] = field(default_factory=no_labels)
    node_terms: tuple[tuple[NodeRequirement, ...], ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    volumes: tuple[Volume, ...] = ()
    scheduling_gates: tuple[str, ...] = ()
    readiness_gates: tuple[str, ...] = ()
    host_network: bool = False
    restart_policy: str = "Always"
    service_account: str = ""
    deadline_s: int | None = None
    nominated_node: str = ""

    @property
    def is_ready(self) -> bool:
        ready = self.condition("Ready")
        return ready is not None and ready.status == "True"

    @property
    def is_finished(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def restarts(self) -> int:
        return sum(container.restart_count for container in self.containers)

    def condition(self, type_: str) -> Condition | None:
        for condition in self.conditions:  # a loop, for this is asked of thousands of pods for one answer
            if condition.type == type_:
                return condition
        return None
