"""The garbage collector, for whoever is deleted with a wish about its dependents: first they, or not they."""

from __future__ import annotations

from sandbox.cluster.store import Json
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.ownership import FOREGROUND, ORPHAN


class GarbageCollector:
    """Fulfil the finalizers ``orphan`` and ``foregroundDeletion``."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery

    def reconcile(self, key: Key) -> None:
        """Look at one object that is to be deleted; its key is ``resource/name`` of a namespace."""
        resource, _, name = key.name.partition("/")
        obj = self._machinery.peek(resource, key.namespace, name)
        if obj is None or "deletionTimestamp" not in obj["metadata"]:
            return
        finalizers = obj["metadata"].get("finalizers") or ()
        dependents = self._machinery.dependents(obj)
        if ORPHAN in finalizers:
            for kind, dependent in dependents:
                self._release(kind, dependent, obj["metadata"]["uid"])
            self._machinery.let_go(resource, obj, ORPHAN)
        elif FOREGROUND in finalizers:
            for kind, dependent in dependents:
                self._delete(kind, dependent)
            if not dependents:
                self._machinery.let_go(resource, obj, FOREGROUND)

    def _release(self, resource: str, dependent: Json, uid: str) -> None:
        metadata = dependent["metadata"]
        left = [reference for reference in metadata["ownerReferences"] if reference["uid"] != uid]
        changed = {name: value for name, value in metadata.items() if name != "ownerReferences"}
        if left:
            changed["ownerReferences"] = left
        self._machinery.update(resource, {**dependent, "metadata": changed})

    def _delete(self, resource: str, dependent: Json) -> None:
        if resource == "pods":
            self._machinery.retire_pod(dependent)
        elif self._machinery.dependents(dependent):
            self._machinery.mark(resource, dependent, FOREGROUND)
        else:
            self._machinery.delete(resource, dependent)
