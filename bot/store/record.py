"""What was seen to work, and how long changes took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC

from bot.domain.steps import ROLL_OUTS
from bot.domain.targets import ObjectRef, Scope
from bot.ports import RevisionSeen, WorkedRevision
from bot.redaction import clean
from bot.store.connections import Connections
from bot.store.watch_rows import place

MOST_LASTED = 5


class PostgresRecord:
    """The table `worked_revisions`, and the finished ones of `operations`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def worked(self, scope: Scope, ref: ObjectRef) -> Sequence[WorkedRevision]:
        """Return the revisions of a workload that were seen to work, the latest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("worked_revisions", **place(scope), kind=ref.kind, name=ref.name)
        return tuple(
            WorkedRevision(
                workload_uid=row["workload_uid"],
                revision_uid=row["revision_uid"],
                number=row["number"],
                version=row["version"],
                first_at=row["first_at"].astimezone(UTC),
                last_at=row["last_at"].astimezone(UTC),
                minutes=row["minutes"],
            )
            for row in rows
        )

    async def note(self, scope: Scope, seen: Sequence[RevisionSeen]) -> None:
        """Add a minute to each, for this replica alone or for all: the caller has claimed the minute."""
        content = [
            {
                "kind": each.ref.kind,
                "name": each.ref.name,
                "workload_uid": each.workload_uid,
                "revision_uid": each.revision_uid,
                "number": each.number,
                # Whoever may make a workload writes it.
                "version": clean(each.version),
                "pods": each.pods,
            }
            for each in seen
        ]
        async with self._connections.transaction() as session:
            await session.run("worked_note", **place(scope), seen=json.dumps(content))

    async def lasted(self, scope: Scope, ref: ObjectRef) -> Sequence[float]:
        """Return how many seconds the last roll-outs took that ragops made of a workload, the latest first; up to 5.

        Counted from the write to the end of those that went well.
        """
        async with self._connections.transaction() as session:
            rows = await session.fetch(
                "operations_lasted",
                **place(scope),
                kind=ref.kind,
                name=ref.name,
                steps=[step.__name__ for step in ROLL_OUTS],
                limit=MOST_LASTED,
            )
        return tuple(row["seconds"] for row in rows)
