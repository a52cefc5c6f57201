"""The namespace controller: it empties a namespace that is to be deleted, and then removes it."""

from __future__ import annotations

from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery

_LOOK_AGAIN_SECONDS = 1.0


class NamespaceController:
    """Finish the deletion of namespaces."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery

    def reconcile(self, key: Key) -> None:
        """Delete what is in a namespace that is to go; what takes its time is looked at again."""
        namespace = self._machinery.peek(*key)
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            return
        store, left = self._machinery.store, 0
        for resource in store.resources():
            for obj in store.list(resource, key.name):
                if resource == "pods" and obj["spec"].get("nodeName"):
                    self._machinery.retire_pod(obj)
                else:
                    self._machinery.delete(resource, obj)
                place = (resource, key.name, obj["metadata"]["name"])
                left += store.get(*place) is not None
        if left:
            self._machinery.wake(key, self._machinery.now + _LOOK_AGAIN_SECONDS)
        else:
            store.delete(*key)
