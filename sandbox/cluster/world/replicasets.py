"""The ReplicaSet controller: as many pods as the spec says."""

from __future__ import annotations

from sandbox.cluster.admission.denied import Denied
from sandbox.cluster.labels import selector_matches
from sandbox.cluster.store import Json
from sandbox.cluster.world import names
from sandbox.cluster.world.clock import parse_stamp
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery, owner_reference
from sandbox.cluster.world.pods_view import available_at, is_active, is_ready, with_condition, without_zeros
from sandbox.cluster.world.retries import Retries
from sandbox.cluster.world.templates import pod_from_template

COMPONENT = "replicaset-controller"
FAILURE = "ReplicaFailure"


class ReplicaSetController:
    """Create and delete the pods of ReplicaSets, and count them."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events
        self._retries = Retries(machinery)

    def reconcile(self, key: Key) -> None:
        """Bring one ReplicaSet's pods to its number."""
        replica_set = self._machinery.peek(*key)
        if replica_set is None:
            self._retries.forget(key)
            return
        if "deletionTimestamp" in replica_set["metadata"]:
            return
        self._claim(replica_set)
        active = [pod for pod in self._machinery.owned("pods", replica_set) if is_active(pod)]
        missing = replica_set["spec"]["replicas"] - len(active)
        refusal = self._create_all(key, replica_set, missing)
        for pod in sorted(active, key=deletion_rank)[: max(0, -missing)]:
            self._machinery.retire_pod(pod)
            self._tell(replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        self._count(key, refusal)

    def _claim(self, replica_set: Json) -> None:
        """Let go of pods that lost its labels, and take those that nobody controls."""
        metadata, selector = replica_set["metadata"], replica_set["spec"]["selector"]
        for pod in self._machinery.owned("pods", replica_set):
            if "deletionTimestamp" in pod["metadata"]:
                continue
            if not selector_matches(selector, pod["metadata"].get("labels") or {}):
                left = {name: value for name, value in pod["metadata"].items() if name != "ownerReferences"}
                self._machinery.update("pods", {**pod, "metadata": left})
        for pod in self._machinery.loose("pods", metadata["namespace"], selector):
            if is_active(pod):
                owners = [
                    *(pod["metadata"].get("ownerReferences") or ()),
                    owner_reference(replica_set, "apps/v1", "ReplicaSet"),
                ]
                self._machinery.update("pods", {**pod, "metadata": {**pod["metadata"], "ownerReferences": owners}})

    def _create_all(self, key: Key, replica_set: Json, missing: int) -> str:
        """Create pods until one is refused; return the refusal, which is tried again later and later."""
        for _ in range(missing):
            try:
                self._create(replica_set)
            except Denied as denied:
                self._tell(replica_set, "FailedCreate", f"Error creating: {denied}", warning=True)
                self._retries.again(key)
                return str(denied)
        self._retries.forget(key)
        return ""

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
        self._machinery.create_pod(pod)
        self._tell(replica_set, "SuccessfulCreate", f"Created pod: {name}")

    def _count(self, key: Key, refusal: str) -> None:
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
        conditions = self._conditions(replica_set, refusal)
        if conditions:
            status["conditions"] = conditions
        self._machinery.set_status("replicasets", replica_set, status)

    def _conditions(self, replica_set: Json, refusal: str) -> list[Json]:
        """Return the conditions; a failure keeps the words of its first time until it is over."""
        known: list[Json] = replica_set["status"].get("conditions") or []
        if not refusal:
            return [entry for entry in known if entry["type"] != FAILURE]
        if any(entry["type"] == FAILURE for entry in known):
            return known
        new = {"type": FAILURE, "status": "True", "reason": "FailedCreate", "message": refusal}
        return with_condition(known, new, self._machinery.stamp())

    def _tell(self, replica_set: Json, reason: str, message: str, *, warning: bool = False) -> None:
        about = reference(replica_set, "apps/v1", "ReplicaSet")
        self._events.record(about, reason, message, component=COMPONENT, warning=warning)


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
