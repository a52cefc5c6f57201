"""The objects of the simulated cluster, with the one rising resourceVersion that lists and watches depend on.

Stored dicts are never changed in place: a write puts a new dict in their stead. That is why they may be handed out, to
watches too, without a copy; whoever wants to change one makes a copy first and writes it with ``update``.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Json = dict[str, Any]
Objects = list[Json]
Key = tuple[str, str]  # namespace ("" for objects of the whole cluster), name

_UID_SPACE = uuid.UUID("5b1f0f0e-6a4c-5f0e-9d53-0d6f3c0f6f57")
_FIRST_RESOURCE_VERSION = 1000
_WITH_GENERATION = frozenset(
    {
        "cronjobs",
        "daemonsets",
        "deployments",
        "endpointslices",
        "ingresses",
        "jobs",
        "networkpolicies",
        "poddisruptionbudgets",
        "pods",
        "replicasets",
        "replicationcontrollers",
        "statefulsets",
    }
)
_CONTROLLER_ANNOTATION = "deployment.kubernetes.io/"
_NESTED = (dict, list)


def copied(value: Any) -> Any:
    """Return a copy of JSON down to the last leaf: much faster than `copy.deepcopy`, which remembers every part."""
    if isinstance(value, dict):
        return {name: copied(each) if isinstance(each, _NESTED) else each for name, each in value.items()}
    if isinstance(value, list):
        return [copied(each) if isinstance(each, _NESTED) else each for each in value]
    return value


class StoreError(Exception):
    """A request that the objects as they are do not allow."""


class AlreadyExists(StoreError):
    """An object of that name is there."""


class NotFound(StoreError):
    """No object of that name is there."""


class Expired(StoreError):
    """The history does not reach back to that resourceVersion."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write: the object after it (for DELETED the last state), and before it."""

    resource_version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    resource: str
    key: Key
    object: Json
    previous: Json | None


class ObjectStore:
    """Keep objects by (resource, namespace, name) as JSON dicts in API shape, with a bounded history for watches."""

    def __init__(self, clock: Callable[[], datetime], *, history: int = 2000) -> None:
        self._clock = clock
        self._objects: dict[str, dict[Key, Json]] = {}
        self._history: deque[Change] = deque()
        self._history_limit = history
        self._resource_version = _FIRST_RESOURCE_VERSION
        self._compacted = _FIRST_RESOURCE_VERSION
        self._created = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self.installed: set[str] = set()  # groups of custom resources

    @property
    def resource_version(self) -> int:
        """The version of the latest write."""
        return self._resource_version

    @property
    def compacted(self) -> int:
        """The oldest version that a watch or an exact list can still start from."""
        return self._compacted

    def now(self) -> datetime:
        """Return the time of the cluster, in UTC."""
        return self._clock().astimezone(UTC)

    def create(self, resource: str, obj: Json, *, dry_run: bool = False) -> Json:
        """Add an object; a uid, creationTimestamp or generation that it brings along is kept. Raises AlreadyExists.

        A dry run returns what would be stored, which has no resourceVersion.
        """
        key = _key(obj)
        objects = self._objects.setdefault(resource, {})
        if key in objects:
            raise AlreadyExists(f"{resource} {key[0]}/{key[1]}")
        stored: Json = copied(obj)
        metadata = stored["metadata"]
        self._created += 1  # a dry run has a uid of its own, too
        metadata.setdefault("uid", str(uuid.uuid5(_UID_SPACE, str(self._created))))
        metadata.setdefault("creationTimestamp", self.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        if resource in _WITH_GENERATION:
            metadata.setdefault("generation", 1)
        if dry_run:
            return stored
        metadata["resourceVersion"] = str(self._resource_version + 1)
        objects[key] = stored
        self._record("ADDED", resource, key, stored, None)
        return stored

    def update(self, resource: str, obj: Json, *, dry_run: bool = False) -> Json:
        """Replace an object; an equal one is no write. Identity and generation are the store's. Raises NotFound.

        A dry run returns what would be stored, with the old resourceVersion.
        """
        key = _key(obj)
        current = self._existing(resource, key)
        metadata, old = {**obj["metadata"]}, current["metadata"]
        for field in ("uid", "creationTimestamp", "resourceVersion", "generation"):
            metadata.pop(field, None)
            if field in old:
                metadata[field] = old[field]
        wanted = {**obj, "metadata": metadata}
        if wanted == current:
            return current
        # What stays as it is, is shared: a controller that reports a status copies no specification.
        stored: Json = {name: each if each is current.get(name) else copied(each) for name, each in wanted.items()}
        metadata = stored["metadata"]
        if "generation" in old and _is_new_intent(resource, current, stored):
            metadata["generation"] = old["generation"] + 1
        if dry_run:
            return stored
        metadata["resourceVersion"] = str(self._resource_version + 1)
        self._objects[resource][key] = stored
        self._record("MODIFIED", resource, key, stored, current)
        return stored

    def delete(self, resource: str, namespace: str, name: str) -> Json:
        """Remove an object at once and return its last state. Raises NotFound."""
        key = (namespace, name)
        current = self._existing(resource, key)
        last = {**current, "metadata": {**current["metadata"], "resourceVersion": str(self._resource_version + 1)}}
        del self._objects[resource][key]
        self._record("DELETED", resource, key, last, current)
        return last

    def get(self, resource: str, namespace: str, name: str) -> Json | None:
        """Return the stored object, not to be changed by the caller."""
        return self._objects.get(resource, {}).get((namespace, name))

    def resources(self) -> tuple[str, ...]:
        """Return the names of the resources of which there were objects."""
        return tuple(self._objects)

    def list(self, resource: str, namespace: str | None = None) -> Objects:
        """Return the stored objects ordered by namespace and name, not to be changed by the caller."""
        return _ordered(self._objects.get(resource, {}), namespace)

    def list_at(self, resource: str, namespace: str | None, resource_version: int) -> Objects:
        """Return the objects as they were at an earlier version. Raises Expired."""
        if resource_version < self._compacted:
            raise Expired(str(resource_version))
        objects = dict(self._objects.get(resource, {}))
        for change in reversed(self._history):
            if change.resource_version <= resource_version:
                break
            if change.resource != resource:
                continue
            if change.previous is None:
                objects.pop(change.key, None)
            else:
                objects[change.key] = change.previous
        return _ordered(objects, namespace)

    def changes_since(self, resource_version: int) -> Iterator[Change]:
        """Return the writes after a version, oldest first. Raises Expired."""
        if resource_version < self._compacted:
            raise Expired(str(resource_version))
        newer: list[Change] = []
        for change in reversed(self._history):
            if change.resource_version <= resource_version:
                break
            newer.append(change)
        return reversed(newer)

    async def changed(self, resource_version: int) -> None:
        """Wait until there is a write after a version; the caller sets the deadline."""
        while self._resource_version <= resource_version:
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)

    def expire(self) -> None:
        """Forget the history: every version before the latest is too old from now on."""
        self._history.clear()
        self._compacted = self._resource_version

    def _existing(self, resource: str, key: Key) -> Json:
        current = self._objects.get(resource, {}).get(key)
        if current is None:
            raise NotFound(f"{resource} {key[0]}/{key[1]}")
        return current

    def _record(
        self,
        kind: Literal["ADDED", "MODIFIED", "DELETED"],
        resource: str,
        key: Key,
        obj: Json,
        previous: Json | None,
    ) -> None:
        self._resource_version += 1
        self._history.append(Change(self._resource_version, kind, resource, key, obj, previous))
        while len(self._history) > self._history_limit:
            self._compacted = self._history.popleft().resource_version
        for future in self._waiting:
            if not future.done():
                future.set_result(None)


def _key(obj: Json) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _ordered(objects: dict[Key, Json], namespace: str | None) -> Objects:
    return [objects[key] for key in sorted(objects) if namespace is None or key[0] == namespace]


def _is_new_intent(resource: str, before: Json, after: Json) -> bool:
    """Tell whether a write raises the generation: a new spec does, and for a Deployment new annotations do as well.

    The annotations that the deployment controller keeps do not count: it writes them through the status. Nor does what
    the API server itself fills in: a pod's node (its binding), a Job's selector and the labels that go with it. The
    wish that an object be gone is new intent.
    """
    if "deletionTimestamp" in after["metadata"] and "deletionTimestamp" not in before["metadata"]:
        return True
    if before.get("spec") != after.get("spec"):
        return not _is_filled_in(resource, before["spec"], after["spec"])
    return resource == "deployments" and _annotations(before) != _annotations(after)


def _is_filled_in(resource: str, before: Json, after: Json) -> bool:
    match resource:
        case "pods":
            return not before.get("nodeName") and {**before, "nodeName": after.get("nodeName")} == after
        case "jobs":
            return not before.get("selector") and bool(after.get("selector"))
        case _:
            return False


def _annotations(obj: Json) -> Json:
    annotations = obj["metadata"].get("annotations") or {}
    return {name: value for name, value in annotations.items() if not name.startswith(_CONTROLLER_ANNOTATION)}
