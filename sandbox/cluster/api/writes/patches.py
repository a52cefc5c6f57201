"""A PATCH: which object it makes of the one that stands."""

from __future__ import annotations

import json
from typing import Any

from sandbox.cluster.api.calls import Call
from sandbox.cluster.api.errors import Cause, Refusal, bad_request, invalid
from sandbox.cluster.api.writes.bodies import kind_fault, parse_patch, unknown_fields
from sandbox.cluster.api.writes.documents import Rejected, json_patched, merge_patched
from sandbox.cluster.schema.decode import Decoded, Unreadable, decode
from sandbox.cluster.schema.strategic import BadPatch, merged, shown
from sandbox.cluster.schema.types import struct_of
from sandbox.cluster.store import Json

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_MEDIA = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH)


def check_patch(call: Call) -> Any:
    """Return the body of a PATCH. Raises Refusal (400, 415)."""
    media = call.payload.media
    if media not in _MEDIA:
        raise Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    start = "" if media == STRATEGIC_PATCH else "error decoding patch: "
    try:
        body = parse_patch(call.payload.data)
    except ValueError as error:
        raise bad_request(f"{start}{error}") from None
    wanted, word = (list, "[]handlers.jsonPatchOp") if media == JSON_PATCH else (dict, "map[string]interface {}")
    if not isinstance(body, wanted):
        found = {dict: "object", list: "array", str: "string", bool: "bool"}.get(type(body), "number")
        raise bad_request(f"{start}json: cannot unmarshal {found} into Go value of type {word}")
    return body


def patched(call: Call, current: Json, patch: Any, *, is_strict: bool) -> Decoded:
    """Return what a patch makes of an object (with kind and apiVersion). Raises Refusal (422, 500)."""
    api_version, kind = current["apiVersion"], current["kind"]
    is_strategic = call.payload.media == STRATEGIC_PATCH
    document = _apply(call.payload.media, api_version, kind, current, patch)
    quoted = shown(patch) if is_strategic else json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    if not isinstance(document, dict):
        raise _unusable(quoted, "json: cannot unmarshal into an object")
    fault = kind_fault(document, api_version, kind)
    if fault:
        raise _unusable(quoted, fault)
    try:
        decoded = decode(struct_of(api_version, kind), document)
    except Unreadable as error:
        raise _unusable(quoted, error.restoring if is_strategic else str(error)) from None
    if is_strict and decoded.unknown:
        raise _unusable(quoted, unknown_fields(decoded.unknown))
    return decoded


def _apply(media: str, api_version: str, kind: str, current: Json, patch: Any) -> Any:
    match media:
        case "application/json-patch+json":
            try:
                return json_patched(current, patch)
            except Rejected:
                text = "the server rejected our request due to an error in our request"
                raise Refusal(422, "Invalid", text, {}) from None
        case "application/merge-patch+json":
            return merge_patched(current, patch)
        case _:
            try:
                return merged(struct_of(api_version, kind), current, patch)
            except BadPatch as error:
                raise Refusal(500, "", str(error)) from None


def _unusable(quoted: str, reason: str) -> Refusal:
    """Return the 422 of a patch whose result cannot be read; the message quotes it."""
    cause = Cause("FieldValueInvalid", f"Invalid value: {json.dumps(quoted, ensure_ascii=False)}: {reason}", "patch")
    return invalid("", "", cause)
