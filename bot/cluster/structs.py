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
