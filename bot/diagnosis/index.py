"""A snapshot, indexed: whose pod is this, which revision, which events, what still works."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from bot.domain.objects import (
    Autoscaler,
    CronJob,
    Endpoint,
    Event,
    Job,
    Node,
    NodeLoad,
    NodeUsage,
    Owner,
    Pod,
    PodUsage,
    ReplicaSet,
    Service,
    Workload,
)
from bot.domain.snapshot import LogExcerpt, LogKey, Snapshot
from bot.domain.targets import ObjectRef

_NEVER = datetime.min.replace(tzinfo=UTC)


class Index:
    """Look-ups over one snapshot. Built once for a diagnosis; nothing here decides what is wrong.

    Each look-up goes over the snapshot once, when it is first asked for. With thousands of pods that is what an answer
    costs, so whoever looks for a few of them asks for these few.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.now: datetime = snapshot.observed_at
        self._workload_by_owner: dict[str, Workload | None] = {}
        self._target_by_owner: dict[str, ObjectRef] = {}
        self._refs: dict[tuple[str, str, str], ObjectRef] = {}
        self._pods_by_value: dict[str, dict[str, list[Pod]]] = {}

    def with_more(
        self, *, logs: Mapping[LogKey, LogExcerpt] | None = None, node_load: Mapping[str, NodeLoad] | None = None
    ) -> Index:
        """Return the same look-ups over the same snapshot, with what was read for it afterwards."""
        snapshot = self.snapshot
        if logs is not None:
            snapshot = replace(snapshot, logs=logs)
        if node_load is not None:
            snapshot = replace(snapshot, node_load=node_load)
        richer = Index(snapshot)
        # What was looked up already is as true: neither logs nor loads are in it.
        richer.__dict__.update(self.__dict__, snapshot=snapshot)
        return richer

    @cached_property
    def suspects(self) -> Sequence[Pod]:
        """Return the pods worth a closer look: all but those that are ready and never restarted, or are done."""
        return [pod for pod in self.snapshot.pods if _is_suspect(pod) and pod.meta.deleted_at is None]

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
        by_owner: dict[str, list[Pod]] = {}  # the same lists, by who owns the pods: there are many pods of few owners
        for pod in self.snapshot.pods:
            owner = pod.meta.owner
            if owner is None:
                continue
            ours = by_owner.get(owner.uid)
            if ours is None:
                workload = self.workload_of(pod)
                ours = by_owner[owner.uid] = [] if workload is None else pods[workload.meta.uid]
            ours.append(pod)
        return pods

    @cached_property
    def job_by_uid(self) -> dict[str, Job]:
        return {job.meta.uid: job for job in self.snapshot.jobs}

    @cached_property
    def cron_job_by_uid(self) -> dict[str, CronJob]:
        return {cron_job.meta.uid: cron_job for cron_job in self.snapshot.cron_jobs}

    @cached_property
    def jobs_by_owner_uid(self) -> dict[str, list[Job]]:
        jobs: dict[str, list[Job]] = defaultdict(list)
        for job in self.snapshot.jobs:
            if job.meta.owner is not None:
                jobs[job.meta.owner.uid].append(job)
        return jobs

    @cached_property
    def pods_by_owner_uid(self) -> dict[str, list[Pod]]:
        pods: dict[str, list[Pod]] = defaultdict(list)
        for pod in self.snapshot.pods:
            if pod.meta.owner is not None:
                pods[pod.meta.owner.uid].append(pod)
        return pods

    def replica_set_of(self, pod: Pod) -> ReplicaSet | None:
        owner = pod.meta.owner
        return self.replica_set_by_uid.get(owner.uid) if owner else None

    def workload_of(self, pod: Pod) -> Workload | None:
        """Return the workload that a pod belongs to, by owner references, never by labels."""
        owner = pod.meta.owner
        if owner is None:
            return None
        if owner.uid not in self._workload_by_owner:
            self._workload_by_owner[owner.uid] = self._workload_behind(owner)
        return self._workload_by_owner[owner.uid]

    def _workload_behind(self, owner: Owner) -> Workload | None:
        if owner.kind != "ReplicaSet":
            return self.workload_by_uid.get(owner.uid)
        replica_set = self.replica_set_by_uid.get(owner.uid)
        if replica_set is None or replica_set.meta.owner is None:
            return None
        return self.workload_by_uid.get(replica_set.meta.owner.uid)

    def target_of(self, pod: Pod) -> ObjectRef:
        """Return what a finding about `pod` is about: its workload, else its owner, else the pod itself."""
        owner = pod.meta.owner
        if owner is None:
            return ObjectRef("Pod", pod.meta.namespace, pod.meta.name)
        if owner.uid not in self._target_by_owner:
            workload = self.workload_of(pod)
            target = ObjectRef(owner.kind, pod.meta.namespace, owner.name) if workload is None else self.ref(workload)
            self._target_by_owner[owner.uid] = target
        return self._target_by_owner[owner.uid]

    def revision_of(self, pod: Pod) -> int | None:
        """Return the Deployment revision that a pod runs; other kinds of workload have none here."""
        replica_set = self.replica_set_of(pod)
        return replica_set.revision if replica_set else None

    def ref(self, workload: Workload) -> ObjectRef:
        """Return what findings about a workload are about."""
        meta = workload.meta
        key = (workload.kind, meta.namespace, meta.name)
        found = self._refs.get(key)
        if found is None:
            found = self._refs[key] = ObjectRef(*key)
        return found

    @cached_property
    def workload_by_ref(self) -> dict[ObjectRef, Workload]:
        return {self.ref(workload): workload for workload in self.snapshot.workloads}

    @cached_property
    def _replica_sets_by_owner(self) -> dict[str, list[ReplicaSet]]:
        owned: dict[str, list[ReplicaSet]] = defaultdict(list)
        for replica_set in self.snapshot.replica_sets:
            if replica_set.meta.owner is not None:
                owned[replica_set.meta.owner.uid].append(replica_set)
        return owned

    def replica_sets_of(self, workload: Workload) -> Sequence[ReplicaSet]:
        """Return the revisions of a Deployment, by owner reference, in no order."""
        return self._replica_sets_by_owner.get(workload.meta.uid, ())

    def pods_of(self, workload: Workload) -> Sequence[Pod]:
        return self.pods_by_workload.get(workload.meta.uid, ())

    @cached_property
    def _autoscalers_by_target(self) -> dict[tuple[str, str], list[Autoscaler]]:
        by_target: dict[tuple[str, str], list[Autoscaler]] = defaultdict(list)
        for autoscaler in self.snapshot.autoscalers:
            by_target[autoscaler.target_kind, autoscaler.target_name].append(autoscaler)
        return by_target

    def autoscalers_of(self, workload: Workload) -> Sequence[Autoscaler]:
        return self._autoscalers_by_target.get((workload.kind, workload.meta.name), ())

    @cached_property
    def disrupted(self) -> Sequence[Pod]:
        """Return the pods that say they are, or were, taken away by something other than themselves."""
        return [pod for pod in self.snapshot.pods for each in pod.conditions if each.type == "DisruptionTarget"]

    @cached_property
    def preemptions(self) -> Sequence[Event]:
        """Return the events that tell of pods which the scheduler removed for others."""
        return [event for event in self.snapshot.events if event.reason == "Preempted"]

    @cached_property
    def pod_by_name(self) -> dict[str, Pod]:
        return {pod.meta.name: pod for pod in self.snapshot.pods}

    @cached_property
    def node_by_name(self) -> dict[str, Node]:
        return {node.meta.name: node for node in self.snapshot.nodes}

    @cached_property
    def node_usage_by_name(self) -> dict[str, NodeUsage]:
        return {usage.meta.name: usage for usage in self.snapshot.node_usage}

    @cached_property
    def usage_by_pod(self) -> dict[str, PodUsage]:
        return {usage.meta.name: usage for usage in self.snapshot.pod_usage}

    def selected_by(self, selector: Mapping[str, str]) -> Sequence[Pod]:
        """Return the pods that a service's selector picks, those that are going away left out; empty selects none."""
        if not selector:
            return ()
        wanted = selector.items()
        fewest = min((self._staying_pods_by(key).get(value, []) for key, value in wanted), key=len)
        if len(wanted) == 1:
            return fewest
        return [pod for pod in fewest if wanted <= pod.meta.labels.items()]

    def making(self, selector: Mapping[str, str]) -> Sequence[Workload]:
        """Return the workloads whose pods a service's selector picks, or would pick; empty selects none."""
        if not selector:
            return ()
        wanted = selector.items()
        fewest = min((self._workloads_by_label.get(pair, ()) for pair in wanted), key=len)
        if len(wanted) == 1:
            return fewest
        return [workload for workload in fewest if wanted <= workload.template_labels.items()]

    @cached_property
    def _workloads_by_label(self) -> dict[tuple[str, str], list[Workload]]:
        workloads: dict[tuple[str, str], list[Workload]] = defaultdict(list)
        for workload in self.snapshot.workloads:
            for pair in workload.template_labels.items():
                workloads[pair].append(workload)
        return workloads

    def _staying_pods_by(self, label: str) -> Mapping[str, Sequence[Pod]]:
        """Return the pods that are not going away by their value of a label: only few labels are ever selected by."""
        pods = self._pods_by_value.get(label)
        if pods is None:
            pods = self._pods_by_value[label] = {}
            for pod in self.snapshot.pods:
                value = pod.meta.labels.get(label)
                if value is not None and pod.meta.deleted_at is None:
                    pods.setdefault(value, []).append(pod)
        return pods

    @cached_property
    def _endpoints_by_service(self) -> dict[str, list[Endpoint]]:
        endpoints: dict[str, list[Endpoint]] = defaultdict(list)
        for endpoint_slice in self.snapshot.endpoint_slices:
            endpoints[endpoint_slice.service].extend(endpoint_slice.endpoints)
        return endpoints

    def endpoints_of(self, service: Service) -> Sequence[Endpoint]:
        return self._endpoints_by_service.get(service.meta.name, ())

    def events(self, uid: str, *reasons: str, container: str = "", within: timedelta | None = None) -> Sequence[Event]:
        """Return events about an object, newest first, optionally of some reasons, one container, and not too old."""
        about = self.events_by_uid.get(uid)
        if about is None:
            return []
        chosen = [
            event
            for event in about
            if (not reasons or event.reason in reasons)
            and (not container or event.container in ("", container))
            and (within is None or (event.at is not None and self.now - event.at <= within))
        ]
        if len(chosen) > 1:
            chosen.sort(key=lambda event: event.at or _NEVER, reverse=True)
        return chosen

    def log(self, key: LogKey) -> LogExcerpt | None:
        return self.snapshot.logs.get(key)


def _is_suspect(pod: Pod) -> bool:
    if pod.phase != "Running":
        return pod.phase != "Succeeded"
    for container in pod.containers:  # loops, for this is asked of thousands of pods for one answer
        if container.restart_count or container.last_state is not None:
            return True
    for condition in pod.conditions:
        if condition.type == "Ready":
            return condition.status != "True"
    return True
