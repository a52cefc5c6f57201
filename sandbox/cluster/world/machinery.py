"""What controllers and kubelets share: the store, a queue of keys to look at, timers, and seeded randomness."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from sandbox.cluster.store import Change, Expired, Json, ObjectStore
from sandbox.cluster.world import names
from sandbox.cluster.world.clock import WorldClock, stamp
from sandbox.cluster.world.index import Index, Key, controller_of, selects

PLURALS = {
    "Deployment": "deployments",
    "ReplicaSet": "replicasets",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "Service": "services",
    "Node": "nodes",
    "Pod": "pods",
}
WATCHED = (
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "services",
    "horizontalpodautoscalers",
    "persistentvolumeclaims",
    "poddisruptionbudgets",
    "nodes",
    "pods",
)
_AUTOSCALER_SYNC = 15.0
_QUIET = 600.0  # seconds before the end of a long advance in which idle work is done at all


@dataclass(slots=True)
class _Pulse:
    period: float
    due: float


class Machinery:
    """Give access to the store, and say which key is to be looked at next and when."""

    def __init__(self, store: ObjectStore, clock: WorldClock, seed: int) -> None:
        self.store = store
        self.clock = clock
        self.seed = seed
        self.random = Random(f"world {seed}")
        self._seen = store.resource_version
        self._queue: dict[Key, None] = {}
        self._timers: list[tuple[float, int, Key]] = []
        self._wanted: dict[Key, float] = {}
        self._pulses: dict[Key, _Pulse] = {}
        self._order = 0
        self._index = Index()
        self._unscheduled: dict[Key, None] = {}

    # Time

    @property
    def now(self) -> float:
        """The time in POSIX seconds."""
        return self.clock.seconds

    def stamp(self) -> str:
        """Return the time as the API writes it."""
        return stamp(self.clock.seconds)

    # The store

    def peek(self, resource: str, namespace: str, name: str) -> Json | None:
        """Return an object, not to be changed."""
        return self.store.get(resource, namespace, name)

    def owned(self, resource: str, owner: Json) -> list[Json]:
        """Return the objects of a resource that an object controls, by name; not to be changed."""
        self._absorb()
        found = (self.store.get(*key) for key in self._index.owned(owner["metadata"]["uid"], resource))
        return [obj for obj in found if obj is not None]

    def selected(self, namespace: str, selector: Json) -> list[Json]:
        """Return the pods of a namespace that a selector of equal labels picks, by name; not to be changed."""
        self._absorb()
        found = (self.store.get(*key) for key in self._index.labelled(namespace, next(iter(selector.items()))))
        return [pod for pod in found if pod is not None and selects(selector, pod["metadata"].get("labels") or {})]

    def create(self, resource: str, obj: Json) -> Json:
        """Add an object, with a uid from the seed."""
        metadata = {**obj["metadata"]}
        metadata.setdefault("uid", names.uid(self.random))
        return self.store.create(resource, {**obj, "metadata": metadata})

    def update(self, resource: str, obj: Json) -> Json:
        """Replace an object."""
        return self.store.update(resource, obj)

    def set_status(self, resource: str, obj: Json, status: Json) -> None:
        """Replace an object's status, unless it is the same."""
        if obj.get("status") != status:
            self.store.update(resource, {**obj, "status": status})

    def delete(self, resource: str, obj: Json) -> None:
        """Remove an object at once."""
        metadata = obj["metadata"]
        if self.store.get(resource, metadata.get("namespace", ""), metadata["name"]) is not None:
            self.store.delete(resource, metadata.get("namespace", ""), metadata["name"])

    def retire_pod(self, pod: Json) -> None:
        """Mark a pod as to be deleted; its kubelet removes it when its containers have stopped."""
        metadata = pod["metadata"]
        if "deletionTimestamp" in metadata:
            return
        grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
        marks = {"deletionTimestamp": stamp(self.now + grace), "deletionGracePeriodSeconds": grace}
        self.store.update("pods", {**pod, "metadata": {**metadata, **marks}})

    # The queue

    def wake(self, key: Key, at: float) -> None:
        """Look at a key again at a time (or earlier)."""
        if self._wanted.get(key, float("inf")) <= at or at == float("inf"):
            return
        self._wanted[key] = at
        self._order += 1
        heapq.heappush(self._timers, (at, self._order, key))

    def pulse(self, key: Key, period: float) -> None:
        """Look at a key again and again; long advances leave out all but the last minutes of such idle work."""
        if key not in self._pulses:
            self._pulses[key] = _Pulse(period, self.now + period)

    def skip_idle(self, until: float) -> None:
        """Leave out the pulses of the quiet part of a long advance."""
        for pulse in self._pulses.values():
            if pulse.due < until - _QUIET:
                missed = (until - _QUIET - pulse.due) // pulse.period
                pulse.due += missed * pulse.period

    def next_due(self) -> float:
        """Return the time at which a key is to be looked at next; infinite if never."""
        timer = self._timers[0][0] if self._timers else float("inf")
        return min((timer, *(pulse.due for pulse in self._pulses.values())))

    def ring(self) -> None:
        """Queue all keys that are due."""
        while self._timers and self._timers[0][0] <= self.now:
            at, _, key = heapq.heappop(self._timers)
            if self._wanted.get(key) == at:
                del self._wanted[key]
            self._queue[key] = None
        for key, pulse in self._pulses.items():
            if pulse.due <= self.now:
                pulse.due += pulse.period
                self._queue[key] = None

    def take(self) -> Key | None:
        """Return the key to look at now, or None when all is done."""
        self._absorb()
        for key in self._queue:
            del self._queue[key]
            return key
        return None

    def requeue_unscheduled(self) -> None:
        """Let the scheduler try all waiting pods again."""
        self._queue.update(self._unscheduled)

    def _absorb(self) -> None:
        if self._seen == self.store.resource_version:
            return
        try:
            changes: Iterator[Change] = self.store.changes_since(self._seen)
        except Expired:
            self._relist()
            changes = iter(())
        self._seen = self.store.resource_version
        for change in changes:
            if change.resource != "events":
                self._react(change)

    def _react(self, change: Change) -> None:
        key = Key(change.resource, *change.key)
        if change.resource in WATCHED and not _is_heartbeat(change):
            self._queue[key] = None
        gone = change.type == "DELETED"
        self._index.note(key, change.object, gone=gone)
        if gone:
            self._collect(self._index.orphans(change.object["metadata"]["uid"]))
        owner = self._queue_owner(key.namespace, change.object)
        if gone and key.resource == "pods" and owner is not None:
            self._queue_owner(key.namespace, owner)  # a Deployment may wait for the last old pod
        if change.resource == "pods":
            self._react_to_pod(change, key)
        elif change.resource == "deployments":
            self._call_autoscalers(change)
        elif change.resource == "nodes" and not _is_heartbeat(change):
            self.requeue_unscheduled()
            self._queue.update({Key("daemonsets", *_name(obj)): None for obj in self.store.list("daemonsets")})
        elif change.resource == "persistentvolumeclaims":
            self.requeue_unscheduled()

    def _queue_owner(self, namespace: str, obj: Json) -> Json | None:
        owner = controller_of(obj)
        if owner is None or owner["kind"] not in PLURALS:
            return None
        key = Key(PLURALS[owner["kind"]], namespace, owner["name"])
        self._queue[key] = None
        return self.store.get(*key)

    def _react_to_pod(self, change: Change, key: Key) -> None:
        labels = change.object["metadata"].get("labels") or {}
        self._queue.update(dict.fromkeys(self._index.selecting(key.namespace, labels)))
        gone = change.type == "DELETED"
        if gone or change.object["spec"].get("nodeName"):
            self._unscheduled.pop(key, None)
        else:
            self._unscheduled[key] = None
        if gone:
            self.requeue_unscheduled()

    def _call_autoscalers(self, change: Change) -> None:
        before = (change.previous or {}).get("spec", {}).get("replicas")
        if change.object["spec"].get("replicas") == before:
            return
        for scaler in self.store.list("horizontalpodautoscalers", change.key[0]):
            if scaler["spec"]["scaleTargetRef"]["name"] == change.key[1]:
                self.wake(Key("horizontalpodautoscalers", *_name(scaler)), self.now + _AUTOSCALER_SYNC)

    def _collect(self, orphans: list[Key]) -> None:
        """Delete what a deleted object owned, as the garbage collector does in the background."""
        for key in orphans:
            orphan = self.store.get(*key)
            if orphan is None:
                continue
            if key.resource == "pods":
                self.retire_pod(orphan)
            else:
                self.delete(key.resource, orphan)

    def _relist(self) -> None:
        """Look at everything: the store's history does not reach back to what was seen last."""
        self._index.clear()
        self._unscheduled.clear()
        for resource in (*WATCHED, "endpointslices", "controllerrevisions"):
            for obj in self.store.list(resource):
                key = Key(resource, *_name(obj))
                if resource in WATCHED:
                    self._queue[key] = None
                self._index.note(key, obj, gone=False)
                if resource == "pods" and not obj["spec"].get("nodeName"):
                    self._unscheduled[key] = None


def owner_reference(owner: Json, api_version: str, kind: str) -> Json:
    """Return the reference that a controlled object carries."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


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
