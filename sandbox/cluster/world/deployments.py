"""The Deployment controller: ReplicaSets, revisions, rolling updates, and the conditions that tell about them."""

from __future__ import annotations

from sandbox.cluster.store import Json, copied
from sandbox.cluster.world import names, rollout
from sandbox.cluster.world.clock import parse_stamp
from sandbox.cluster.world.defaults import defaulted
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery, owner_reference
from sandbox.cluster.world.pods_view import condition, without_zeros
from sandbox.cluster.world.rollout_status import progressing_condition, set_deployment_condition, with_failure

COMPONENT = "deployment-controller"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = {"kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, MAXIMUM}
HASH = "pod-template-hash"


class DeploymentController:
    """Move Deployments from one template to the next."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events

    def reconcile(self, key: Key) -> None:
        """Take the next step of one Deployment."""
        deployment = self._machinery.peek(*key)
        if deployment is None or "deletionTimestamp" in deployment["metadata"]:
            return
        deployment = defaulted("deployments", deployment)
        owned = sorted(self._machinery.owned("replicasets", deployment), key=_age)
        new = next((item for item in owned if _template(item) == deployment["spec"]["template"]), None)
        old = [item for item in owned if item is not new]
        paused = deployment["spec"].get("paused", False)
        created = False
        if not paused and (new is not None or not self._waits(deployment, old)):
            created = new is None
            new = self._current(deployment, new, old)
        if self._is_rescaled(deployment, [*old, *([new] if new else [])]):
            self._rescale(deployment, new, old)
        elif not paused:
            self._roll(deployment, new, old)
        self._report(key, new, created=created)
        if new is not None:
            self._forget(deployment, old)

    def _current(self, deployment: Json, new: Json | None, old: list[Json]) -> Json:
        """Return the ReplicaSet of the current template, made or renumbered to be the newest revision."""
        newest = max((revision_of(item) for item in old), default=0)
        inherited = {
            name: value
            for name, value in (deployment["metadata"].get("annotations") or {}).items()
            if name not in _NOT_COPIED
        }
        if new is None:
            return self._create(deployment, str(newest + 1), inherited)
        annotations = {**(new["metadata"].get("annotations") or {}), **inherited}
        if revision_of(new) <= newest:
            history = annotations.get(HISTORY, "")
            annotations[HISTORY] = f"{history},{annotations[REVISION]}".lstrip(",")
            annotations[REVISION] = str(newest + 1)
        return self._machinery.update(
            "replicasets", {**new, "metadata": {**new["metadata"], "annotations": annotations}}
        )

    def _create(self, deployment: Json, revision: str, inherited: Json) -> Json:
        spec, metadata = deployment["spec"], deployment["metadata"]
        label = names.template_hash(spec["template"])
        template = copied(spec["template"])
        template["metadata"]["labels"][HASH] = label
        bounds = rollout.limits(spec)
        older = sum(item["spec"]["replicas"] for item in self._machinery.owned("replicasets", deployment))
        room = spec["replicas"] + bounds.surge - older
        first = spec["replicas"] if spec["strategy"]["type"] == "Recreate" else max(0, min(spec["replicas"], room))
        name = f"{metadata['name']}-{label}"
        created = self._machinery.create(
            "replicasets",
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": name,
                    "namespace": metadata["namespace"],
                    "labels": dict(template["metadata"]["labels"]),
                    "annotations": {**inherited, **_sizes(spec), REVISION: revision},
                    "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
                },
                "spec": {
                    "replicas": first,
                    "selector": {"matchLabels": {**spec["selector"]["matchLabels"], HASH: label}},
                    "template": template,
                }
                | ({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
                "status": {"replicas": 0},
            },
        )
        if first:
            self._tell_scaled(deployment, name, 0, first)
        return created

    def _waits(self, deployment: Json, old: list[Json]) -> bool:
        """Tell whether the new ReplicaSet must not be made yet: all old pods are to be gone before."""
        if deployment["spec"]["strategy"]["type"] != "Recreate":
            return False
        pods = [pod for item in old for pod in self._machinery.owned("pods", item)]
        return any(pod["status"].get("phase") not in {"Succeeded", "Failed"} for pod in pods)

    def _roll(self, deployment: Json, new: Json | None, old: list[Json]) -> None:
        spec, bounds = deployment["spec"], rollout.limits(deployment["spec"])
        active = sorted((item for item in old if item["spec"]["replicas"]), key=_age)
        if spec["strategy"]["type"] == "Recreate":
            for item in active:
                self._scale(deployment, item, 0)
            if new is not None and not self._waits(deployment, old):
                self._scale(deployment, new, spec["replicas"])
            return
        if new is None:
            return
        wanted = rollout.new_size(spec["replicas"], _size(new), [_size(item) for item in active], bounds)
        new = self._scale(deployment, new, wanted)
        sizes = rollout.old_sizes(spec["replicas"], _size(new), [_size(item) for item in active], bounds)
        for item in active:
            self._scale(deployment, item, sizes[item["metadata"]["name"]])

    def _is_rescaled(self, deployment: Json, owned: list[Json]) -> bool:
        """Tell whether ``spec.replicas`` changed since the ReplicaSets with pods were sized."""
        wanted = str(deployment["spec"]["replicas"])
        return any(
            item["spec"]["replicas"] and (item["metadata"].get("annotations") or {}).get(DESIRED, wanted) != wanted
            for item in owned
        )

    def _rescale(self, deployment: Json, new: Json | None, old: list[Json]) -> None:
        newest_first = [*([new] if new else []), *reversed(old)]
        if new is not None and _is_saturated(deployment, new):
            for item in old:
                self._scale(deployment, item, 0)
            newest_first = [new]
        bounds = rollout.limits(deployment["spec"])
        sizes = rollout.rescaled(deployment["spec"]["replicas"], [_size(item) for item in newest_first], bounds)
        for item in newest_first:
            if item["metadata"]["name"] in sizes:
                self._scale(deployment, item, sizes[item["metadata"]["name"]])

    def _scale(self, deployment: Json, replica_set: Json, wanted: int) -> Json:
        metadata, before = replica_set["metadata"], replica_set["spec"]["replicas"]
        annotations = {**(metadata.get("annotations") or {}), **_sizes(deployment["spec"])}
        scaled = self._machinery.update(
            "replicasets",
            {
                **replica_set,
                "metadata": {**metadata, "annotations": annotations},
                "spec": {**replica_set["spec"], "replicas": wanted},
            },
        )
        if wanted != before:
            self._tell_scaled(deployment, metadata["name"], before, wanted)
        return scaled

    def _tell_scaled(self, deployment: Json, name: str, before: int, wanted: int) -> None:
        direction = "up" if wanted > before else "down"
        message = f"Scaled {direction} replica set {name} from {before} to {wanted}"
        about = reference(deployment, "apps/v1", "Deployment")
        self._events.record(about, "ScalingReplicaSet", message, component=COMPONENT)

    def _report(self, key: Key, new: Json | None, *, created: bool) -> None:
        stored = self._machinery.peek(*key)
        if stored is None:
            return
        if new is not None:
            annotations = {**(stored["metadata"].get("annotations") or {})}
            annotations[REVISION] = new["metadata"]["annotations"][REVISION]
            stored = self._machinery.update(
                "deployments", {**stored, "metadata": {**stored["metadata"], "annotations": annotations}}
            )
        deployment = {**stored, "spec": defaulted("deployments", stored)["spec"]}
        owned = self._machinery.owned("replicasets", deployment)
        name = new["metadata"]["name"] if new is not None else ""
        counts = _counts(deployment, owned, name)
        now = self._machinery.now
        conditions = self._conditions(deployment, counts, name, created=created)
        newest_first = sorted(owned, key=lambda item: (item["metadata"]["name"] != name, _age(item)))
        conditions = with_failure(conditions, newest_first, now)
        self._machinery.set_status("deployments", stored, {**without_zeros(counts), "conditions": conditions})
        progressing = next((entry for entry in conditions if entry["type"] == "Progressing"), None)
        if progressing is not None and progressing["reason"] != "NewReplicaSetAvailable":
            deadline = parse_stamp(progressing["lastUpdateTime"]) + deployment["spec"]["progressDeadlineSeconds"]
            if progressing["status"] == "True" and deadline + 1 > now:
                self._machinery.wake(key, deadline + 1)

    def _conditions(self, deployment: Json, counts: dict[str, int], name: str, *, created: bool) -> list[Json]:
        now, spec = self._machinery.now, deployment["spec"]
        conditions = list(deployment.get("status", {}).get("conditions") or ())
        least = spec["replicas"] - rollout.limits(spec).unavailable
        conditions = set_deployment_condition(conditions, _availability(counts["availableReplicas"] >= least), now)
        progressing = progressing_condition(deployment, counts, name, now, created=created)
        if progressing is not None:
            conditions = set_deployment_condition(conditions, progressing, now, force=True)
        return conditions

    def _forget(self, deployment: Json, old: list[Json]) -> None:
        """Delete ReplicaSets beyond the history limit, oldest revisions first."""
        complete = condition(deployment, "Progressing") or {}
        empty = [
            item
            for item in sorted(old, key=revision_of)
            if not item["spec"]["replicas"] and not item["status"].get("replicas")
        ]
        excess = len(old) - deployment["spec"]["revisionHistoryLimit"]
        if excess > 0 and complete.get("status") != "Unknown":
            for item in empty[:excess]:
                self._machinery.delete("replicasets", item)


def revision_of(replica_set: Json) -> int:
    """Return the revision number of a ReplicaSet; 0 if it carries none."""
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, "0"))


def _sizes(spec: Json) -> Json:
    return {DESIRED: str(spec["replicas"]), MAXIMUM: str(spec["replicas"] + rollout.limits(spec).surge)}


def _is_saturated(deployment: Json, replica_set: Json) -> bool:
    """Tell whether a ReplicaSet alone has all the pods that its Deployment wants."""
    wanted = deployment["spec"]["replicas"]
    annotations = replica_set["metadata"].get("annotations") or {}
    sizes = (replica_set["spec"]["replicas"], replica_set["status"].get("availableReplicas", 0))
    return annotations.get(DESIRED) == str(wanted) and sizes == (wanted, wanted)


def _template(replica_set: Json) -> Json:
    template = replica_set["spec"]["template"]
    labels = {name: value for name, value in template["metadata"]["labels"].items() if name != HASH}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}


def _age(obj: Json) -> tuple[str, str]:
    return obj["metadata"]["creationTimestamp"], obj["metadata"]["name"]


def _size(replica_set: Json) -> rollout.Size:
    status = replica_set["status"]
    return rollout.Size(
        replica_set["metadata"]["name"],
        replica_set["spec"]["replicas"],
        status.get("replicas", 0),
        status.get("availableReplicas", 0),
        int((replica_set["metadata"].get("annotations") or {}).get(MAXIMUM, "0")) or status.get("replicas", 0) or 1,
    )


def _counts(deployment: Json, owned: list[Json], new_name: str) -> dict[str, int]:
    def total(field: str) -> int:
        return sum(item["status"].get(field, 0) for item in owned)

    available = total("availableReplicas")
    wanted = sum(item["spec"]["replicas"] for item in owned)
    updated = sum(item["status"].get("replicas", 0) for item in owned if item["metadata"]["name"] == new_name)
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": total("replicas"),
        "updatedReplicas": updated,
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }


def _availability(enough: bool) -> Json:
    if enough:
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        reason, message = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    return {"type": "Available", "status": "True" if enough else "False", "reason": reason, "message": message}
