"""What is read of the API's objects, and nothing else: fields not named here are skipped without being built.

Absent fields have the API's defaults; a list or map that the server may send as null is tolerated. `items` of a page
has no default, so that an error body never reads as an empty list. Quantities and times stay text here. Lists are
tuples where many objects say the same, so that what says the same is converted once and shared.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import field


class Read(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of all that is read. `gc=False`: these hold no cycles, and tracking them is what makes long stalls."""


Amount = str | int | float | None


class Amounts(Read, frozen=True):
    """A map of quantities: those that are read of it."""

    cpu: Amount = None
    memory: Amount = None
    storage: Amount = None
    pods: Amount = None


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


class ObjectReference(Read, frozen=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    field_path: str = ""


# --- storage, nodes, usage, events ------------------------------------------------------------------------------------


class ClaimResources(Read, frozen=True):
    requests: Amounts | None = None


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


class StorageClass(Read, frozen=True):
    metadata: ObjectMeta
    provisioner: str = ""
    volume_binding_mode: str | None = None


class Taint(Read, frozen=True):
    key: str
    effect: str
    value: str = ""


class NodeSpec(Read, frozen=True):
    unschedulable: bool = False
    taints: list[Taint] | None = None


class NodeInfo(Read, frozen=True):
    architecture: str = ""


class NodeStatus(Read, frozen=True):
    conditions: list[Condition] | None = None
    allocatable: Amounts | None = None
    node_info: NodeInfo = NodeInfo()


class Node(Read, frozen=True):
    metadata: ObjectMeta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class SampleMeta(Read, frozen=True):
    """Whose sample it is. Its labels are the pod's, and its creation is the time of the answer."""

    name: str
    namespace: str = ""


class NodeUsage(Read, frozen=True):
    """What the metrics API measured of a node."""

    metadata: SampleMeta
    timestamp: str | None = None
    window: str = ""
    usage: Amounts = Amounts()


class ContainerUsage(Read, frozen=True):
    name: str
    usage: Amounts = Amounts()


class PodUsage(Read, frozen=True):
    """What the metrics API measured of a pod; its containers come in no order, those that ended are left out."""

    metadata: SampleMeta
    timestamp: str | None = None
    window: str = ""
    containers: list[ContainerUsage] | None = None


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
