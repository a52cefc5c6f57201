"""Events in their true order: those of an object, of what owns it, of its node and its claims, as one timeline.

Events are rate limited and live an hour after their last update: their number and their silence prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bot.diagnosis.index import Index
from bot.domain.objects import Event, Pod, Workload

_NEVER = datetime.min.replace(tzinfo=UTC)


def related_uids(index: Index, subject: Pod | Workload) -> list[str]:
    """Return the uids of an object's story: itself, its owners, its pods, their nodes and claims."""
    if isinstance(subject, Workload):
        pods = index.pods_of(subject)
        sets = index.replica_sets_of(subject)
        own = [subject.meta.uid, *(found.meta.uid for found in sets), *(pod.meta.uid for pod in pods)]
        scalers = [scaler.meta.uid for scaler in index.autoscalers_of(subject)]
        return [*own, *scalers, *_around(index, pods)]
    workload, replica_set = index.workload_of(subject), index.replica_set_of(subject)
    owners = [owner.meta.uid for owner in (workload, replica_set) if owner is not None]
    direct = [subject.meta.owner.uid] if subject.meta.owner is not None else []  # a job, or a kind that is not read
    return [subject.meta.uid, *owners, *direct, *_around(index, [subject])]


def _around(index: Index, pods: Sequence[Pod]) -> Iterable[str]:
    """Return the uids of the pods' nodes (events about nodes name them by node name) and claims."""
    nodes = {pod.node for pod in pods if pod.node}
    claims = {volume.source for pod in pods for volume in pod.volumes if volume.kind == "PersistentVolumeClaim"}
    yield from nodes
    yield from (index.node_by_name[node].meta.uid for node in nodes if node in index.node_by_name)
    yield from (claim.meta.uid for claim in index.snapshot.claims if claim.meta.name in claims)


def timeline(index: Index, uids: Iterable[str], *, most: int) -> list[Event]:
    """Return the newest `most` events about these objects, oldest of them first; each event once."""
    seen = {event.meta.uid: event for uid in uids for event in index.events_by_uid.get(uid, ())}
    ordered = sorted(seen.values(), key=lambda event: (event.at or _NEVER, event.meta.name))
    return ordered[-most:]
