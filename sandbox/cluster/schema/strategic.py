"""Strategic merge patches: lists whose entries have a key are merged entry by entry, and directives say the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sandbox.cluster.schema.types import ANY, Field, Struct, struct
from sandbox.cluster.store import Json, copied

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE_FROM = "$deleteFromPrimitiveList/"


class BadPatch(Exception):
    """The patch says something that cannot be done; the server answers 500 with this text."""


def merged(kind: Struct | None, original: Json, patch: Json) -> Json:
    """Return the object that a patch makes of another. Raises BadPatch."""
    return _map(kind, copied(original), copied(patch))


def _map(kind: Struct | None, original: Json, patch: Json) -> Json:
    directive = patch.pop(_DIRECTIVE, None)
    match directive:
        case "replace":
            return {key: _without_directives(value) for key, value in patch.items() if value is not None}
        case "delete":
            return {}
        case None | "merge":
            pass
        case _:
            raise BadPatch(f"unknown patch type: {directive} found in patch: {shown(patch)}")
    _retain(original, patch)
    _order_lists(kind, original, patch)
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM):
            name = key.removeprefix(_DELETE_FROM)
            original[name] = [entry for entry in original.get(name) or () if entry not in value]
        elif value is None:
            original.pop(key, None)
        elif type(original.get(key)) is not type(value):
            original[key] = _without_directives(value)
        else:
            original[key] = _value(_field(kind, key), original[key], value)
    return original


def _value(wanted: Field, original: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return _map(struct(wanted.of) if wanted.type == "struct" else None, original, value)
    if isinstance(value, list) and wanted.merge is not None:
        return _list(wanted, original, value)
    return _without_directives(value)


def _field(kind: Struct | None, name: str) -> Field:
    return ANY if kind is None else kind.fields.get(name, ANY)


def _retain(original: Json, patch: Json) -> None:
    """Remove what ``$retainKeys`` does not name."""
    kept = patch.pop(_RETAIN, None)
    if kept is None:
        return
    if any(key not in kept for key, value in patch.items() if value is not None and not key.startswith("$")):
        raise BadPatch("$retainKeys directive list should contain all the keys of the patch")
    for key in [key for key in original if key not in kept]:
        del original[key]


def _order_lists(kind: Struct | None, original: Json, patch: Json) -> None:
    """Merge the lists whose order a patch names, and put them into it."""
    for directive in [key for key in patch if key.startswith(_ORDER)]:
        order, name = patch.pop(directive), directive.removeprefix(_ORDER)
        wanted = _field(kind, name)
        before, changes = original.get(name), patch.pop(name, None)
        if before is None and changes is None:
            continue
        if before is None:
            result = _without_directives(changes)
        elif changes is None:
            result = before
        else:
            result = _list(wanted, before, changes)
        original[name] = _ordered(result, order, before or [], wanted.merge or "")


def _list(wanted: Field, original: list[Any], patch: list[Any]) -> list[Any]:
    """Merge two lists; entries of the patch that are new come first, next to each other as the patch has them."""
    key = wanted.merge or ""
    if not key:
        both = list(dict.fromkeys([*original, *patch]))
        return _ordered(both, patch, original, "")
    changes = [_keyed(entry, key) for entry in patch if not _is_bare(entry, "replace")]
    result = [] if len(changes) < len(patch) else list(original)
    kind = wanted.struct() if wanted.items is not None and wanted.items.type == "struct" else None
    rest = []
    for change in changes:
        if change.get(_DIRECTIVE) == "delete":
            result = [entry for entry in result if entry.get(key) != change[key]]
        else:
            rest.append(change)
    for change in rest:
        position = next((at for at, entry in enumerate(result) if entry.get(key) == change[key]), None)
        if position is None:
            result.append(_without_directives(change))
        else:
            result[position] = _map(kind, result[position], change)
    return _ordered(result, rest, original, key)


def _keyed(entry: Any, key: str) -> Json:
    if not isinstance(entry, dict) or (key not in entry and entry.get(_DIRECTIVE) != "replace"):
        raise BadPatch(f"map: {shown(entry)} does not contain declared merge key: {key}")
    return entry


def _is_bare(entry: Any, directive: str) -> bool:
    return isinstance(entry, dict) and entry == {_DIRECTIVE: directive}


def _ordered(entries: Sequence[Any], order: Sequence[Any], before: Sequence[Any], key: str) -> list[Any]:
    """Put entries that ``order`` names into it; the others keep the order they had, in between as well as they fit."""

    def identity(entry: Any) -> Any:
        return entry.get(key) if key and isinstance(entry, dict) else entry

    wanted = {identity(entry): at for at, entry in reversed(list(enumerate(order)))}
    known = {identity(entry): at for at, entry in reversed(list(enumerate(before)))}
    named = sorted((entry for entry in entries if identity(entry) in wanted), key=lambda e: wanted[identity(e)])
    others = sorted(
        (entry for entry in entries if identity(entry) not in wanted),
        key=lambda entry: known.get(identity(entry), len(known)),
    )
    return _interleaved(others, named, lambda entry: known.get(identity(entry)))


def _interleaved(left: list[Any], right: list[Any], place: Callable[[Any], int | None]) -> list[Any]:
    """Merge two lists that keep their order: a left entry goes first only where both are known to stand that way."""
    result, at_left, at_right = [], 0, 0
    while at_left < len(left) and at_right < len(right):
        first, second = place(left[at_left]), place(right[at_right])
        if first is not None and second is not None and first < second:
            result.append(left[at_left])
            at_left += 1
        else:
            result.append(right[at_right])
            at_right += 1
    return [*result, *left[at_left:], *right[at_right:]]


def _without_directives(value: Any) -> Any:
    """Return a value that is new to the object, as it will stand there."""
    if isinstance(value, dict):
        return {
            key: _without_directives(entry)
            for key, entry in value.items()
            if entry is not None and key not in {_DIRECTIVE, _RETAIN} and not key.startswith((_ORDER, _DELETE_FROM))
        }
    if isinstance(value, list):
        return [
            _without_directives(entry)
            for entry in value
            if not (isinstance(entry, dict) and entry.get(_DIRECTIVE) in {"delete", "replace"})
        ]
    return value


def shown(value: Any) -> str:
    """Write a value as the server's language prints it: ``map[a:1 b:[x y]]``."""
    match value:
        case dict():
            return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(map(shown, value))}]"
        case bool():
            return "true" if value else "false"
        case None:
            return "<nil>"
        case _:
            return str(value)
