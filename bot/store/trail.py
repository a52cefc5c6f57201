"""The audit, to be read: rows that fit a question, and the chain's head."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bot.ports import AuditQuery, AuditRecord
from bot.redaction import redact
from bot.store.audit import GENESIS, Head
from bot.store.connections import Connections, Row


class PostgresAuditTrail:
    """Reads of the table `audit`. It cannot write."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def search(self, query: AuditQuery) -> Sequence[AuditRecord]:
        """Return the newest rows that fit, the newest first.

        `operation` fits a row's action, in any case of letters, or an id: a one-word value of its details of at most
        a hundred characters, or its subject. Raises `StoreUnavailable`.
        """
        async with self._connections.transaction() as session:
            rows = await session.fetch(
                "audit_search",
                operation=query.operation,
                actor=query.actor,
                since=query.since,
                limit=query.limit,
            )
        return tuple(_record(row) for row in rows)

    async def head(self) -> str:
        """Return the chain's last row as it is published: `SEQUENCE:HASH`. Raises `StoreUnavailable`."""
        async with self._connections.transaction() as session:
            row = await session.fetch_one("audit_head")
        return str(Head(0, GENESIS) if row is None else Head(row["seq"], bytes(row["hash"])))


def _record(row: Row) -> AuditRecord:
    return AuditRecord(**{**row, "detail": _detail(row["detail"])})


def _detail(text: str) -> Mapping[str, str | int | bool]:
    """Read a row's details. What we did not write (somebody put it there by hand) is shown as it is, and called so."""
    try:
        detail = json.loads(text)
    except ValueError:
        detail = None
    if not isinstance(detail, dict) or not all(isinstance(value, str | int) for value in detail.values()):
        return {"unreadable": redact(text[:200])}
    return detail
