"""Bodies of POST and PUT as objects of their kind, with the server's words for what cannot be read."""

from __future__ import annotations

import json
from typing import Any

from sandbox.cluster.api.calls import Call
from sandbox.cluster.api.errors import Refusal, bad_request
from sandbox.cluster.api.kinds import KINDS
from sandbox.cluster.api.payloads import check_media
from sandbox.cluster.schema.decode import Decoded, Unreadable, decode
from sandbox.cluster.schema.types import struct_of
from sandbox.cluster.store import Json

_HEADER = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
_SCHEME = 'in scheme "pkg/runtime/scheme.go:110"'


def read_body(call: Call, api_version: str, kind: str, *, is_strict: bool = False) -> Decoded:
    """Read the body as an object of a kind. Raises Refusal (400, 415)."""
    check_media(call.payload.media)
    body = json_fault(call.payload.data)
    if isinstance(body, str):
        shown = call.payload.data.decode(errors="replace")
        start = f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind"
        raise bad_request(f"{start}; json parse error: {body} ({shown[:64]})")
    fault = kind_fault(body, api_version, kind)
    if fault:
        raise _unhandled(body, api_version, kind, fault)
    try:
        decoded = decode(struct_of(api_version, kind), body)
    except Unreadable as error:
        raise _unhandled(body, api_version, kind, str(error)) from None
    if is_strict and decoded.unknown:
        raise _unhandled(body, api_version, kind, unknown_fields(decoded.unknown))
    return decoded


def kind_fault(body: Json, api_version: str, kind: str) -> str:
    """Return why an object is not of a kind, by what it says of itself; empty if it is."""
    named, version = body.get("kind") or kind, body.get("apiVersion") or api_version
    if (named, version) == (kind, api_version):
        return ""
    if not any((known.kind, known.api_version) == (named, version) for known in KINDS):
        return f'no kind "{named}" is registered for version "{version}" {_SCHEME}'
    group = api_version.rpartition("/")[0].split(".", maxsplit=1)[0] or "core"
    return f"converting ({version.rpartition('/')[2]}.{named}) to ({group}.{kind}): unknown conversion"


def unknown_fields(paths: list[str]) -> str:
    """Say which fields a type does not have."""
    return f"strict decoding error: {', '.join(told_unknown(paths))}"


def told_unknown(paths: list[str]) -> list[str]:
    """Say of each field that its type does not have it."""
    return [f'unknown field "{path}"' for path in paths]


def json_fault(data: bytes) -> Any:
    """Return the object that a body holds, or as a text why it holds none."""
    try:
        body = json.loads(data or b"null")
    except json.JSONDecodeError as error:
        return _parse_fault(error)
    except UnicodeDecodeError:
        return "invalid character '\\ufffd' looking for beginning of value"
    if isinstance(body, dict):
        return body
    if body is None:
        return {}
    found = "array" if isinstance(body, list) else "string" if isinstance(body, str) else "number"
    return f"json: cannot unmarshal {found} into Go value of type {_HEADER}"


def parse_patch(data: bytes) -> Any:
    """Read any JSON. Raises ValueError with the server's words."""
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise ValueError(_parse_fault(error)) from None
    except UnicodeDecodeError:
        raise ValueError("invalid character '\\ufffd' looking for beginning of value") from None


def _parse_fault(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc):
        return "unexpected end of JSON input"
    where = {
        "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
        "Expecting ':' delimiter": "after object key",
        "Expecting ',' delimiter": "after object key:value pair",
        "Extra data": "after top-level value",
    }
    return f"invalid character '{error.doc[error.pos]}' {where.get(error.msg, 'looking for beginning of value')}"


def _unhandled(body: Json, api_version: str, kind: str, reason: str) -> Refusal:
    named, version = body.get("kind") or kind, body.get("apiVersion") or api_version
    where = version.rpartition("/")[2]
    return bad_request(f'{named} in version "{where}" cannot be handled as a {kind}: {reason}')
