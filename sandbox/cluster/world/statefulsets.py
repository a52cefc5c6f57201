"""The StatefulSet controller: pods with an ordinal, one after the other."""

from __future__ import annotations

import copy

from sandbox.cluster.store import Json
from sandbox.cluster.world.defaults import defaulted
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery, owner_reference
from sandbox.cluster.world.pods_view import is_active, is_ready, without_zeros
from sandbox.cluster.world.revisions import LABEL, current_revision
from sandbox.cluster.world.templates import pod_from_template

COMPONENT = "statefulset-controller"


class StatefulSetController:
    """Create, replace and remove the pods of StatefulSets in order."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events

    def reconcile(self, key: Key) -> None:
        """Take the next step of one StatefulSet."""
        stored = self._machinery.peek(*key)
        if stored is None or "deletionTimestamp" in stored["metadata"]:
            return
        stateful_set = defaulted("statefulsets", stored)
        revision = current_revision(self._machinery, stateful_set, "StatefulSet")
        pods = {ordinal_of(pod): pod for pod in self._machinery.owned("pods", stateful_set)}
        self._step(stateful_set, revision["metadata"]["name"], pods)
        self._count(key, revision["metadata"]["name"])

    def _step(self, stateful_set: Json, revision: str, pods: dict[int, Json]) -> None:
        spec, parallel = stateful_set["spec"], stateful_set["spec"]["podManagementPolicy"] == "Parallel"
        for ordinal in range(spec["replicas"]):
            pod = pods.get(ordinal)
            if pod is None:
                self._create(stateful_set, revision, ordinal)
            elif not is_active(pod) and "deletionTimestamp" not in pod["metadata"]:
                self._remove(stateful_set, pod)  # ended or evicted: replaced under its name
            if not parallel and (pod is None or not is_ready(pod) or not is_active(pod)):
                return
        for ordinal in sorted((o for o in pods if o >= spec["replicas"]), reverse=True):
            self._remove(stateful_set, pods[ordinal])
            if not parallel:
                return
        if spec["updateStrategy"]["type"] == "RollingUpdate":
            self._replace_outdated(stateful_set, revision, pods)

    def _replace_outdated(self, stateful_set: Json, revision: str, pods: dict[int, Json]) -> None:
        rolling = stateful_set["spec"]["updateStrategy"].get("rollingUpdate") or {}
        for ordinal in range(stateful_set["spec"]["replicas"] - 1, rolling.get("partition", 0) - 1, -1):
            pod = pods[ordinal]
            if pod["metadata"]["labels"].get(LABEL) != revision:
                self._remove(stateful_set, pod)
                return

    def _create(self, stateful_set: Json, revision: str, ordinal: int) -> None:
        metadata, spec = stateful_set["metadata"], stateful_set["spec"]
        name, namespace = f"{metadata['name']}-{ordinal}", metadata["namespace"]
        template = copy.deepcopy(spec["template"])
        volumes = template["spec"].setdefault("volumes", [])
        for claim in spec.get("volumeClaimTemplates", ()):
            claim_name = f"{claim['metadata']['name']}-{name}"
            self._claim(namespace, claim_name, claim, metadata["name"])
            source = {"persistentVolumeClaim": {"claimName": claim_name}}
            volumes.append({"name": claim["metadata"]["name"], **source})
        pod = pod_from_template(
            template,
            name=name,
            namespace=namespace,
            owner=owner_reference(stateful_set, "apps/v1", "StatefulSet"),
            random=self._machinery.random,
            **{
                "apps.kubernetes.io/pod-index": str(ordinal),
                "statefulset.kubernetes.io/pod-name": name,
                LABEL: revision,
            },
        )
        pod["metadata"]["generateName"] = f"{metadata['name']}-"
        pod["spec"] |= {"hostname": name, "subdomain": spec.get("serviceName", "")}
        self._machinery.create("pods", pod)
        message = f"create Pod {name} in StatefulSet {metadata['name']} successful"
        self._tell(stateful_set, "SuccessfulCreate", message)

    def _claim(self, namespace: str, name: str, template: Json, app: str) -> None:
        if self._machinery.peek("persistentvolumeclaims", namespace, name) is None:
            claim = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
                "spec": template["spec"],
            }
            self._machinery.create("persistentvolumeclaims", defaulted("persistentvolumeclaims", claim))

    def _remove(self, stateful_set: Json, pod: Json) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            return
        self._machinery.retire_pod(pod)
        message = f"delete Pod {pod['metadata']['name']} in StatefulSet {stateful_set['metadata']['name']} successful"
        self._tell(stateful_set, "SuccessfulDelete", message)

    def _count(self, key: Key, revision: str) -> None:
        stored = self._machinery.peek(*key)
        if stored is None:
            return
        pods = [pod for pod in self._machinery.owned("pods", stored) if is_active(pod)]
        updated = sum(pod["metadata"]["labels"].get(LABEL) == revision for pod in pods)
        old = stored.get("status") or {}
        wanted, ready = stored["spec"].get("replicas", 1), sum(is_ready(pod) for pod in pods)
        rolled_out = updated == wanted and ready == wanted
        current = revision if rolled_out else old.get("currentRevision", revision)
        on_current = sum(pod["metadata"]["labels"].get(LABEL) == current for pod in pods)
        counts = {"readyReplicas": ready, "currentReplicas": on_current, "updatedReplicas": updated}
        status = {
            "observedGeneration": stored["metadata"]["generation"],
            "replicas": len(pods),
            "availableReplicas": ready,
            "collisionCount": 0,
            "currentRevision": current,
            "updateRevision": revision,
            **without_zeros(counts),
        }
        self._machinery.set_status("statefulsets", stored, status)

    def _tell(self, stateful_set: Json, reason: str, message: str) -> None:
        self._events.record(reference(stateful_set, "apps/v1", "StatefulSet"), reason, message, component=COMPONENT)


def ordinal_of(pod: Json) -> int:
    """Return the number at the end of a pod's name."""
    return int(pod["metadata"]["name"].rpartition("-")[2])
