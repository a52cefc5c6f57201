"""As much of OpenAPI as kubectl asks before it applies: which kinds take which parameters; in JSON and in protobuf.

The schemas themselves are not served: kubectl then merges by the types that it knows itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sandbox.cluster.api.calls import Answer, BytesAnswer, JsonAnswer
from sandbox.cluster.api.errors import PageNotFound
from sandbox.cluster.api.kinds import KINDS, Kind
from sandbox.cluster.store import Json

PROTOBUF = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")
_GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"
# Field numbers of the message ``openapi.v3.Document`` and of what is in it.
_VERSION, _INFO, _PATHS = 1, 2, 5
_PATCH, _OPERATION_PARAMETERS, _OPERATION_EXTENSION = 10, 6, 13


def answer_openapi(path: str, accept: str, served: tuple[tuple[str, str], ...]) -> Answer:
    """Answer a path below /openapi/v3, for the groups and versions that are served. Raises PageNotFound."""
    place = path.removeprefix("/openapi/v3").strip("/")
    homes = {_home(group, version): (group, version) for group, version in served}
    if not place:
        paths = {home: {"serverRelativeURL": f"/openapi/v3/{home}?hash=SANDBOX"} for home in homes}
        return JsonAnswer({"paths": paths})
    if place not in homes:
        raise PageNotFound
    operations = dict(_operations(*homes[place]))
    if "protobuf" in accept:
        return BytesAnswer(_encoded(operations), PROTOBUF)
    return JsonAnswer({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34.4"}, "paths": operations})


def _home(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _operations(group: str, version: str) -> Iterator[tuple[str, Json]]:
    for kind in KINDS:
        if (kind.group, kind.version) == (group, version) and "patch" in kind.verbs:
            place = "/namespaces/{namespace}" if kind.namespaced else ""
            yield f"/{_home(group, version)}{place}/{kind.resource}/{{name}}", {"patch": _patch(kind)}


def _patch(kind: Kind) -> Json:
    return {
        "parameters": [{"name": name, "in": "query"} for name in _PARAMETERS],
        _GROUP_VERSION_KIND: {"group": kind.group, "version": kind.version, "kind": kind.kind},
    }


def _encoded(operations: Mapping[str, Json]) -> bytes:
    """Return the document as gnostic's protobuf."""
    paths = b"".join(
        _message(2, _text(1, path) + _message(2, _item(item["patch"]))) for path, item in operations.items()
    )
    info = _text(1, "Kubernetes") + _text(6, "v1.34.4")
    return _text(_VERSION, "3.0.0") + _message(_INFO, info) + _message(_PATHS, paths)


def _item(operation: Json) -> bytes:
    parameters = b"".join(
        _message(_OPERATION_PARAMETERS, _message(1, _text(1, entry["name"]) + _text(2, "query")))
        for entry in operation["parameters"]
    )
    named = _text(1, _GROUP_VERSION_KIND) + _message(2, _text(2, json.dumps(operation[_GROUP_VERSION_KIND])))
    return _message(_PATCH, parameters + _message(_OPERATION_EXTENSION, named))


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
