"""The ReplicaSet controller: as many pods as the spec says."""

from __future__ import annotations

from sandbox.cluster.store import Json
from sandbox.cluster.world import names
from sandbox.cluster.world.clock import parse_stamp
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery, owner_reference
from sandbox.cluster.world.pods_view import available_at, is_active, is_ready, without_zeros
from sandbox.cluster.world.templates import pod_from_template

COMPONENT = "replicaset-controller"


class ReplicaSetController:
    """Create and delete the pods of ReplicaSets, and count them."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events

    def reconcile(self, key: Key) -> None:
        """Bring one ReplicaSet's pods to its number."""
        replica_set = self._machinery.peek(*key)
        if replica_set is None or "deletionTimestamp" in replica_set["metadata"]:
            return
        active = [pod for pod in self._machinery.owned("pods", replica_set) if is_active(pod)]
        missing = replica_set["spec"]["replicas"] - len(active)
        for _ in range(missing):
            self._create(replica_set)
        for pod in sorted(active, key=deletion_rank)[: max(0, -missing)]:
            self._machinery.retire_pod(pod)
            self._tell(replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        self._count(key)

    def _create(self, replica_set: Json) -> None:
        metadata = replica_set["metadata"]
        prefix, random = f"{metadata['name']}-", self._machinery.random
        name = prefix + names.suffix(random)
        pod = pod_from_template(
            replica_set["spec"]["template"],
            name=name,
            namespace=metadata["namespace"],
            owner=owner_reference(replica_set, "apps/v1", "ReplicaSet"),
            random=random,
        )
        pod["metadata"]["generateName"] = prefix
        self._machinery.create("pods", pod)
        self._tell(replica_set, "SuccessfulCreate", f"Created pod: {name}")

    def _count(self, key: Key) -> None:
        replica_set = self._machinery.peek(*key)
        if replica_set is None:
            return
        now, least = self._machinery.now, replica_set["spec"].get("minReadySeconds", 0)
        active = [pod for pod in self._machinery.owned("pods", replica_set) if is_active(pod)]
        availability = [available_at(pod, least) for pod in active]
        for at in availability:
            if at > now:
                self._machinery.wake(key, at)
        counts = {
            "fullyLabeledReplicas": len(active),
            "readyReplicas": sum(is_ready(pod) for pod in active),
            "availableReplicas": sum(at <= now for at in availability),
        }
        status = {"replicas": len(active), **without_zeros(counts)}
        status["observedGeneration"] = replica_set["metadata"]["generation"]
        self._machinery.set_status("replicasets", replica_set, status)

    def _tell(self, replica_set: Json, reason: str, message: str) -> None:
        self._events.record(reference(replica_set, "apps/v1", "ReplicaSet"), reason, message, component=COMPONENT)


def deletion_rank(pod: Json) -> tuple[bool, bool, bool, float, str]:
    """Order pods as a scale-down picks them: unassigned, pending, unready and young ones first."""
    metadata = pod["metadata"]
    return (
        bool(pod["spec"].get("nodeName")),
        pod["status"].get("phase") != "Pending",
        is_ready(pod),
        -parse_stamp(metadata["creationTimestamp"]),
        metadata["name"],
    )
