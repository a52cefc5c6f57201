"""Who is to look at what after a change, and the indexes that tell it without reading everything."""

from __future__ import annotations

from typing import Protocol

from sandbox.cluster.store import Change, Json, ObjectStore
from sandbox.cluster.world.index import Index, Key, controller_of
from sandbox.cluster.world.ownership import FOREGROUND, ORPHAN, PLURALS

WATCHED = (
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "services",
    "horizontalpodautoscalers",
    "namespaces",
    "persistentvolumeclaims",
    "poddisruptionbudgets",
    "resourcequotas",
    "nodes",
    "pods",
)
_INDEXED = ("endpointslices", "controllerrevisions")
_ADOPTED = {"pods": ("replicasets", "statefulsets", "daemonsets"), "replicasets": ("deployments",)}
_SCALED = frozenset({"deployments", "statefulsets"})
_AUTOSCALER_SYNC = 15.0


class Acts(Protocol):
    """What a reaction may do itself."""

    @property
    def now(self) -> float: ...

    def look_at(self, keys: list[Key]) -> None: ...

    def wake(self, key: Key, at: float) -> None: ...

    def delete(self, resource: str, obj: Json) -> None: ...

    def retire_pod(self, pod: Json) -> None: ...


class Reactions:
    """Turn changes into keys to look at.

    ``unscheduled`` are the pods that wait for a node, ``loose`` the pods and ReplicaSets that nobody controls, by
    resource and namespace.
    """

    def __init__(self, acts: Acts, store: ObjectStore) -> None:
        self._acts = acts
        self._store = store
        self.index = Index()
        self.unscheduled: dict[Key, None] = {}
        self.loose: dict[tuple[str, str], dict[Key, None]] = {}
        self._quotas: dict[str, dict[Key, None]] = {}

    def react(self, change: Change) -> None:
        """Queue who is to look after a change."""
        key = Key(change.resource, *change.key)
        if change.resource in WATCHED and not _is_heartbeat(change):
            self._look_at(key)
        gone = change.type == "DELETED"
        self._note(change, key, gone=gone)
        if gone:
            self._collect(change.object["metadata"]["uid"])
        elif {ORPHAN, FOREGROUND} & set(change.object["metadata"].get("finalizers") or ()):
            self._look_at(garbage_key(key))
        self._look_at(*self._quotas.get(key.namespace, ()))
        self._call_owners(change, key, gone=gone)
        match change.resource:
            case "pods":
                self._react_to_pod(change, key)
            case "nodes" if not _is_heartbeat(change):
                self._acts.look_at(list(self.unscheduled))
                self._look_at(*(Key("daemonsets", *_name(obj)) for obj in self._store.list("daemonsets")))
            case "persistentvolumeclaims":
                self._acts.look_at(list(self.unscheduled))
            case resource if resource in _SCALED:
                self._call_autoscalers(change)
            case _:
                pass

    def relist(self) -> None:
        """Look at everything: the store's history does not reach back to what was seen last."""
        self.index.clear()
        self.unscheduled.clear()
        self.loose.clear()
        self._quotas.clear()
        for resource in (*WATCHED, *_INDEXED):
            for obj in self._store.list(resource):
                key = Key(resource, *_name(obj))
                if resource in WATCHED:
                    self._look_at(key)
                self._note(Change(0, "ADDED", resource, key[1:], obj, None), key, gone=False)
                if resource == "pods" and not obj["spec"].get("nodeName"):
                    self.unscheduled[key] = None

    def _look_at(self, *keys: Key) -> None:
        self._acts.look_at(list(keys))

    def _note(self, change: Change, key: Key, *, gone: bool) -> None:
        before, after = controller_of(change.previous or {"metadata": {}}), controller_of(change.object)
        if before is not None and (after is None or after["uid"] != before["uid"]):
            self.index.disown(before["uid"], key)
        self.index.note(key, change.object, gone=gone)
        if key.resource == "resourcequotas":
            _keep(self._quotas.setdefault(key.namespace, {}), key, gone=gone)
        if key.resource in _ADOPTED:
            place = self.loose.setdefault((key.resource, key.namespace), {})
            is_known = key in place and _labels(change.previous or {"metadata": {}}) == _labels(change.object)
            _keep(place, key, gone=gone or after is not None)
            if key in place and not is_known:
                for resource in _ADOPTED[key.resource]:
                    self._look_at(*(Key(resource, *_name(obj)) for obj in self._store.list(resource, key.namespace)))

    def _call_owners(self, change: Change, key: Key, *, gone: bool) -> None:
        owner = self._call_owner(key.namespace, change.object)
        if gone and owner is not None:
            # A Deployment may wait for the last old pod; and whoever goes in the foreground, for the last dependent.
            if key.resource == "pods":
                self._call_owner(key.namespace, owner)
            if "deletionTimestamp" in owner["metadata"]:
                reference = controller_of(change.object) or {}
                self._look_at(garbage_key(Key(PLURALS[reference["kind"]], key.namespace, reference["name"])))
        if change.previous is not None and controller_of(change.previous) != controller_of(change.object):
            self._call_owner(key.namespace, change.previous)

    def _call_owner(self, namespace: str, obj: Json) -> Json | None:
        owner = controller_of(obj)
        if owner is None or owner["kind"] not in PLURALS:
            return None
        key = Key(PLURALS[owner["kind"]], namespace, owner["name"])
        self._look_at(key)
        return self._store.get(*key)

    def _react_to_pod(self, change: Change, key: Key) -> None:
        labels = _labels(change.object)
        self._look_at(*self.index.selecting(key.namespace, labels))
        if change.previous is not None:
            before = _labels(change.previous)
            if before != labels:
                self._look_at(*self.index.selecting(key.namespace, before))
        gone = change.type == "DELETED"
        _keep(self.unscheduled, key, gone=gone or bool(change.object["spec"].get("nodeName")))
        if gone:
            self._acts.look_at(list(self.unscheduled))

    def _call_autoscalers(self, change: Change) -> None:
        before = (change.previous or {}).get("spec", {}).get("replicas")
        if change.object["spec"].get("replicas") == before:
            return
        for scaler in self._store.list("horizontalpodautoscalers", change.key[0]):
            if scaler["spec"]["scaleTargetRef"]["name"] == change.key[1]:
                self._acts.wake(Key("horizontalpodautoscalers", *_name(scaler)), self._acts.now + _AUTOSCALER_SYNC)

    def _collect(self, uid: str) -> None:
        """Delete what a deleted object owned, as the garbage collector does in the background."""
        for key in self.index.orphans(uid):
            orphan = self._store.get(*key)
            owner = controller_of(orphan) if orphan is not None else None
            if orphan is None or owner is None or owner["uid"] != uid:
                continue
            if key.resource == "pods":
                self._acts.retire_pod(orphan)
            else:
                self._acts.delete(key.resource, orphan)


def garbage_key(key: Key) -> Key:
    """Return the key under which the garbage collector looks at an object."""
    return Key("garbage", key.namespace, f"{key.resource}/{key.name}")


def _keep(place: dict[Key, None], key: Key, *, gone: bool) -> None:
    if gone:
        place.pop(key, None)
    else:
        place[key] = None


def _labels(obj: Json) -> Json:
    return obj["metadata"].get("labels") or {}


def _name(obj: Json) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _is_heartbeat(change: Change) -> bool:
    if change.resource != "nodes" or change.previous is None or change.type == "DELETED":
        return False
    before, after = change.previous, change.object
    same_resources = before["status"].get("allocatable") == after["status"].get("allocatable")
    return before["spec"] == after["spec"] and same_resources and _is_ready(before) == _is_ready(after)


def _is_ready(node: Json) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", ()))
