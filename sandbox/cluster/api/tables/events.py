"""The table of events, of both styles: with counts and whole seconds, or with eventTime and series."""

from __future__ import annotations

from datetime import datetime

from sandbox.cluster.api.tables.columns import UNKNOWN, Printer, columns, since
from sandbox.cluster.store import Json


def _event(obj: Json, now: datetime) -> list[object]:
    first = since(obj.get("firstTimestamp") or obj.get("eventTime"), now)
    last = since(obj.get("lastTimestamp"), now)
    if last == UNKNOWN:
        last = first
    count = obj.get("count") or 1
    series = obj.get("series")
    if series:
        last, count = since(series.get("lastObservedTime"), now), series.get("count", 1)
    involved = obj["involvedObject"]
    return [
        last,
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{involved.get('kind', '').lower()}/{involved.get('name', '')}",
        involved.get("fieldPath", ""),
        _source(obj),
        obj.get("message", "").strip(),
        first,
        count,
        obj["metadata"]["name"],
    ]


def _source(obj: Json) -> str:
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent", "")
    host = source.get("host") or obj.get("reportingInstance", "")
    return f"{component}, {host}" if host else str(component)


def _columns() -> Printer:
    order = ("Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message", "First Seen", "Count", "Name")
    wide = {"Subobject", "Source", "First Seen", "Count", "Name"}
    return Printer(
        tuple(column for name in order for column in (columns(wide=(name,)) if name in wide else columns(name))),
        _event,
    )


PRINTERS = {("", "events"): _columns()}
