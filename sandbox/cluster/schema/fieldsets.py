"""Sets of fields: what changed between two objects, and the form in which ``managedFields`` writes such sets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sandbox.cluster.schema.types import ANY, Field, Struct, struct
from sandbox.cluster.store import Json

Path = tuple[str, ...]
Fields = frozenset[Path]
_SELF = "."
# Nobody owns these.
_NOT_OWNED = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    }
)


def changes(kind: Struct, before: Json, after: Json) -> tuple[Fields, Fields]:
    """Return the fields that were set, and those that were taken away."""
    told = list(_compare(Field("struct", of=kind.name), (), before, after))
    touched = frozenset(path for path, is_set in told if is_set and path and path not in _NOT_OWNED)
    return touched, frozenset(path for path, is_set in told if not is_set)


def bare(kind: Struct) -> Json:
    """Return the object of a kind that says nothing: only what always stands in it."""
    return {
        name: bare(struct(wanted.of)) if wanted.type == "struct" else wanted.zero
        for name, wanted in kind.fields.items()
        if wanted.present or wanted.zero is not None
    }


def written(fields: Fields) -> Json:
    """Write a set as ``fieldsV1``."""
    tree: Json = {}
    for path in sorted(fields):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[_SELF] = {}
    return _trimmed(tree)


def read(tree: Json) -> Fields:
    """Read ``fieldsV1``."""
    return frozenset(_paths(tree, ()))


def _trimmed(tree: Json) -> Json:
    trimmed = {}
    for step, below in tree.items():
        if step == _SELF:
            trimmed[step] = below
        else:
            trimmed[step] = {} if below == {_SELF: {}} else _trimmed(below)
    return trimmed


def _paths(tree: Json, above: Path) -> Iterator[Path]:
    for step, below in tree.items():
        if step == _SELF:
            yield above
        elif not below:
            yield (*above, step)
        else:
            yield from _paths(below, (*above, step))


_ABSENT = object()


def _compare(wanted: Field, path: Path, before: Any, after: Any) -> Iterator[tuple[Path, bool]]:
    """Yield each path that came or changed (True) or went (False)."""
    if before is _ABSENT and after is _ABSENT:
        return
    old, new = _children(wanted, before), _children(wanted, after)
    if old is None or new is None or not (old or new):
        if before is _ABSENT or after is _ABSENT or before != after:
            yield path, after is not _ABSENT
        return
    for step in old.keys() | new.keys():
        below = old.get(step) or new[step]
        yield from _compare(below[0], (*path, step), old.get(step, (ANY, _ABSENT))[1], new.get(step, (ANY, _ABSENT))[1])
    if before is _ABSENT or after is _ABSENT:
        yield path, after is not _ABSENT


def _children(wanted: Field, value: Any) -> dict[str, tuple[Field, Any]] | None:
    """Return what is below a value, each with its type; None for a value that is one piece."""
    if value is _ABSENT or value is None:
        return {} if wanted.type in {"struct", "list", "map", "any"} and not _is_one_piece(wanted) else None
    if _is_one_piece(wanted):
        return None
    match value:
        case dict() if wanted.type == "struct":
            known = struct(wanted.of).fields
            return {f"f:{name}": (known.get(name, ANY), entry) for name, entry in value.items()}
        case dict() if wanted.type == "map" and wanted.items is not None:
            return {f"f:{name}": (wanted.items, entry) for name, entry in value.items()}
        case list() if wanted.is_set:
            return {f"v:{json.dumps(entry)}": (ANY, entry) for entry in value}
        case list() if wanted.keys and wanted.items is not None:
            return {_key(wanted, entry): (wanted.items, entry) for entry in value}
        case _:
            return None


def _is_one_piece(wanted: Field) -> bool:
    match wanted.type:
        case "struct":
            return wanted.atomic or struct(wanted.of).atomic
        case "list":
            return not wanted.keys and not wanted.is_set
        case "map":
            return wanted.atomic
        case _:
            return True


def _key(wanted: Field, entry: Json) -> str:
    named = {key: entry[key] for key in sorted(wanted.keys) if key in entry}
    return f"k:{json.dumps(named, separators=(',', ':'))}"
