"""Who set which field last: the list ``metadata.managedFields``, brought up to date with each write."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.schema import fieldsets
from sandbox.cluster.schema.types import Struct
from sandbox.cluster.store import Json

_REPLICAS = ("f:spec", "f:replicas")


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes, and where."""

    name: str
    api_version: str
    subresource: str = ""

    def owns(self, entry: Json) -> bool:
        """Tell whether an entry of the list is this manager's."""
        identity = (self.name, "Update", self.api_version, self.subresource)
        return identity == (entry["manager"], entry["operation"], entry["apiVersion"], entry.get("subresource", ""))


def updated(kind: Struct, before: Json | None, after: Json, manager: Manager, at: str) -> list[Json]:
    """Return the list as it is after a write; ``at`` is its time. Whoever's field was changed loses it."""
    base = fieldsets.bare(kind) if before is None else before
    # Nobody but whoever writes the status owns any of it.
    hidden = () if manager.subresource == "status" else ("status",)
    touched, removed = fieldsets.changes(kind, _compared(base, hidden), _compared(after, hidden))
    entries: list[Json] = []
    mine: Json | None = None
    for entry in ((before or {}).get("metadata") or {}).get("managedFields") or ():
        held = fieldsets.read(entry["fieldsV1"])
        if manager.owns(entry):
            mine = entry
            continue
        left = held - touched - removed
        if left == held:
            entries.append(entry)
        elif left:
            entries.append({**entry, "fieldsV1": fieldsets.written(left)})
    held = fieldsets.read(mine["fieldsV1"]) if mine else frozenset()
    owned = (held - removed) | touched
    if mine is not None and owned == held:
        entries.append(mine)
    elif owned:
        entries.append(_entry(manager, owned, at))
    return sorted(entries, key=_place)


def without_replicas(entries: list[Json]) -> list[Json]:
    """Return the list as a write through ``scale`` leaves it that changes no number.

    Whoever set the number in the object itself loses it: at first to an entry without a time, then for good.
    """
    result: list[Json] = []
    for entry in entries:
        held = fieldsets.read(entry["fieldsV1"])
        is_direct = entry["operation"] == "Update" and not entry.get("subresource")
        if not is_direct or _REPLICAS not in held:
            result.append(entry)
        elif "time" in entry:
            split = {name: value for name, value in entry.items() if name != "time"}
            result.append({**entry, "fieldsV1": fieldsets.written(held - {_REPLICAS})})
            result.append({**split, "fieldsV1": fieldsets.written(frozenset({_REPLICAS}))})
    return sorted(result, key=_place)


def _entry(manager: Manager, owned: fieldsets.Fields, at: str) -> Json:
    entry: Json = {"manager": manager.name, "operation": "Update", "apiVersion": manager.api_version}
    if manager.subresource != "scale":
        entry["time"] = at
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": fieldsets.written(owned)}
    return entry | ({"subresource": manager.subresource} if manager.subresource else {})


def _place(entry: Json) -> tuple[str, str, str, str, str]:
    time: str = entry.get("time", "")
    return entry["operation"], time, entry["manager"], entry["apiVersion"], entry.get("subresource", "")


def _compared(obj: Json, hidden: tuple[str, ...]) -> Json:
    metadata = obj.get("metadata") or {}
    kept = {name: value for name, value in obj.items() if name not in hidden}
    return {**kept, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}
