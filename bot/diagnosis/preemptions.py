"""Who was preempted lately: pods that the scheduler removed to make room for others.

They are mostly gone at once, so that only events tell of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.diagnosis.index import Index
from bot.domain.objects import Workload
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted

# What was preempted longer ago does not explain what is missing now.
RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Victim:
    """A pod that was removed, and the words about it."""

    name: str
    words: Redacted
    at: datetime | None


def victims_of(index: Index) -> Mapping[ObjectRef, Sequence[Victim]]:
    """Return the pods that were preempted in the last hour, of the workloads that lack some now."""
    if all(workload.ready >= workload.desired for workload in index.snapshot.workloads):
        return {}
    victims: dict[ObjectRef, dict[str, Victim]] = defaultdict(dict)
    for workload, victim in (*_still_there(index), *_gone(index)):
        if workload.ready < workload.desired:
            victims[index.ref(workload)].setdefault(victim.name, victim)
    return {target: tuple(by_name.values()) for target, by_name in victims.items()}


def _still_there(index: Index) -> Iterable[tuple[Workload, Victim]]:
    for pod in index.disrupted:
        condition, workload = pod.condition("DisruptionTarget"), index.workload_of(pod)
        if workload is None or condition is None or condition.reason != "PreemptionByScheduler":
            continue
        if condition.changed_at is None or index.now - condition.changed_at <= RECENT:
            yield workload, Victim(pod.meta.name, condition.message, condition.changed_at)


def _gone(index: Index) -> Iterable[tuple[Workload, Victim]]:
    """Find the workload of a pod that is gone by the name of the revision that its own name begins with."""
    if not index.preemptions:
        return
    owners = {replica_set.meta.name: replica_set.meta.owner for replica_set in index.snapshot.replica_sets}
    for event in index.preemptions:
        if event.about_kind != "Pod" or event.at is None:
            continue
        owner = owners.get(event.about_name.rpartition("-")[0])
        workload = index.workload_by_uid.get(owner.uid) if owner is not None else None
        if workload is not None and index.now - event.at <= RECENT:
            yield workload, Victim(event.about_name, event.message, event.at)
