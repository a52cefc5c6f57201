"""Structs -> domain records: what every object has, storage, nodes, usage, events. Cluster text is redacted on the way.

What many objects say alike is converted once and shared: thousands of pods must cost little memory and little time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from types import MappingProxyType

from bot.cluster import structs
from bot.cluster.structs import Amount
from bot.cluster.times import parse_duration, parse_time
from bot.cluster.words import labels, name, names, shared, word, words
from bot.domain import objects
from bot.domain.live import MARKER
from bot.domain.quantities import millicores, whole

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
IS_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# Which revision it is and why; who else writes the object (Argo CD, Flux, Helm) and which request of ours did; which
# container is the main one.
_READ_ANNOTATIONS = (
    objects.REVISION,
    objects.CHANGE_CAUSE,
    "argocd.argoproj.io/tracking-id",
    "kustomize.toolkit.fluxcd.io/name",
    "meta.helm.sh/release-name",
    MARKER,
    DEFAULT_CONTAINER,
)
_CONTAINER_PATH = re.compile(r"spec\.(?:initContainers|containers|ephemeralContainers)\{(?P<container>[^}]+)\}.*")
_OLD_IS_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class"


def cpu_of(said: Amount) -> int | None:
    """Return millicores; None when it is not said, or not readable."""
    try:
        return None if said is None else millicores(str(said))
    except ValueError:
        return None


def amount_of(said: Amount) -> int | None:
    """Return an amount in its own unit: bytes, pods; None when it is not said, or not readable."""
    try:
        return None if said is None else whole(str(said))
    except ValueError:
        return None


def to_meta(meta: structs.ObjectMeta) -> objects.Meta:
    """Convert what every object has."""
    owner = next((o for o in meta.owner_references or () if o.controller), None)
    said = meta.annotations
    kept = {key: str(words(said[key])) for key in _READ_ANNOTATIONS if key in said} if said else None
    return objects.Meta(
        name=name(meta.name),
        namespace=shared(meta.namespace),
        uid=name(meta.uid),
        created_at=parse_time(meta.creation_timestamp),
        deleted_at=parse_time(meta.deletion_timestamp),
        labels=labels(meta.labels),
        annotations=MappingProxyType(kept) if kept else objects.EMPTY,
        generation=meta.generation,
        owner=None if owner is None else _owner(owner),
        finalizers=names(meta.finalizers) if meta.finalizers else (),
    )


@lru_cache(maxsize=2048)
def _owner(owner: structs.OwnerReference) -> objects.Owner:
    return objects.Owner(shared(owner.kind), name(owner.name), name(owner.uid))


def to_conditions(conditions: Sequence[structs.Condition] | None) -> tuple[objects.Condition, ...]:
    """Convert `status.conditions`."""
    if not conditions:
        return ()
    return tuple(_condition(each) if each.message else _silent_condition(each) for each in conditions)


def _condition(condition: structs.Condition) -> objects.Condition:
    return objects.Condition(
        type=shared(condition.type),
        status=shared(condition.status),
        reason=word(condition.reason),
        message=words(condition.message),
        changed_at=parse_time(condition.last_transition_time),
    )


_silent_condition = lru_cache(maxsize=4096)(_condition)


# --- storage and nodes ------------------------------------------------------------------------------------------------


def to_claim(claim: structs.Claim) -> objects.Claim:
    """Convert a volume claim."""
    storage_class, requests = claim.spec.storage_class_name, claim.spec.resources.requests
    return objects.Claim(
        meta=to_meta(claim.metadata),
        phase=shared(claim.status.phase),
        storage_class=None if storage_class is None else shared(storage_class),
        volume=name(claim.spec.volume_name),
        requested=(amount_of(requests.storage) or 0) if requests is not None else 0,
    )


def to_storage_class(storage_class: structs.StorageClass) -> objects.StorageClass:
    """Convert a storage class; the default one is marked by an annotation."""
    said = storage_class.metadata.annotations or {}
    return objects.StorageClass(
        meta=to_meta(storage_class.metadata),
        provisioner=name(storage_class.provisioner),
        binding_mode=shared(storage_class.volume_binding_mode) or "Immediate",
        is_default="true" in (said.get(IS_DEFAULT_CLASS), said.get(_OLD_IS_DEFAULT_CLASS)),
    )


def to_node(node: structs.Node) -> objects.Node:
    """Convert a node."""
    gives = node.status.allocatable or structs.Amounts()
    return objects.Node(
        meta=to_meta(node.metadata),
        unschedulable=node.spec.unschedulable,
        conditions=to_conditions(node.status.conditions),
        taints=tuple(objects.Taint(shared(t.key), shared(t.effect), shared(t.value)) for t in node.spec.taints or ()),
        cpu_allocatable_m=cpu_of(gives.cpu) or 0,
        memory_allocatable=amount_of(gives.memory) or 0,
        pods_allocatable=amount_of(gives.pods) or 0,
        architecture=shared(node.status.node_info.architecture),
    )


# --- usage ------------------------------------------------------------------------------------------------------------


def _whose(meta: structs.SampleMeta) -> objects.Meta:
    return objects.Meta(name=name(meta.name), namespace=shared(meta.namespace), uid="")


def to_pod_usage(usage: structs.PodUsage) -> objects.PodUsage:
    """Convert what the metrics API measured of a pod."""
    return objects.PodUsage(
        meta=_whose(usage.metadata),
        at=parse_time(usage.timestamp),
        window_s=parse_duration(usage.window),
        containers=tuple(
            objects.ContainerUsage(
                name=shared(container.name),
                cpu_m=cpu_of(container.usage.cpu) or 0,
                memory=amount_of(container.usage.memory) or 0,
            )
            for container in usage.containers or ()
        ),
    )


def to_node_usage(usage: structs.NodeUsage) -> objects.NodeUsage:
    """Convert what the metrics API measured of a node."""
    return objects.NodeUsage(
        meta=_whose(usage.metadata),
        at=parse_time(usage.timestamp),
        window_s=parse_duration(usage.window),
        cpu_m=cpu_of(usage.usage.cpu) or 0,
        memory=amount_of(usage.usage.memory) or 0,
    )


# --- events -----------------------------------------------------------------------------------------------------------


def to_event(event: structs.Event) -> objects.Event:
    """Convert an event. Its true time is the series', else `lastTimestamp`, else `eventTime`, as kubectl has it."""
    about, series, source = event.involved_object, event.series, event.source
    path = _CONTAINER_PATH.fullmatch(about.field_path)
    last = parse_time(series.last_observed_time) if series is not None else None
    first = parse_time(event.first_timestamp) or parse_time(event.event_time)
    return objects.Event(
        meta=to_meta(event.metadata),
        about_kind=shared(about.kind),
        about_name=shared(about.name),
        about_uid=shared(about.uid),
        reason=word(event.reason),
        message=words(event.message),
        type=shared(event.type) or "Normal",
        count=(series.count if series is not None else 0) or event.count or 1,
        first_at=first,
        at=last or parse_time(event.last_timestamp) or parse_time(event.event_time) or first,
        container=shared(path["container"]) if path else "",
        source=shared((source.component if source is not None else "") or event.reporting_component),
    )
