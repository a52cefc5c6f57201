"""The volume controller: claims of a known storage class are bound, others wait."""

from __future__ import annotations

from sandbox.cluster.store import Json
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery

COMPONENT = "persistentvolume-controller"
_RETRY_SECONDS = 15.0
_LOOK_AGAIN_SECONDS = 1.0
_PROTECTION = "kubernetes.io/pvc-protection"


class ClaimController:
    """Bind PersistentVolumeClaims to new PersistentVolumes."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events

    def reconcile(self, key: Key) -> None:
        """Bind one claim, or tell why not."""
        claim = self._machinery.peek(*key)
        if claim is None:
            return
        if "deletionTimestamp" in claim["metadata"]:
            self._release(key, claim)
        elif (claim.get("status") or {}).get("phase") != "Bound":
            self._bind(key, claim)

    def _release(self, key: Key, claim: Json) -> None:
        """Let a claim go that is to be deleted, once no pod uses it, and its volume with it."""
        if any(key.name in _claims_of(pod) for pod in self._machinery.store.list("pods", key.namespace)):
            self._machinery.wake(key, self._machinery.now + _LOOK_AGAIN_SECONDS)
            return
        self._machinery.let_go("persistentvolumeclaims", claim, _PROTECTION)
        volume = self._machinery.peek("persistentvolumes", "", claim["spec"].get("volumeName", ""))
        if volume is not None and self._machinery.peek(*key) is None:
            self._machinery.delete("persistentvolumes", volume)

    def _bind(self, key: Key, claim: Json) -> None:
        name = claim["spec"].get("storageClassName", "standard")
        if self._machinery.peek("storageclasses", "", name) is None:
            message = f'storageclass.storage.k8s.io "{name}" not found'
            about = reference(claim, "v1", "PersistentVolumeClaim")
            self._events.record(about, "ProvisioningFailed", message, component=COMPONENT, warning=True)
            self._machinery.wake(key, self._machinery.now + _RETRY_SECONDS)
            return
        metadata, volume = claim["metadata"], f"pvc-{claim['metadata']['uid']}"
        capacity = {"storage": claim["spec"]["resources"]["requests"]["storage"]}
        modes = claim["spec"]["accessModes"]
        owner = {"kind": "PersistentVolumeClaim", "namespace": metadata["namespace"], "name": metadata["name"]}
        self._machinery.create(
            "persistentvolumes",
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": volume},
                "spec": {
                    "capacity": capacity,
                    "accessModes": modes,
                    "claimRef": {**owner, "apiVersion": "v1", "uid": metadata["uid"]},
                    "persistentVolumeReclaimPolicy": "Delete",
                    "storageClassName": name,
                    "volumeMode": "Filesystem",
                    "csi": {"driver": "csi.example.com", "volumeHandle": volume},
                },
                "status": {"phase": "Bound"},
            },
        )
        status = {"phase": "Bound", "accessModes": modes, "capacity": capacity}
        bound = {**claim, "spec": {**claim["spec"], "volumeName": volume}, "status": status}
        self._machinery.update("persistentvolumeclaims", bound)


def _claims_of(pod: Json) -> set[str]:
    """Return the claims that a pod uses, none once it has ended."""
    if (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
        return set()
    volumes = pod["spec"].get("volumes") or ()
    return {volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume}
