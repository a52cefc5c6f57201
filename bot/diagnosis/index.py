"""A snapshot, indexed: whose pod is this, which revision, which events, what still works."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

from bot.domain.objects import Event, Pod, ReplicaSet, Workload
from bot.domain.snapshot import LogExcerpt, LogKey, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted


class Index:
    """Look-ups over one snapshot. Built once for a diagnosis; nothing here decides what is wrong."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.now: datetime = snapshot.observed_at

    @cached_property
    def workload_by_uid(self) -> dict[str, Workload]:
        return {workload.meta.uid: workload for workload in self.snapshot.workloads}

    @cached_property
    def replica_set_by_uid(self) -> dict[str, ReplicaSet]:
        return {replica_set.meta.uid: replica_set for replica_set in self.snapshot.replica_sets}

    @cached_property
    def events_by_uid(self) -> dict[str, list[Event]]:
        events: dict[str, list[Event]] = defaultdict(list)
        for event in self.snapshot.events:
            events[event.about_uid].append(event)
        return events

    @cached_property
    def pods_by_workload(self) -> dict[str, list[Pod]]:
        pods: dict[str, list[Pod]] = defaultdict(list)
        for pod in self.snapshot.pods:
            workload = self.workload_of(pod)
            if workload is not None:
                pods[workload.meta.uid].append(pod)
        return pods

    def replica_set_of(self, pod: Pod) -> ReplicaSet | None:
        owner = pod.meta.owner
        return self.replica_set_by_uid.get(owner.uid) if owner else None

    def workload_of(self, pod: Pod) -> Workload | None:
        """Return the workload that a pod belongs to, by owner references, never by labels."""
        owner = pod.meta.owner
        if owner is None:
            return None
        if owner.kind != "ReplicaSet":
            return self.workload_by_uid.get(owner.uid)
        replica_set = self.replica_set_by_uid.get(owner.uid)
        if replica_set is None or replica_set.meta.owner is None:
            return None
        return self.workload_by_uid.get(replica_set.meta.owner.uid)

    def target_of(self, pod: Pod) -> ObjectRef:
        """Return what a finding about `pod` is about: its workload, else its owner, else the pod itself."""
        workload = self.workload_of(pod)
        if workload is not None:
            return ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name)
        owner = pod.meta.owner
        if owner is not None:
            return ObjectRef(owner.kind, pod.meta.namespace, owner.name)
        return ObjectRef("Pod", pod.meta.namespace, pod.meta.name)

    def revision_of(self, pod: Pod) -> int | None:
        """Return the Deployment revision that a pod runs; other kinds of workload have none here."""
        replica_set = self.replica_set_of(pod)
        return replica_set.revision if replica_set else None

    def working_replica_set(self, workload: Workload, *, other_than: int | None) -> ReplicaSet | None:
        """Return the newest revision with ready pods, other than the one named."""
        candidates = [
            replica_set
            for replica_set in self.snapshot.replica_sets
            if replica_set.meta.owner is not None
            and replica_set.meta.owner.uid == workload.meta.uid
            and replica_set.ready > 0
            and replica_set.revision not in (None, other_than)
        ]
        return max(candidates, key=lambda replica_set: replica_set.revision or 0, default=None)

    def replica_set_of_revision(self, workload: Workload, revision: int) -> ReplicaSet | None:
        return next(
            (
                replica_set
                for replica_set in self.snapshot.replica_sets
                if replica_set.meta.owner is not None
                and replica_set.meta.owner.uid == workload.meta.uid
                and replica_set.revision == revision
            ),
            None,
        )

    def events(self, uid: str, *reasons: str, container: str = "", within: timedelta | None = None) -> Sequence[Event]:
        """Return events about an object, newest first, optionally of some reasons, one container, and not too old."""
        oldest = datetime.min.replace(tzinfo=self.now.tzinfo)
        chosen = [
            event
            for event in self.events_by_uid.get(uid, ())
            if (not reasons or event.reason in reasons)
            and (not container or event.container in ("", container))
            and (within is None or (event.at is not None and self.now - event.at <= within))
        ]
        return sorted(chosen, key=lambda event: event.at or oldest, reverse=True)

    def log(self, key: LogKey) -> LogExcerpt | None:
        return self.snapshot.logs.get(key)


def telling_line(lines: Sequence[Redacted]) -> Redacted | None:
    """Return the line of a crash's log that says most: the last that names an error, else the last one not blank."""
    filled = [line for line in lines if line.strip()]
    for line in reversed(filled[-30:]):
        lowered = line.lower()
        if any(word in lowered for word in _ERROR_WORDS):
            return line
    return filled[-1] if filled else None


_ERROR_WORDS = (
    "error", "exception", "fatal", "panic", "not set", "refused", "denied", "cannot", "can't", "could not", "failed",
    "missing", "no such", "not found", "invalid", "undefined", "unable", "in use",
)  # fmt: skip
