"""Which write answers which request."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandbox.cluster.api.calls import Call, JsonAnswer, Target
from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.api.writes.deletion import delete, delete_collection
from sandbox.cluster.api.writes.eviction import evict
from sandbox.cluster.api.writes.objects import create, patch, replace
from sandbox.cluster.api.writes.scaling import patch_scale, replace_scale
from sandbox.cluster.store import ObjectStore

_WRITES: Mapping[tuple[str, str], Callable[[Call, ObjectStore], JsonAnswer]] = {
    ("create", ""): create,
    ("create", "eviction"): evict,
    ("update", ""): replace,
    ("update", "status"): replace,
    ("update", "scale"): replace_scale,
    ("patch", ""): patch,
    ("patch", "status"): patch,
    ("patch", "scale"): patch_scale,
    ("delete", ""): delete,
    ("deletecollection", ""): delete_collection,
}


def is_served(target: Target, kind: Kind) -> bool:
    """Tell whether a verb fits what the path names: one object, or a collection."""
    match target.verb:
        case "create":
            in_collection = not target.name and (bool(target.namespace) or not kind.namespaced)
            return bool(target.subresource) or in_collection
        case "update" | "patch" | "delete":
            return bool(target.name)
        case "deletecollection":
            return bool(target.namespace) or not kind.namespaced
        case _:
            return True


def answer_write(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a write. Raises Refusal."""
    return _WRITES[call.target.verb, call.target.subresource](call, store)
