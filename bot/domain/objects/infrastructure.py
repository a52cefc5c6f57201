"""Nodes, volumes, events, and what is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.objects.meta import Condition, Meta
from bot.domain.text import NO_TEXT, Redacted


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
    pods_allocatable: int = 0
    architecture: str = ""

    def condition(self, type_: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type_), None)

    @property
    def is_ready(self) -> bool:
        """Tell whether it does not say that it is not ready."""
        ready = self.condition("Ready")
        return ready is None or ready.status == "True"


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """What the pods of a node that have not finished ask for together, over all namespaces."""

    cpu_m: int = 0
    memory: int = 0
    pods: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A PersistentVolumeClaim."""

    meta: Meta
    phase: str = ""
    storage_class: str | None = None
    volume: str = ""
    requested: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClass:
    """A class of storage. `binding_mode` is `Immediate` or `WaitForFirstConsumer`."""

    meta: Meta
    provisioner: str = ""
    binding_mode: str = "Immediate"
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """What one container used over the sample's window: CPU in millicores, memory (working set) in bytes."""

    name: str
    cpu_m: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PodUsage:
    """A pod's sample of the metrics API, taken at `at` over `window_s` seconds."""

    meta: Meta
    at: datetime | None = None
    window_s: float = 0.0
    containers: tuple[ContainerUsage, ...] = ()

    @property
    def cpu_m(self) -> int:
        return sum(container.cpu_m for container in self.containers)

    @property
    def memory(self) -> int:
        return sum(container.memory for container in self.containers)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeUsage:
    """A node's sample of the metrics API."""

    meta: Meta
    at: datetime | None = None
    window_s: float = 0.0
    cpu_m: int = 0
    memory: int = 0
