"""DELETE of one object or of a collection: preconditions, grace, finalizers, and what becomes of dependents."""

from __future__ import annotations

from dataclasses import replace

from sandbox.cluster.api.calls import Call, JsonAnswer
from sandbox.cluster.api.errors import details_of
from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.api.reads import find_object, shape_list
from sandbox.cluster.api.representation import typed
from sandbox.cluster.api.selectors import matcher
from sandbox.cluster.api.writes.options import DeleteOptions, check_preconditions, delete_options
from sandbox.cluster.store import Json, ObjectStore
from sandbox.cluster.world.clock import parse_stamp, stamp

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
# These answer with the object instead of a Status.
_ANSWERED_WHOLE = frozenset(
    {"persistentvolumeclaims", "persistentvolumes", "pods", "resourcequotas", "serviceaccounts", "services"}
)
_ORPHANED_BY_DEFAULT = frozenset({"jobs", "replicationcontrollers"})
_JOB_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set"
    " propagationPolicy=Orphan to suppress this warning"
)


def delete(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a DELETE of one object. Raises Refusal (404, 409, 422)."""
    options = delete_options(call)
    obj = find_object(call, store)
    warnings = (_JOB_WARNING,) if call.kind.resource == "jobs" and not options.policy else ()
    last, is_gone = delete_object(call.kind, store, obj, options)
    if is_gone and call.kind.resource not in _ANSWERED_WHOLE:
        details = {**details_of(call.kind.group, call.kind.resource, call.target.name), "uid": obj["metadata"]["uid"]}
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return JsonAnswer(body, warnings=warnings)
    return JsonAnswer(typed(call.kind, last), warnings=warnings)


def delete_collection(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a DELETE of a collection: every object that the selectors pick. Raises Refusal (400, 422)."""
    options = delete_options(call)
    matches = matcher(call.kind, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
    found = [
        obj for obj in store.list(call.kind.resource, call.target.namespace or None) if matches is None or matches(obj)
    ]
    for obj in found:
        delete_object(call.kind, store, obj, replace(options, uid="", resource_version=""))
    return JsonAnswer(shape_list(call, found, {"resourceVersion": str(store.resource_version)}, store))


def delete_object(kind: Kind, store: ObjectStore, obj: Json, options: DeleteOptions) -> tuple[Json, bool]:
    """Delete an object or mark it as to be deleted; return its last state and whether it is gone. Raises Refusal."""
    check_preconditions(kind, obj, options)
    metadata = obj["metadata"]
    grace = _grace(kind, obj, options)
    if "deletionTimestamp" in metadata and grace >= metadata.get("deletionGracePeriodSeconds", 0) > 0:
        return obj, False
    marked = _marked(kind, store, obj, options, grace)
    if kind.resource == "namespaces":
        marked["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
    waits = grace > 0 or bool(marked["metadata"].get("finalizers")) or kind.resource == "namespaces"
    if options.dry_run:
        return store.update(kind.resource, marked, dry_run=True), not waits
    if waits:
        return store.update(kind.resource, marked), False
    last = store.delete(kind.resource, metadata.get("namespace", ""), metadata["name"])
    if kind.resource not in _ANSWERED_WHOLE:
        return last, True
    shown = {**marked["metadata"], "resourceVersion": last["metadata"]["resourceVersion"]}
    if "generation" in metadata:
        shown["generation"] = metadata["generation"] + 1
    if kind.resource != "pods":
        shown = last["metadata"]
    return {**marked, "metadata": shown}, True


def _grace(kind: Kind, obj: Json, options: DeleteOptions) -> int:
    """Return the seconds that an object has left; only pods on a node that still run have any."""
    if kind.resource != "pods":
        return 0
    if not obj["spec"].get("nodeName") or obj["status"].get("phase") in {"Succeeded", "Failed"}:
        return 0
    grace = obj["spec"].get("terminationGracePeriodSeconds", 30) if options.grace is None else options.grace
    return max(int(grace), 1) if grace < 0 else int(grace)


def _marked(kind: Kind, store: ObjectStore, obj: Json, options: DeleteOptions, grace: int) -> Json:
    """Return an object that says when it is to go, and what is to be done before."""
    metadata, now = dict(obj["metadata"]), store.now().timestamp()
    if "deletionTimestamp" in metadata:
        now = parse_stamp(metadata["deletionTimestamp"]) - metadata.get("deletionGracePeriodSeconds", 0)
    metadata["deletionTimestamp"] = stamp(now + grace)
    metadata["deletionGracePeriodSeconds"] = grace
    finalizers = [name for name in metadata.get("finalizers") or () if name not in {ORPHAN, FOREGROUND}]
    policy = options.policy or ("Orphan" if kind.resource in _ORPHANED_BY_DEFAULT else "Background")
    if policy == "Orphan":
        finalizers.append(ORPHAN)
    elif policy == "Foreground":
        finalizers.append(FOREGROUND)
    metadata.pop("finalizers", None)
    if finalizers:
        metadata["finalizers"] = finalizers
    return {**obj, "metadata": metadata}
