"""What controllers and kubelets share: the store, a queue of keys to look at, timers, and seeded randomness."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from sandbox.cluster.admission.denied import Denied
from sandbox.cluster.admission.pods import admitted_pod, check_pod
from sandbox.cluster.labels import selector_matches
from sandbox.cluster.store import Change, Expired, Json, ObjectStore
from sandbox.cluster.validation.pods import pod_spec_faults
from sandbox.cluster.world import names
from sandbox.cluster.world.clock import WorldClock, stamp
from sandbox.cluster.world.index import Key, selects
from sandbox.cluster.world.reactions import Reactions

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
        self._reactions = Reactions(self, store)

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
        found = (self.store.get(*key) for key in self._reactions.index.owned(owner["metadata"]["uid"], resource))
        return [obj for obj in found if obj is not None]

    def selected(self, namespace: str, selector: Json) -> list[Json]:
        """Return the pods of a namespace that a selector of equal labels picks, by name; not to be changed."""
        self._absorb()
        found = (
            self.store.get(*key) for key in self._reactions.index.labelled(namespace, next(iter(selector.items())))
        )
        return [pod for pod in found if pod is not None and selects(selector, pod["metadata"].get("labels") or {})]

    def dependents(self, owner: Json) -> list[tuple[str, Json]]:
        """Return everything that an object controls, with its resource; not to be changed."""
        self._absorb()
        keys = self._reactions.index.dependents(owner["metadata"]["uid"])
        found = ((key.resource, self.store.get(*key)) for key in keys)
        return [(resource, obj) for resource, obj in found if obj is not None]

    def loose(self, resource: str, namespace: str, selector: Json) -> list[Json]:
        """Return the pods or ReplicaSets that nobody controls and a selector picks; not to be changed."""
        self._absorb()
        keys = self._reactions.loose.get((resource, namespace), {})
        found = (self.store.get(*key) for key in keys)
        return [obj for obj in found if obj and selector_matches(selector, obj["metadata"].get("labels") or {})]

    def create_pod(self, pod: Json) -> Json:
        """Add a pod if admission lets it in. Raises Denied."""
        pod = admitted_pod(self.store, pod)
        faults = pod_spec_faults("spec", pod["spec"])
        if faults:
            name, told = pod["metadata"]["name"], ", ".join(f"{fault.field}: {fault.message}" for fault in faults)
            raise Denied(f'Pod "{name}" is invalid: {told if len(faults) == 1 else f"[{told}]"}')
        check_pod(self.store, pod)
        return self.create("pods", pod)

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
        """Remove an object, or mark it as to be deleted while somebody's finalizers hold it."""
        metadata = obj["metadata"]
        place = (resource, metadata.get("namespace", ""), metadata["name"])
        current = self.store.get(*place)
        if current is None:
            return
        if not current["metadata"].get("finalizers"):
            self.store.delete(*place)
        elif "deletionTimestamp" not in current["metadata"]:
            self.mark(resource, current)
        else:
            marks = {**current["metadata"], "deletionGracePeriodSeconds": 0}
            self.store.update(resource, {**current, "metadata": marks})

    def let_go(self, resource: str, obj: Json, finalizer: str) -> None:
        """Take a finalizer from an object that is to be deleted; without any left it is gone."""
        left = [name for name in obj["metadata"].get("finalizers") or () if name != finalizer]
        metadata = {name: value for name, value in obj["metadata"].items() if name != "finalizers"}
        if left:
            metadata["finalizers"] = left
        changed = self.update(resource, {**obj, "metadata": metadata})
        if not left:
            self.delete(resource, changed)

    def retire_pod(self, pod: Json) -> None:
        """Mark a pod as to be deleted; its kubelet removes it when its containers have stopped."""
        self.mark("pods", pod, grace=pod["spec"].get("terminationGracePeriodSeconds", 30))

    def mark(self, resource: str, obj: Json, *finalizers: str, grace: int = 0) -> None:
        """Mark an object as to be deleted, held by more finalizers if any are named."""
        metadata = obj["metadata"]
        if "deletionTimestamp" in metadata:
            return
        marks: Json = {"deletionTimestamp": stamp(self.now + grace), "deletionGracePeriodSeconds": grace}
        if finalizers:
            marks["finalizers"] = [*(metadata.get("finalizers") or ()), *finalizers]
        self.store.update(resource, {**obj, "metadata": {**metadata, **marks}})

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
        self.look_at(self._reactions.unscheduled)

    def look_at(self, keys: Iterable[Key]) -> None:
        """Queue keys; what is queued already keeps its place."""
        self._queue.update(dict.fromkeys(keys))

    def _absorb(self) -> None:
        if self._seen == self.store.resource_version:
            return
        try:
            changes: Iterator[Change] = self.store.changes_since(self._seen)
        except Expired:
            self._seen = self.store.resource_version
            self._reactions.relist()
            return
        self._seen = self.store.resource_version
        for change in changes:
            if change.resource != "events":
                self._reactions.react(change)


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
