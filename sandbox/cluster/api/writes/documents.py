"""The patches of two standards: JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396), as the server applies them."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.store import copied

_MISSING = object()


class Rejected(Exception):
    """The document has no such place, a test failed, or an operation is unknown."""


def json_patched(document: Any, operations: list[Any]) -> Any:
    """Return the document after all operations. Raises Rejected."""
    document = copied(document)
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
            raise Rejected
        document = _apply(document, operation, operation["path"])
    return document


def merge_patched(document: Any, patch: Any) -> Any:
    """Return the document with a patch merged into it: null removes, everything but objects is replaced."""
    if not isinstance(patch, dict):
        return copied(patch)
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patched(merged.get(key), value)
    return merged


def _apply(document: Any, operation: dict[str, Any], path: str) -> Any:
    match operation.get("op"):
        case "test":
            found = _get(document, path)
            wanted = operation.get("value")
            if (None if found is _MISSING else found) != wanted or _is_bool(found) != _is_bool(wanted):
                raise Rejected
            return document
        case "remove":
            return _remove(document, path)
        case "add":
            return _put(document, path, copied(operation.get("value")), replaces=False)
        case "replace":
            return _put(document, path, copied(operation.get("value")), replaces=True)
        case "copy" | "move" as kind:
            source = operation.get("from")
            value = _get(document, source) if isinstance(source, str) else _MISSING
            if value is _MISSING or not isinstance(source, str):
                raise Rejected
            if kind == "move":
                document = _remove(document, source)
            return _put(document, path, copied(value), replaces=False)
        case _:
            raise Rejected


def _steps(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise Rejected
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _get(document: Any, path: str) -> Any:
    for step in _steps(path):
        if isinstance(document, dict):
            document = document.get(step, _MISSING)
        elif isinstance(document, list):
            position = _position(document, step, len(document) - 1)
            document = document[position]
        else:
            return _MISSING
    return document


def _put(document: Any, path: str, value: Any, *, replaces: bool) -> Any:
    steps = _steps(path)
    if not steps:
        return value
    parent = _get(document, path.rpartition("/")[0])
    last = steps[-1]
    if isinstance(parent, dict):
        parent[last] = value  # also where there is nothing to replace: the server does not look
    elif isinstance(parent, list) and replaces:
        parent[_position(parent, last, len(parent) - 1)] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _position(parent, last, len(parent)), value)
    else:
        raise Rejected
    return document


def _remove(document: Any, path: str) -> Any:
    parent, last = _get(document, path.rpartition("/")[0]), _steps(path)[-1] if path else ""
    if isinstance(parent, dict) and last in parent:
        del parent[last]
    elif isinstance(parent, list):
        del parent[_position(parent, last, len(parent) - 1)]
    else:
        raise Rejected
    return document


def _position(entries: list[Any], step: str, highest: int) -> int:
    """Read a list's position; a negative one counts from the end. Raises Rejected."""
    try:
        position = int(step)
    except ValueError:
        raise Rejected from None
    if position < 0:
        position += len(entries)
    if not 0 <= position <= highest:
        raise Rejected
    return position


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)
