"""The subresource ``scale``: the number of a workload's pods as an object of its own."""

from __future__ import annotations

from sandbox.cluster.api.calls import Call, JsonAnswer
from sandbox.cluster.api.errors import bad_request, conflict, details_of, invalid
from sandbox.cluster.api.reads import find_object, scale_of
from sandbox.cluster.api.representation import typed
from sandbox.cluster.api.writes.bodies import read_body, told_unknown
from sandbox.cluster.api.writes.objects import check_version, store_change, stored_uid_conflict
from sandbox.cluster.api.writes.options import WriteOptions, write_options
from sandbox.cluster.api.writes.patches import check_patch, patched
from sandbox.cluster.api.writes.prepare import normalized
from sandbox.cluster.schema.decode import Decoded
from sandbox.cluster.schema.managed import without_replicas
from sandbox.cluster.store import Json, ObjectStore
from sandbox.cluster.validation.others import scale_faults

_API_VERSION = "autoscaling/v1"


def replace_scale(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a PUT of a scale. Raises Refusal."""
    options = write_options(call, "scale")
    body = read_body(call, _API_VERSION, "Scale", is_strict=options.is_strict)
    metadata = body.obj["metadata"]
    _check_name(call, metadata)
    current = find_object(call, store)
    _check_scale(body.obj)
    check_version(call.kind, current, metadata)
    if metadata.get("uid", current["metadata"]["uid"]) != current["metadata"]["uid"]:
        raise stored_uid_conflict(call.kind, current, metadata["uid"])
    return _write(call, store, current, body, options)


def patch_scale(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a PATCH of a scale. Raises Refusal."""
    options = write_options(call, "scale")
    changes = check_patch(call)
    current = find_object(call, store)
    body = patched(call, scale_of(current), changes, is_strict=options.is_strict)
    metadata, uid = body.obj["metadata"], current["metadata"]["uid"]
    _check_name(call, metadata)
    check_version(call.kind, current, metadata)
    if metadata.get("uid", uid) != uid:
        details = details_of(call.kind.group, f"{call.kind.resource}/scale", call.target.name)
        reason = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {uid}"
        raise conflict(f"{call.kind.resource}/scale.{call.kind.group}", details, reason)
    _check_scale(body.obj)
    return _write(call, store, current, body, options)


def _check_name(call: Call, metadata: Json) -> None:
    name = metadata.get("name", "")
    if not name:
        text = f"the name of the object ({call.target.name} based on URL) was undeterminable: name must be provided"
        raise bad_request(text)
    if name != call.target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.target.name})")


def _check_scale(scale: Json) -> None:
    faults = scale_faults(scale)
    if faults:
        name = scale["metadata"]["name"]
        details = details_of("autoscaling", "Scale", name)
        raise invalid("Scale.autoscaling", name, *faults, details=details)


def _write(call: Call, store: ObjectStore, current: Json, body: Decoded, options: WriteOptions) -> JsonAnswer:
    before = normalized(call.kind, current)
    new = {**before, "spec": {**before["spec"], "replicas": body.obj["spec"].get("replicas", 0)}}
    new["metadata"] = dict(new["metadata"])
    if before["spec"].get("replicas") == new["spec"]["replicas"] and not options.dry_run:
        stored = _unchanged(call, store, current)
    else:
        stored = store_change(call.kind, store, typed(call.kind, current), new, options)
    warnings = tuple(told_unknown(body.unknown)) if options.warns else ()
    return JsonAnswer(scale_of(stored), warnings=warnings)


def _unchanged(call: Call, store: ObjectStore, current: Json) -> Json:
    """Store what a scale that changes no number changes nevertheless: who owns the number."""
    metadata = current["metadata"]
    entries = without_replicas(metadata.get("managedFields") or [])
    if entries == (metadata.get("managedFields") or []):
        return current
    return store.update(call.kind.resource, {**current, "metadata": {**metadata, "managedFields": entries}})
