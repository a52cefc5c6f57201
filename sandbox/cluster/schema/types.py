"""The types of the API's kinds, read from ``types.json`` when they are first asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("types.json")


@dataclass(frozen=True, slots=True)
class Field:
    """The type of a field, of a list's entries or of a map's values.

    ``type`` is struct (its name is ``of``), list or map (of ``items``), a scalar's name, or any.
    ``present``: it stands in an object even when nothing was said of it, as does a scalar that has a ``zero``.
    ``merge``: by which key a strategic patch merges the list's entries ("" for scalars), None where it replaces the
    list. ``keys`` and ``is_set`` say what tells entries apart for whoever owns them; a list without either is owned as
    a whole.
    """

    type: str
    of: str = ""
    items: Field | None = None
    present: bool = False
    zero: str | int | None = None
    merge: str | None = None
    retain: bool = False
    keys: tuple[str, ...] = ()
    is_set: bool = False
    atomic: bool = False

    def struct(self) -> Struct:
        """Return the struct that this field, or each entry of it, is."""
        return struct(self.items.of if self.items is not None else self.of)


@dataclass(frozen=True, slots=True)
class Struct:
    """A type with named fields; ``atomic``: it is owned as a whole."""

    name: str
    fields: Mapping[str, Field]
    atomic: bool = False


ANY = Field("any")


def struct_of(api_version: str, kind: str) -> Struct:
    """Return the type of a kind. Raises KeyError."""
    return struct(_document()["kinds"][f"{api_version}/{kind}"])


@cache
def struct(name: str) -> Struct:
    """Return a struct by its name in the file. Raises KeyError."""
    entry = _document()["types"][name]
    return Struct(name, {key: _field(value) for key, value in entry["fields"].items()}, entry.get("atomic", False))


@cache
def _document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return read


def _field(entry: dict[str, Any]) -> Field:
    return Field(
        type=entry["type"],
        of=entry.get("of", ""),
        items=_field(entry["items"]) if "items" in entry else None,
        present=entry.get("present", False),
        zero=entry.get("zero"),
        merge=entry.get("merge"),
        retain=entry.get("retain", False),
        keys=tuple(entry.get("keys", ())),
        is_set=entry.get("set", False),
        atomic=entry.get("atomic", False),
    )
