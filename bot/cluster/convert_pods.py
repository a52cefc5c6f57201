"""Structs -> domain records: pods. Cluster text is redacted on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from bot.cluster import structs_pods as structs
from bot.cluster.convert import to_conditions, to_meta
from bot.cluster.convert_containers import role_of, to_container
from bot.cluster.times import parse_time
from bot.cluster.words import labels, name, names, shared, word, words
from bot.domain import objects

_OTHER_SOURCES = (
    ("EmptyDir", "empty_dir"),
    ("HostPath", "host_path"),
    ("DownwardAPI", "downward_api"),
    ("CSI", "csi"),
    ("NFS", "nfs"),
    ("Image", "image"),
)


def to_pod(pod: structs.Pod) -> objects.Pod:
    """Convert a pod: init containers and sidecars first, then the regular ones, each with its status."""
    spec, status = pod.spec, pod.status
    return objects.Pod(
        meta=to_meta(pod.metadata),
        phase=shared(status.phase),
        reason=word(status.reason),
        message=words(status.message),
        node=shared(spec.node_name),
        containers=(
            *_containers(spec.init_containers, status.init_container_statuses, initial=True),
            *_containers(spec.containers, status.container_statuses, initial=False),
        ),
        conditions=to_conditions(status.conditions),
        started_at=parse_time(status.start_time),
        node_selector=labels(spec.node_selector),
        node_terms=() if spec.affinity is None else _node_terms(spec.affinity),
        tolerations=() if not spec.tolerations else _tolerations(spec.tolerations),
        volumes=tuple(_volumes(spec.volumes, pod.metadata.name)) if spec.volumes else (),
        scheduling_gates=names(gate.name for gate in spec.scheduling_gates or ()),
        readiness_gates=names(gate.condition_type for gate in spec.readiness_gates or ()),
        host_network=spec.host_network,
        restart_policy=shared(spec.restart_policy),
        service_account=shared(spec.service_account_name),
        deadline_s=spec.active_deadline_seconds,
        nominated_node=shared(status.nominated_node_name),
    )


def _containers(
    specs: Sequence[structs.ContainerSpec] | None,
    statuses: Sequence[structs.ContainerStatus] | None,
    *,
    initial: bool,
) -> Iterator[objects.Container]:
    by_name = {status.name: status for status in statuses or ()}
    for spec in specs or ():
        yield to_container(spec, role_of(spec, initial=initial), by_name.get(spec.name))


# --- where it may run -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _node_terms(affinity: structs.Affinity) -> tuple[tuple[objects.NodeRequirement, ...], ...]:
    """Convert the terms of which a node must meet one. Fields (`metadata.name`) stand beside labels."""
    said = affinity.node_affinity
    terms = said.required.node_selector_terms if said is not None and said.required is not None else None
    return tuple(
        tuple(
            objects.NodeRequirement(shared(each.key), shared(each.operator), names(each.values or ()))
            for each in (*(term.match_expressions or ()), *(term.match_fields or ()))
        )
        for term in terms or ()
    )


@lru_cache(maxsize=512)
def _tolerations(tolerations: tuple[structs.Toleration, ...]) -> tuple[objects.Toleration, ...]:
    return tuple(
        objects.Toleration(shared(each.key), shared(each.operator) or "Equal", shared(each.value), shared(each.effect))
        for each in tolerations
    )


# --- volumes ----------------------------------------------------------------------------------------------------------


def _volumes(volumes: Iterable[structs.Volume], pod: str) -> Iterator[objects.Volume]:
    """Convert volumes; a projected one becomes one record for each config map and secret that it names."""
    for volume in volumes:
        if volume.projected is not None:
            yield from _projected(volume.name, volume.projected)
        elif volume.ephemeral is not None:  # its claim is made for this pod, under this name
            yield objects.Volume(shared(volume.name), "PersistentVolumeClaim", name(f"{pod}-{volume.name}"))
        else:
            yield _volume(volume)


@lru_cache(maxsize=1024)
def _volume(volume: structs.Volume) -> objects.Volume:
    called = shared(volume.name)
    if volume.persistent_volume_claim is not None:
        return objects.Volume(called, "PersistentVolumeClaim", shared(volume.persistent_volume_claim.claim_name))
    if volume.config_map is not None:
        said = volume.config_map
        return objects.Volume(called, "ConfigMap", shared(said.name), optional=bool(said.optional))
    if volume.secret is not None:
        return objects.Volume(
            called, "Secret", shared(volume.secret.secret_name), optional=bool(volume.secret.optional)
        )
    kinds = (kind for kind, field in _OTHER_SOURCES if getattr(volume, field) is not None)
    return objects.Volume(called, next(kinds, "other"))


def _projected(volume: str, projected: structs.ProjectedVolume) -> Iterator[objects.Volume]:
    called, is_named = name(volume), False
    for source in projected.sources or ():
        for kind, named in (("ConfigMap", source.config_map), ("Secret", source.secret)):
            if named is not None:
                is_named = True
                yield objects.Volume(called, kind, shared(named.name), optional=bool(named.optional))
    if not is_named:
        yield objects.Volume(called, "Projected")
