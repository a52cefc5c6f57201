"""The StatefulSet controller: pods with an ordinal, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.admission.denied import Denied
from sandbox.cluster.store import Json
from sandbox.cluster.world.defaults import defaulted
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery, owner_reference
from sandbox.cluster.world.pods_view import available_at, is_active, is_ready, without_zeros
from sandbox.cluster.world.retries import Retries
from sandbox.cluster.world.revisions import LABEL, current_revision, forget_revisions, template_of
from sandbox.cluster.world.templates import pod_from_template

COMPONENT = "statefulset-controller"


class StatefulSetController:
    """Create, replace and remove the pods of StatefulSets in order."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events
        self._retries = Retries(machinery)

    def reconcile(self, key: Key) -> None:
        """Take the next step of one StatefulSet."""
        stored = self._machinery.peek(*key)
        if stored is None or "deletionTimestamp" in stored["metadata"]:
            return
        stateful_set = defaulted("statefulsets", stored)
        update = current_revision(self._machinery, stateful_set, "StatefulSet")
        named = (stored.get("status") or {}).get("currentRevision")
        known = self._machinery.owned("controllerrevisions", stateful_set)
        current = next((entry for entry in known if entry["metadata"]["name"] == named), update)
        pods = {ordinal_of(pod): pod for pod in self._machinery.owned("pods", stateful_set)}
        try:
            self._step(stateful_set, _Revisions(current, update), pods)
            self._retries.forget(key)
        except Denied as denied:
            self._tell(stateful_set, "FailedCreate", _refusal(stateful_set, denied), warning=True)
            self._retries.again(key)
        self._count(key, current["metadata"]["name"], update["metadata"]["name"])
        forget_revisions(self._machinery, stateful_set, {current["metadata"]["name"], update["metadata"]["name"]})

    def _step(self, stateful_set: Json, revisions: _Revisions, pods: dict[int, Json]) -> None:
        spec, parallel = stateful_set["spec"], stateful_set["spec"]["podManagementPolicy"] == "Parallel"
        for ordinal in range(spec["replicas"]):
            pod = pods.get(ordinal)
            if pod is None:
                self._create(stateful_set, revisions.of(spec, ordinal), ordinal)
            elif not is_active(pod) and "deletionTimestamp" not in pod["metadata"]:
                self._remove(stateful_set, pod)  # ended or evicted: replaced under its name
            if not parallel and (pod is None or not is_ready(pod) or not is_active(pod)):
                return
        for ordinal in sorted((o for o in pods if o >= spec["replicas"]), reverse=True):
            self._remove(stateful_set, pods[ordinal])
            if not parallel:
                return
        if spec["updateStrategy"]["type"] == "RollingUpdate":
            self._replace_outdated(stateful_set, revisions.update["metadata"]["name"], pods)

    def _replace_outdated(self, stateful_set: Json, revision: str, pods: dict[int, Json]) -> None:
        """Delete the highest pod of an older revision, once those above it are well."""
        rolling = stateful_set["spec"]["updateStrategy"].get("rollingUpdate") or {}
        for ordinal in range(stateful_set["spec"]["replicas"] - 1, rolling.get("partition", 0) - 1, -1):
            pod = pods.get(ordinal)
            if pod is None:
                return
            if pod["metadata"]["labels"].get(LABEL) != revision and is_active(pod):
                self._remove(stateful_set, pod)
                return
            if not is_ready(pod) or not is_active(pod):
                return

    def _create(self, stateful_set: Json, revision: Json, ordinal: int) -> None:
        metadata, spec = stateful_set["metadata"], stateful_set["spec"]
        name, namespace = f"{metadata['name']}-{ordinal}", metadata["namespace"]
        template = template_of(revision)
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
                LABEL: revision["metadata"]["name"],
            },
        )
        pod["metadata"]["generateName"] = f"{metadata['name']}-"
        pod["spec"] |= {"hostname": name, "subdomain": spec.get("serviceName", "")}
        self._machinery.create_pod(pod)
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

    def _count(self, key: Key, current: str, update: str) -> None:
        stored = self._machinery.peek(*key)
        if stored is None:
            return
        spec = defaulted("statefulsets", stored)["spec"]
        now, least = self._machinery.now, spec.get("minReadySeconds", 0)
        pods = [pod for pod in self._machinery.owned("pods", stored) if is_active(pod)]
        availability = [available_at(pod, least) for pod in pods]
        for at in availability:
            if at > now:
                self._machinery.wake(key, at)

        def of(revision: str) -> int:
            return sum(pod["metadata"]["labels"].get(LABEL) == revision for pod in pods)

        ready, rolls = sum(is_ready(pod) for pod in pods), spec["updateStrategy"]["type"] == "RollingUpdate"
        if rolls and of(update) == ready == len(pods) == spec["replicas"]:
            current = update
        counts = {"readyReplicas": ready, "currentReplicas": of(current), "updatedReplicas": of(update)}
        status = {
            "observedGeneration": stored["metadata"]["generation"],
            "replicas": len(pods),
            "availableReplicas": sum(at <= now for at in availability),
            "collisionCount": 0,
            "currentRevision": current,
            "updateRevision": update,
            **without_zeros(counts),
        }
        self._machinery.set_status("statefulsets", stored, status)

    def _tell(self, stateful_set: Json, reason: str, message: str, *, warning: bool = False) -> None:
        about = reference(stateful_set, "apps/v1", "StatefulSet")
        self._events.record(about, reason, message, component=COMPONENT, warning=warning)


@dataclass(frozen=True, slots=True)
class _Revisions:
    """The revision that a StatefulSet comes from and the one it goes to."""

    current: Json
    update: Json

    def of(self, spec: Json, ordinal: int) -> Json:
        """Return the revision that a new pod is made of."""
        rolling = spec["updateStrategy"].get("rollingUpdate") or {}
        rolls = spec["updateStrategy"]["type"] == "RollingUpdate"
        return self.current if rolls and ordinal < rolling.get("partition", 0) else self.update


def _refusal(stateful_set: Json, denied: Denied) -> str:
    name = stateful_set["metadata"]["name"]
    pod = str(denied).split('"', maxsplit=2)[1]
    return f"create Pod {pod} in StatefulSet {name} failed error: {denied}"


def ordinal_of(pod: Json) -> int:
    """Return the number at the end of a pod's name."""
    return int(pod["metadata"]["name"].rpartition("-")[2])
