"""A Deployment's revisions, which are its ReplicaSets: which works, which has a number, when it was rolled out."""

from __future__ import annotations

from datetime import datetime

from bot.diagnosis.index import Index
from bot.domain.objects import ReplicaSet, Workload


def working_replica_set(index: Index, workload: Workload, *, other_than: int | None) -> ReplicaSet | None:
    """Return the newest revision with ready pods, other than the one named."""
    candidates = [
        replica_set
        for replica_set in index.replica_sets_of(workload)
        if replica_set.ready > 0 and replica_set.revision not in (None, other_than)
    ]
    return max(candidates, key=lambda replica_set: replica_set.revision or 0, default=None)


def replica_set_of_revision(index: Index, workload: Workload, revision: int) -> ReplicaSet | None:
    return next((found for found in index.replica_sets_of(workload) if found.revision == revision), None)


def revision_began(index: Index, workload: Workload, replica_set: ReplicaSet) -> datetime | None:
    """Return when a revision was (last) rolled out: its scaling up from nothing, else its creation.

    A revision that was rolled back to is older than its present life. Then only the event tells, while it lives;
    None when it does not.
    """
    ups = [
        event
        for event in index.events(workload.meta.uid, "ScalingReplicaSet")
        if event.at is not None and f"Scaled up replica set {replica_set.meta.name} " in event.message
    ]
    from_nothing = [event.at for event in ups if " from 0 to " in event.message and event.at is not None]
    if from_nothing:
        return max(from_nothing)
    created = replica_set.meta.created_at
    if created is None or _is_used_again(index, workload, replica_set):
        return None
    return min([event.at for event in ups if event.at is not None], default=created)


def _is_used_again(index: Index, workload: Workload, replica_set: ReplicaSet) -> bool:
    """Tell a revision that was rolled back to: one of a lower number was made after it."""
    created, number = replica_set.meta.created_at, replica_set.revision or 0
    return created is not None and any(
        other.meta.created_at is not None and other.meta.created_at > created and (other.revision or 0) < number
        for other in index.replica_sets_of(workload)
    )
