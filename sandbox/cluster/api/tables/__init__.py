"""The tables that kubectl prints: the server's own columns and cells, one file for each family of kinds.

Pure: objects and the time in, cells out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.api.representation import META_VERSION, metadata_of, typed
from sandbox.cluster.api.tables import cluster, events, networking, pods, workloads
from sandbox.cluster.api.tables.columns import Column, Printer, age
from sandbox.cluster.store import Json

_PRINTERS: dict[tuple[str, str], Printer] = {
    **cluster.PRINTERS,
    **events.PRINTERS,
    **networking.PRINTERS,
    **pods.PRINTERS,
    **workloads.PRINTERS,
}


def _plain_cells(obj: Json, now: datetime) -> list[object]:
    return [obj["metadata"]["name"], age(obj, now)]


_PLAIN = Printer((Column("Name"), Column("Age")), _plain_cells)


def table(kind: Kind, objects: Sequence[Json], version: str, now: datetime, include: str) -> Json:
    """Return the Table of some objects; ``include`` is None, Metadata (the default) or Object."""
    printer = _PRINTERS.get((kind.group, kind.resource), _PLAIN)
    return {
        "kind": "Table",
        "apiVersion": META_VERSION,
        "metadata": {"resourceVersion": version} if version else {},
        "columnDefinitions": [column.body() for column in printer.columns],
        "rows": [_row(kind, printer, obj, now, include) for obj in objects],
    }


def _row(kind: Kind, printer: Printer, obj: Json, now: datetime, include: str) -> Json:
    row: Json = {"cells": printer.cells(obj, now)}
    conditions = printer.conditions(obj)
    if conditions:
        row["conditions"] = conditions
    match include:
        case "None":
            row["object"] = None
        case "Object":
            row["object"] = typed(kind, obj)
        case _:
            row["object"] = metadata_of(obj)
    return row
