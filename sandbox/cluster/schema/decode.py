"""Reading an object into its type as the server does: what it cannot read, does not know, or leaves out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.cluster.schema.quantities import Malformed, canonical
from sandbox.cluster.schema.types import Field, Struct, struct
from sandbox.cluster.schema.zeros import EMPTY_IS_KEPT, FALSE_IS_KEPT, ZERO_IS_LEFT_OUT
from sandbox.cluster.store import Json

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_GO_TYPES = {"int32": "int32", "int64": "int64", "boolean": "bool", "number": "float64", "bytes": "[]uint8"}
_RANGES = {"int32": 2**31, "int64": 2**63}


class Unreadable(Exception):
    """A value does not fit its field; the message is the server's, ``restoring`` its words for a strategic patch."""

    def __init__(self, message: str, restoring: str = "") -> None:
        super().__init__(message)
        self.restoring = restoring or message


@dataclass(frozen=True, slots=True)
class Decoded:
    """An object in its type's form, and the paths of what the type does not have."""

    obj: Json
    unknown: list[str] = field(default_factory=list)


def decode(kind: Struct, obj: Json) -> Decoded:
    """Read an object. Raises Unreadable."""
    unknown: list[str] = []
    decoded = _Reading(unknown).struct(kind, obj, (), "")
    return Decoded(decoded, unknown)


def go_type(wanted: Field) -> str:
    """Return the name that the server's language has for a type."""
    match wanted.type:
        case "struct":
            return f"v1.{wanted.of.rpartition('.')[2]}"
        case "list" if wanted.items is not None:
            return f"[]{go_type(wanted.items)}"
        case "map" if wanted.items is not None:
            return f"map[string]{go_type(wanted.items)}"
        case name:
            return _GO_TYPES.get(name, "string")


def go_word(value: object) -> str:
    """Return what the server's reader of JSON calls a value."""
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


class _Reading:
    def __init__(self, unknown: list[str]) -> None:
        self._unknown = unknown

    def struct(self, kind: Struct, obj: Json, names: tuple[str, ...], place: str) -> Json:
        decoded: Json = {}
        for name, value in obj.items():
            wanted = kind.fields.get(name)
            if wanted is None:
                self._unknown.append(f"{place}{name}")
                continue
            if value is None:
                continue
            read = self._value(kind, wanted, value, (*names, name), f"{place}{name}")
            if not _is_left_out(name, wanted, read):
                decoded[name] = read
        for name, wanted in kind.fields.items():
            if wanted.present and wanted.type == "struct" and name not in decoded:
                decoded[name] = {}
        return decoded

    def _value(self, kind: Struct, wanted: Field, value: Any, names: tuple[str, ...], place: str) -> Any:
        match wanted.type:
            case "struct" if isinstance(value, dict):
                return self.struct(struct(wanted.of), value, names, f"{place}.")
            case "list" if isinstance(value, list) and wanted.items is not None:
                return [
                    self._value(kind, wanted.items, {} if entry is None else entry, names, f"{place}[{position}]")
                    for position, entry in enumerate(value)
                ]
            case "map" if isinstance(value, dict) and wanted.items is not None:
                return {
                    key: self._value(kind, wanted.items, "" if entry is None else entry, names, f"{place}.{key}")
                    for key, entry in value.items()
                }
            case "any":
                return value
            case _:
                return _scalar(kind, wanted, value, names)


def _scalar(kind: Struct, wanted: Field, value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        read = _number(wanted, value)
    elif isinstance(value, str):
        read = _text(wanted, value)
    else:
        read = value if wanted.type == "boolean" and isinstance(value, bool) else None
    if read is None:
        raise _mismatch(kind, wanted, value, names)
    return read


def _number(wanted: Field, value: float) -> Any:
    """Return what a number is in a field, None where it does not fit."""
    is_whole = value == int(value)
    match wanted.type:
        case "int32" | "int64":
            return int(value) if is_whole and abs(int(value)) < _RANGES[wanted.type] else None
        case "quantity":
            return canonical(value)
        case "number":
            return value
        case "int-or-string":
            return int(value) if is_whole else None
        case _:
            return None


def _text(wanted: Field, value: str) -> Any:
    """Return what a text is in a field, None where it does not fit. Raises Unreadable."""
    match wanted.type:
        case "quantity":
            try:
                return canonical(value)
            except Malformed as error:
                raise Unreadable(str(error)) from None
        case "time" if not _TIME.fullmatch(value):
            layout = "2006-01-02T15:04:05Z07:00"
            raise Unreadable(f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"')
        case "string" | "bytes" | "int-or-string" | "time":
            return value
        case _:
            return None


def _mismatch(kind: Struct, wanted: Field, value: Any, names: tuple[str, ...]) -> Unreadable:
    path = ".".join((kind.name.rpartition(".")[2], *names))
    found = go_word(value)
    if found == "number" and wanted.type in _RANGES:
        found = f"number {value}"
    message = f"json: cannot unmarshal {found} into Go struct field {path} of type {go_type(wanted)}"
    return Unreadable(message, _restoring(wanted, value))


def _restoring(wanted: Field, value: Any) -> str:
    """Return the words of the converter that reads a merged object, which are others than those of the JSON reader."""
    held = {"number": "float64" if isinstance(value, float) else "int64"}.get(go_word(value), go_word(value))
    found = {"object": "map", "array": "slice"}.get(held, held)
    match wanted.type:
        case "struct":
            return f"cannot restore struct from: {found}"
        case "list":
            return f"cannot restore slice from {found}"
        case "map":
            return f"cannot restore map from {found}"
        case "int32" | "int64" | "boolean" if found in {"string", "bool"}:
            return f"unrecognized type: {go_type(wanted)}"
        case _:
            return f"cannot convert {found} to {go_type(wanted)}"


def _is_left_out(name: str, wanted: Field, value: Any) -> bool:
    """Tell whether a value is one that the server does not send."""
    match value:
        case list() | dict():
            return not value and wanted.type in {"list", "map"}
        case bool():
            return not value and name not in FALSE_IS_KEPT
        case "":
            return name not in EMPTY_IS_KEPT
        case 0:
            return name in ZERO_IS_LEFT_OUT
        case _:
            return False
