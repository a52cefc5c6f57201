"""Structs -> domain records, for everything but pods and workloads. Cluster text is redacted on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.cluster import structs
from bot.cluster.quantities import millicores, whole
from bot.cluster.times import parse_time
from bot.cluster.words import labels, name, names, words
from bot.domain import objects

Amounts = Mapping[str, str | int | float] | None

_READ_ANNOTATIONS = (objects.REVISION, objects.CHANGE_CAUSE)
_CONTAINER_PATH = re.compile(r"spec\.(?:initContainers|containers|ephemeralContainers)\{(?P<container>[^}]+)\}.*")
_SERVICE_OF_SLICE = "kubernetes.io/service-name"


def amount_of_cpu(amounts: Amounts, resource: str = "cpu") -> int | None:
    """Return millicores; None when it is not said, or not readable."""
    said = (amounts or {}).get(resource)
    try:
        return None if said is None else millicores(str(said))
    except ValueError:
        return None


def amount_of(amounts: Amounts, resource: str) -> int | None:
    """Return bytes; None when it is not said, or not readable."""
    said = (amounts or {}).get(resource)
    try:
        return None if said is None else whole(str(said))
    except ValueError:
        return None


def to_meta(meta: structs.ObjectMeta) -> objects.Meta:
    """Convert what every object has."""
    owner = next((o for o in meta.owner_references or () if o.controller), None)
    said = meta.annotations or {}
    kept = {key: str(words(said[key])) for key in _READ_ANNOTATIONS if key in said}
    return objects.Meta(
        name=name(meta.name),
        namespace=name(meta.namespace),
        uid=name(meta.uid),
        created_at=parse_time(meta.creation_timestamp),
        deleted_at=parse_time(meta.deletion_timestamp),
        labels=labels(meta.labels),
        annotations=MappingProxyType(kept) if kept else objects.EMPTY,
        generation=meta.generation,
        owner=None if owner is None else objects.Owner(name(owner.kind), name(owner.name), name(owner.uid)),
        finalizers=names(meta.finalizers or ()),
    )


def to_conditions(conditions: Sequence[structs.Condition] | None) -> tuple[objects.Condition, ...]:
    """Convert `status.conditions`."""
    return tuple(
        objects.Condition(
            type=name(condition.type),
            status=name(condition.status),
            reason=words(condition.reason),
            message=words(condition.message),
            changed_at=parse_time(condition.last_transition_time),
        )
        for condition in conditions or ()
    )


def to_service(service: structs.Service) -> objects.Service:
    """Convert a service; a port without a target sends to its own number."""
    return objects.Service(
        meta=to_meta(service.metadata),
        type=name(service.spec.type),
        selector=labels(service.spec.selector),
        ports=tuple(
            objects.ServicePort(
                port=port.port,
                target=name(str(port.port if port.target_port is None else port.target_port)),
                name=name(port.name),
                protocol=name(port.protocol),
            )
            for port in service.spec.ports or ()
        ),
    )


def to_endpoint_slice(endpoint_slice: structs.EndpointSlice) -> objects.EndpointSlice:
    """Convert an endpoint slice. A condition that is not said means ready, serving and not terminating."""
    meta = to_meta(endpoint_slice.metadata)
    return objects.EndpointSlice(
        meta=meta,
        service=meta.labels.get(_SERVICE_OF_SLICE, ""),
        endpoints=tuple(_endpoint(endpoint) for endpoint in endpoint_slice.endpoints or ()),
    )


def _endpoint(endpoint: structs.Endpoint) -> objects.Endpoint:
    said, target = endpoint.conditions, endpoint.target_ref
    ready = said.ready is not False
    return objects.Endpoint(
        addresses=names(endpoint.addresses or ()),
        ready=ready,
        serving=ready if said.serving is None else said.serving,
        terminating=bool(said.terminating),
        pod=name(target.name) if target is not None and target.kind == "Pod" else "",
    )


def to_claim(claim: structs.Claim) -> objects.Claim:
    """Convert a volume claim."""
    storage_class = claim.spec.storage_class_name
    return objects.Claim(
        meta=to_meta(claim.metadata),
        phase=name(claim.status.phase),
        storage_class=None if storage_class is None else name(storage_class),
        volume=name(claim.spec.volume_name),
        requested=amount_of(claim.spec.resources.requests, "storage") or 0,
    )


def to_node(node: structs.Node) -> objects.Node:
    """Convert a node."""
    return objects.Node(
        meta=to_meta(node.metadata),
        unschedulable=node.spec.unschedulable,
        conditions=to_conditions(node.status.conditions),
        taints=tuple(objects.Taint(name(t.key), name(t.effect), name(t.value)) for t in node.spec.taints or ()),
        cpu_allocatable_m=amount_of_cpu(node.status.allocatable) or 0,
        memory_allocatable=amount_of(node.status.allocatable, "memory") or 0,
    )


def to_event(event: structs.Event) -> objects.Event:
    """Convert an event. Its true time is the series', else `lastTimestamp`, else `eventTime`, as kubectl has it."""
    about, series, source = event.involved_object, event.series, event.source
    path = _CONTAINER_PATH.fullmatch(about.field_path)
    last = parse_time(series.last_observed_time) if series is not None else None
    first = parse_time(event.first_timestamp) or parse_time(event.event_time)
    return objects.Event(
        meta=to_meta(event.metadata),
        about_kind=name(about.kind),
        about_name=name(about.name),
        about_uid=name(about.uid),
        reason=words(event.reason),
        message=words(event.message),
        type=name(event.type) or "Normal",
        count=(series.count if series is not None else 0) or event.count or 1,
        first_at=first,
        at=last or parse_time(event.last_timestamp) or parse_time(event.event_time) or first,
        container=name(path["container"]) if path else "",
        source=name((source.component if source is not None else "") or event.reporting_component),
    )
