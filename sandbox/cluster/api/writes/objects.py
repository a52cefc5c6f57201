"""Create, replace and patch whole objects, or their status."""

from __future__ import annotations

from random import Random

from sandbox.cluster.admission.denied import Denied
from sandbox.cluster.admission.pods import admitted_pod, check_pod
from sandbox.cluster.admission.quotas import check_quota
from sandbox.cluster.api.calls import Call, JsonAnswer
from sandbox.cluster.api.errors import (
    Refusal,
    already_exists,
    bad_request,
    conflict,
    details_of,
    invalid_object,
    modified,
    not_found,
)
from sandbox.cluster.api.kinds import Kind, find_kind
from sandbox.cluster.api.reads import find_object, shape_object
from sandbox.cluster.api.representation import typed
from sandbox.cluster.api.writes.bodies import read_body, told_unknown
from sandbox.cluster.api.writes.options import WriteOptions, write_options
from sandbox.cluster.api.writes.patches import check_patch, patched
from sandbox.cluster.api.writes.prepare import for_creation, normalized, with_defaults
from sandbox.cluster.schema.decode import Decoded
from sandbox.cluster.schema.managed import updated
from sandbox.cluster.schema.types import struct_of
from sandbox.cluster.store import Json, ObjectStore
from sandbox.cluster.validation.rules import change_faults, creation_faults
from sandbox.cluster.world import names
from sandbox.cluster.world.clock import stamp

_KEPT = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


def create(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a POST of a collection. Raises Refusal."""
    options = write_options(call)
    body = read_body(call, call.kind.api_version, call.kind.kind, is_strict=options.is_strict)
    random = Random(f"created after {store.resource_version}")
    with _Warned(body, options):
        obj = _placed(call, body.obj, random)
        said = with_defaults(call.kind, obj)
        obj = for_creation(call.kind, obj, random)
        if call.kind.resource != "pods":
            said = obj  # of a pod nobody owns what admission adds
        obj = _admitted(call.kind, store, obj)
        metadata = obj["metadata"]
        standing = store.get(call.kind.resource, metadata.get("namespace", ""), metadata["name"])
        if standing is not None:
            raise already_exists(call.kind, metadata["name"], is_going="deletionTimestamp" in standing["metadata"])
        metadata["managedFields"] = _managed(call.kind, None, said, options, store)
        if not metadata["managedFields"]:
            del metadata["managedFields"]
        stored = store.create(call.kind.resource, obj, dry_run=options.dry_run)
        return JsonAnswer(shape_object(call, stored, store), 201, warnings=_warnings(body, options))


def replace(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a PUT. Raises Refusal."""
    options = write_options(call, call.target.subresource)
    body = read_body(call, call.kind.api_version, call.kind.kind, is_strict=options.is_strict)
    with _Warned(body, options):
        metadata = body.obj["metadata"]
        _check_name(call, metadata)
        current = find_object(call, store)
        if metadata.get("uid", current["metadata"]["uid"]) != current["metadata"]["uid"]:
            raise stored_uid_conflict(call.kind, current, metadata["uid"])
        check_version(call.kind, current, metadata)
        return _write(call, store, current, body, options)


def patch(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer a PATCH. Raises Refusal."""
    options = write_options(call, call.target.subresource)
    changes = check_patch(call)
    current = find_object(call, store)
    body = patched(call, typed(call.kind, current), changes, is_strict=options.is_strict)
    with _Warned(body, options):
        metadata = body.obj["metadata"]
        _check_name(call, metadata)
        check_version(call.kind, current, metadata)
        return _write(call, store, current, body, options)


class _Warned:
    """Lets a refusal carry the warnings too."""

    def __init__(self, body: Decoded, options: WriteOptions) -> None:
        self._warnings = _warnings(body, options)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Refusal):
            error.warnings = self._warnings


def _warnings(body: Decoded, options: WriteOptions) -> tuple[str, ...]:
    return tuple(told_unknown(body.unknown)) if options.warns else ()


def _placed(call: Call, obj: Json, random: Random) -> Json:
    """Return a new object with the namespace of its path, and a name if one is to be made. Raises Refusal."""
    metadata, namespace = dict(obj["metadata"]), call.target.namespace
    if call.kind.namespaced:
        if metadata.get("namespace", namespace) != namespace:
            text = "the namespace of the provided object does not match the namespace sent on the request"
            raise bad_request(text)
        metadata["namespace"] = namespace
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + names.suffix(random)
    return {**obj, "metadata": metadata}


def _admitted(kind: Kind, store: ObjectStore, obj: Json) -> Json:
    """Return an object that may be created. Raises Refusal (403, 404, 422)."""
    _check_namespace(kind, store, obj)
    name = obj["metadata"].get("name", "")
    try:
        if kind.resource == "pods" and name:
            obj = admitted_pod(store, obj)
        faults = creation_faults(kind, obj)
        if faults:
            raise invalid_object(kind, name, *faults)
        if kind.resource == "pods":
            check_pod(store, obj)
        else:
            check_quota(store, kind.resource, kind.qualified, obj)
    except Denied as denied:
        details = details_of(kind.group, kind.resource, name)
        raise Refusal(403, "Forbidden", str(denied), details) from None
    return obj


def _check_namespace(kind: Kind, store: ObjectStore, obj: Json) -> None:
    if not kind.namespaced:
        return
    name = obj["metadata"]["namespace"]
    namespace = store.get("namespaces", "", name)
    namespaces = find_kind("", "v1", "namespaces")
    if namespace is None and namespaces is not None:
        raise not_found(namespaces, name)
    if namespace is not None and "deletionTimestamp" in namespace["metadata"]:
        text = f"unable to create new content in namespace {name} because it is being terminated"
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {name} is being terminated",
            "field": "metadata.namespace",
        }
        subject = obj["metadata"].get("name", "")
        details = {**details_of(kind.group, kind.resource, subject), "causes": [cause]}
        raise Refusal(403, "Forbidden", f'{kind.qualified} "{subject}" is forbidden: {text}', details)


def _check_name(call: Call, metadata: Json) -> None:
    """Refuse an object that is not the one of the path. Raises Refusal (400)."""
    name = metadata.get("name", "")
    if not name:
        text = f"the name of the object ({call.target.name} based on URL) was undeterminable: name must be provided"
        raise bad_request(text)
    if name != call.target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.target.name})")
    if call.kind.namespaced and metadata.get("namespace", call.target.namespace) != call.target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def check_version(kind: Kind, current: Json, metadata: Json) -> None:
    """Refuse a write that was made from another version. Raises Refusal (409, 500)."""
    version = metadata.get("resourceVersion", "")
    if version and not version.isdecimal():
        raise Refusal(500, "", f'strconv.ParseUint: parsing "{version}": invalid syntax')
    if version not in {"", "0", current["metadata"]["resourceVersion"]}:
        raise modified(kind, current["metadata"]["name"])


def stored_uid_conflict(kind: Kind, current: Json, asked: str) -> Refusal:
    """Return the 409 of a PUT that names another uid."""
    metadata = current["metadata"]
    place = f"{metadata['namespace']}/{metadata['name']}" if kind.namespaced else metadata["name"]
    reason = (
        f"StorageError: invalid object, Code: 4, Key: /registry/{kind.resource}/{place}, ResourceVersion: 0,"
        f" AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {metadata['uid']}"
    )
    return conflict(kind.qualified, details_of(kind.group, kind.resource, metadata["name"]), reason)


def _write(call: Call, store: ObjectStore, current: Json, body: Decoded, options: WriteOptions) -> JsonAnswer:
    new = _merged_with_system(call, current, with_defaults(call.kind, body.obj))
    stored = store_change(call.kind, store, current, new, options)
    return JsonAnswer(shape_object(call, stored, store), warnings=_warnings(body, options))


def store_change(kind: Kind, store: ObjectStore, current: Json, new: Json, options: WriteOptions) -> Json:
    """Validate and store an object in another's place, unless it is a dry run. Raises Refusal (422)."""
    before = normalized(kind, current)
    faults = change_faults(kind, before, new)
    if faults:
        raise invalid_object(kind, current["metadata"]["name"], *faults)
    if _same(before, new):
        return current
    new["metadata"]["managedFields"] = _managed(kind, before, new, options, store)
    if not new["metadata"]["managedFields"]:
        del new["metadata"]["managedFields"]
    metadata = new["metadata"]
    is_done = "deletionTimestamp" in metadata and not metadata.get("finalizers")
    if is_done and not metadata.get("deletionGracePeriodSeconds"):
        if not options.dry_run:
            store.delete(kind.resource, metadata.get("namespace", ""), metadata["name"])
        return new
    return store.update(kind.resource, new, dry_run=options.dry_run)


def _merged_with_system(call: Call, current: Json, new: Json) -> Json:
    """Return a new object with what is not the caller's to change: identity, and the other half of the object."""
    metadata = {name: value for name, value in new["metadata"].items() if name not in {"selfLink", *_KEPT[1:]}}
    metadata.setdefault("uid", current["metadata"]["uid"])
    metadata |= {name: current["metadata"][name] for name in _KEPT[1:] if name in current["metadata"]}
    metadata["resourceVersion"] = current["metadata"]["resourceVersion"]
    metadata.pop("managedFields", None)
    if "managedFields" in current["metadata"]:
        metadata["managedFields"] = current["metadata"]["managedFields"]
    if call.kind.namespaced:
        metadata["namespace"] = call.target.namespace
    kept = {name: value for name, value in typed(call.kind, current).items() if name not in {"metadata", "status"}}
    if call.target.subresource == "status":
        return {**kept, "metadata": dict(current["metadata"]), "status": new.get("status") or {}}
    merged = {**new, "metadata": metadata}
    merged.pop("status", None)
    return {**merged, "status": current["status"]} if "status" in current else merged


def _managed(kind: Kind, before: Json | None, after: Json, options: WriteOptions, store: ObjectStore) -> list[Json]:
    at = stamp(store.now().timestamp())
    return updated(struct_of(kind.api_version, kind.kind), before, after, options.manager, at)


def _same(before: Json, after: Json) -> bool:
    def bare(obj: Json) -> Json:
        hidden = {"resourceVersion", "managedFields", "generation"}
        metadata = {name: value for name, value in obj["metadata"].items() if name not in hidden}
        return {**obj, "metadata": metadata}

    return bare(before) == bare(after)
