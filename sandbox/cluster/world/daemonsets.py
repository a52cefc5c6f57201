"""The DaemonSet controller: one pod on every node."""

from __future__ import annotations

from sandbox.cluster.admission.denied import Denied
from sandbox.cluster.store import Json, copied
from sandbox.cluster.world import names
from sandbox.cluster.world.defaults import defaulted
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery, owner_reference
from sandbox.cluster.world.pods_view import is_active, is_ready, without_zeros
from sandbox.cluster.world.retries import Retries
from sandbox.cluster.world.revisions import LABEL, current_revision, forget_revisions
from sandbox.cluster.world.templates import pod_from_template

COMPONENT = "daemonset-controller"


class DaemonSetController:
    """Keep one pod of each DaemonSet on each node, and replace them one after the other."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events
        self._retries = Retries(machinery)

    def reconcile(self, key: Key) -> None:
        """Take the next step of one DaemonSet."""
        stored = self._machinery.peek(*key)
        if stored is None or "deletionTimestamp" in stored["metadata"]:
            return
        daemon_set = defaulted("daemonsets", stored)
        revision = current_revision(self._machinery, daemon_set, "DaemonSet")["metadata"]
        label = revision["labels"][LABEL]
        nodes = [node["metadata"]["name"] for node in self._machinery.store.list("nodes")]
        pods = [pod for pod in self._machinery.owned("pods", daemon_set) if is_active(pod)]
        covered = {node_of(pod) for pod in pods}
        leaving = {node_of(pod) for pod in self._machinery.owned("pods", daemon_set)} - covered
        for name in nodes:
            if name not in covered and name not in leaving:
                self._try(key, daemon_set, label, name)
        for pod in pods:
            if node_of(pod) not in nodes:
                self._machinery.retire_pod(pod)
        outdated = [pod for pod in pods if pod["metadata"]["labels"].get(LABEL) != label]
        if daemon_set["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._replace_outdated(daemon_set, outdated, pods, len(nodes))
        self._count(key, label, len(nodes))
        forget_revisions(self._machinery, daemon_set, {revision["name"]})

    def _replace_outdated(self, daemon_set: Json, outdated: list[Json], pods: list[Json], nodes: int) -> None:
        """Delete pods of older revisions: broken ones at once, others as far as the strategy lets pods be missing."""
        rolling = daemon_set["spec"]["updateStrategy"].get("rollingUpdate") or {}
        allowed = _share(rolling.get("maxUnavailable", 1), nodes)
        missing = nodes - sum(is_ready(pod) for pod in pods)
        for pod in sorted(outdated, key=is_ready):
            if is_ready(pod):
                if missing >= allowed:
                    return
                missing += 1
            self._machinery.retire_pod(pod)
            self._tell(daemon_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

    def _try(self, key: Key, daemon_set: Json, label: str, node: str) -> None:
        try:
            self._create(daemon_set, label, node)
            self._retries.forget(key)
        except Denied as denied:
            self._tell(daemon_set, "FailedCreate", f"Error creating: {denied}", warning=True)
            self._retries.again(key)

    def _create(self, daemon_set: Json, label: str, node: str) -> None:
        metadata, random = daemon_set["metadata"], self._machinery.random
        name = f"{metadata['name']}-{names.suffix(random)}"
        template = copied(daemon_set["spec"]["template"])
        template["spec"]["nodeSelector"] = {
            **(template["spec"].get("nodeSelector") or {}),
            "kubernetes.io/hostname": node,
        }
        tolerated = template["spec"].get("tolerations", [])
        template["spec"]["tolerations"] = [*tolerated, {"operator": "Exists", "effect": "NoSchedule"}]
        pod = pod_from_template(
            template,
            name=name,
            namespace=metadata["namespace"],
            owner=owner_reference(daemon_set, "apps/v1", "DaemonSet"),
            random=random,
            **{LABEL: label, "pod-template-generation": str(metadata.get("generation", 1))},
        )
        pod["metadata"]["generateName"] = f"{metadata['name']}-"
        self._machinery.create_pod(pod)
        self._tell(daemon_set, "SuccessfulCreate", f"Created pod: {name}")

    def _count(self, key: Key, label: str, nodes: int) -> None:
        stored = self._machinery.peek(*key)
        if stored is None:
            return
        pods = [pod for pod in self._machinery.owned("pods", stored) if is_active(pod)]
        ready = sum(is_ready(pod) for pod in pods)
        optional = {
            "updatedNumberScheduled": sum(pod["metadata"]["labels"].get(LABEL) == label for pod in pods),
            "numberAvailable": ready,
            "numberUnavailable": nodes - ready,
        }
        status = {
            "observedGeneration": stored["metadata"]["generation"],
            "currentNumberScheduled": len(pods),
            "desiredNumberScheduled": nodes,
            "numberMisscheduled": 0,
            "numberReady": ready,
            **without_zeros(optional),
        }
        self._machinery.set_status("daemonsets", stored, status)

    def _tell(self, daemon_set: Json, reason: str, message: str, *, warning: bool = False) -> None:
        about = reference(daemon_set, "apps/v1", "DaemonSet")
        self._events.record(about, reason, message, component=COMPONENT, warning=warning)


def _share(value: int | str, total: int) -> int:
    return value if isinstance(value, int) else -(-int(value.rstrip("%")) * total // 100)


def node_of(pod: Json) -> str:
    """Return the node that a pod of a DaemonSet is meant for."""
    selector: Json = pod["spec"].get("nodeSelector") or {}
    return str(selector.get("kubernetes.io/hostname", ""))
