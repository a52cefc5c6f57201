"""Reads of single objects and of lists: pages, versions, selectors, forms."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.cluster.api.calls import Call, JsonAnswer
from sandbox.cluster.api.errors import (
    Cause,
    Refusal,
    bad_request,
    bad_resource_version,
    expired,
    invalid_list_options,
    not_found,
    version_too_large,
)
from sandbox.cluster.api.representation import (
    META_VERSION,
    Representation,
    check_for_list,
    check_for_object,
    metadata_of,
    typed,
    untyped,
)
from sandbox.cluster.api.selectors import matcher, selector_text
from sandbox.cluster.api.tables import table
from sandbox.cluster.store import Expired, Json, Objects, ObjectStore

_TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105  # the format of continue tokens, no secret
_CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
_VERSION_EXPIRED = "The resourceVersion for the provided list is too old."


def get_object(call: Call, store: ObjectStore) -> JsonAnswer:
    """Answer with one object, or with its scale. Raises Refusal (404)."""
    asked = call.query.get("resourceVersion", "")
    if asked:
        parse_version(asked)
    obj = find_object(call, store)
    if call.target.subresource == "scale":
        return JsonAnswer(scale_of(obj))
    return JsonAnswer(shape_object(call, obj, store))


def find_object(call: Call, store: ObjectStore) -> Json:
    """Return the stored object that the call names. Raises Refusal (404)."""
    namespace = call.target.namespace if call.kind.namespaced else ""
    obj = store.get(call.kind.resource, namespace, call.target.name)
    if obj is None:
        raise not_found(call.kind, call.target.name)
    return obj


def shape_object(call: Call, obj: Json, store: ObjectStore) -> Json:
    """Return one object in the form that was asked for."""
    check_for_object(call.kind, call.shape)
    match call.shape:
        case Representation.TABLE:
            version = obj["metadata"].get("resourceVersion", "")
            return table(call.kind, [obj], version, store.now(), call.query.get("includeObject", ""))
        case Representation.METADATA:
            return metadata_of(obj)
        case _:
            return typed(call.kind, obj)


async def list_objects(call: Call, store: ObjectStore, *, future_wait_s: float) -> JsonAnswer:
    """Answer with a list, or a page of one. A version from the future is refused after a wait."""
    check_for_list(call.kind, call.shape)
    matches = matcher(call.kind, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
    page = await _page(call, store, future_wait_s)
    items = page.items if matches is None else [obj for obj in page.items if matches(obj)]
    metadata: Json = {"resourceVersion": str(page.version)}
    if page.limit and len(items) > page.limit:
        rest = items[page.limit :]
        items = items[: page.limit]
        metadata["continue"] = _encode_token(page.token_version, _start_after(call, items[-1]))
        if matches is None:
            metadata["remainingItemCount"] = len(rest)
    return JsonAnswer(shape_list(call, items, metadata, store))


def shape_list(call: Call, items: Sequence[Json], metadata: Json, store: ObjectStore) -> Json:
    """Return a list in the form that was asked for."""
    if call.shape is Representation.TABLE:
        version = metadata.get("resourceVersion", "")
        body = table(call.kind, items, version, store.now(), call.query.get("includeObject", ""))
        return {**body, "metadata": metadata}
    if call.shape is Representation.METADATA_LIST:
        kind, api_version, bodies = "PartialObjectMetadataList", META_VERSION, [metadata_of(obj) for obj in items]
    else:
        kind, api_version, bodies = f"{call.kind.kind}List", call.kind.api_version, [untyped(obj) for obj in items]
    return {"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": bodies}


def parse_version(text: str) -> int:
    """Read a resourceVersion. Raises Refusal (500, as the server does)."""
    if not text.isdecimal():
        raise bad_resource_version(text)
    return int(text)


@dataclass(frozen=True, slots=True)
class _Page:
    items: Objects
    version: int
    token_version: int
    limit: int | None


async def _page(call: Call, store: ObjectStore, future_wait_s: float) -> _Page:
    """Choose the objects by version and continue token, not yet by selectors."""
    namespace = call.target.namespace or None
    resource = call.kind.resource
    limit = call.number("limit")
    token, asked = call.query.get("continue", ""), call.query.get("resourceVersion", "")
    match = call.query.get("resourceVersionMatch", "")
    _check_options(token, asked, match)
    if token:
        return _continued(call, store, token, limit)
    current = store.resource_version
    if not asked or asked == "0":
        # From the cache (version 0) the limit is ignored: everything comes at once.
        return _Page(store.list(resource, namespace), current, current, limit if not asked else None)
    try:
        version = parse_version(asked)
    except Refusal as refusal:
        raise bad_request(f"invalid resource version: {refusal.message}") from None
    if version > current:
        await _await_version(store, version, future_wait_s)
    if match == "Exact" or (not match and limit):
        try:
            return _Page(store.list_at(resource, namespace, version), version, version, limit)
        except Expired:
            raise expired(_VERSION_EXPIRED) from None
    current = store.resource_version
    return _Page(store.list(resource, namespace), current, current, limit)


def _check_options(token: str, asked: str, match: str) -> None:
    if token and asked and asked != "0":
        raise bad_request("specifying resource version is not allowed when using continue")
    if not match:
        return
    if token:
        raise invalid_list_options(
            Cause(
                "FieldValueForbidden",
                "Forbidden: resourceVersionMatch is forbidden when continue is provided",
                "resourceVersionMatch",
            )
        )
    if not asked:
        raise invalid_list_options(
            Cause(
                "FieldValueForbidden",
                "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
                "resourceVersionMatch",
            )
        )
    if match not in {"Exact", "NotOlderThan"}:
        raise invalid_list_options(
            Cause(
                "FieldValueNotSupported",
                f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan"',
                "resourceVersionMatch",
            )
        )
    if match == "Exact" and asked == "0":
        raise invalid_list_options(
            Cause(
                "FieldValueForbidden",
                'Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0"',
                "resourceVersionMatch",
            )
        )


async def _await_version(store: ObjectStore, version: int, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await store.changed(version - 1)
    except TimeoutError:
        raise version_too_large(version, store.resource_version) from None


def _continued(call: Call, store: ObjectStore, token: str, limit: int | None) -> _Page:
    version, start = _decode_token(token)
    namespace = call.target.namespace or None
    if version < 0:
        current = store.resource_version
        objects = store.list(call.kind.resource, namespace)
        return _Page(_from(call, objects, start), current, current, limit)
    try:
        objects = store.list_at(call.kind.resource, namespace, version)
    except Expired:
        raise expired(_CONTINUE_EXPIRED, new_token=_encode_token(-1, start)) from None
    return _Page(_from(call, objects, start), version, version, limit)


def _path(call: Call, obj: Json) -> str:
    """Return the object's place in the order of the list: its key below the listed prefix."""
    metadata = obj["metadata"]
    if call.target.namespace or not call.kind.namespaced:
        return str(metadata["name"])
    return f"{metadata['namespace']}/{metadata['name']}"


def _start_after(call: Call, obj: Json) -> str:
    return _path(call, obj) + "\0"


def _from(call: Call, objects: Objects, start: str) -> Objects:
    # Compared part by part: the objects are ordered by (namespace, name), not by the joined text.
    first = tuple(start.split("/"))
    return [obj for obj in objects if tuple(_path(call, obj).split("/")) >= first]


def _encode_token(version: int, start: str) -> str:
    text = json.dumps({"v": _TOKEN_VERSION, "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_token(token: str) -> tuple[int, str]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _bad_token("illegal base64 data at input byte 0") from None
    try:
        fields = json.loads(raw)
        if fields["v"] != _TOKEN_VERSION:
            raise _bad_token(f'server does not recognize this encoded version "{fields["v"]}"')
        return int(fields["rv"]), str(fields["start"])
    except (ValueError, KeyError, TypeError):
        first = chr(raw[0]) if raw else ""
        shown = first if first.isprintable() else f"\\u{ord(first):04x}"
        raise _bad_token(f"invalid character '{shown}' looking for beginning of value") from None


def _bad_token(reason: str) -> Refusal:
    return bad_request(f"invalid continue token: continue key is not valid: {reason}")


def scale_of(obj: Json) -> Json:
    """Return the scale of a workload."""
    metadata, spec, status = obj["metadata"], obj.get("spec", {}), obj.get("status", {})
    replicas = spec.get("replicas", 1)
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in kept if field in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": status.get("replicas", 0), "selector": selector_text(spec.get("selector"))},
    }
