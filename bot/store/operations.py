"""Requests for changes: kept with their votes, addresses and attempts; worked on by one worker at a time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bot.domain.live import Target
from bot.domain.operations import Operation, State
from bot.domain.targets import Scope
from bot.errors import StoreRefused
from bot.ports import Attempt, OperationQuery, Token
from bot.store.connections import Connections, Row, Session
from bot.store.messages import message_of
from bot.store.operation_rows import asked, operation_of, standing, votes_text
from bot.store.presence import Presence

# So much of an id is enough, when no other begins so.
SHORTEST_BEGINNING = 6
# How long the buttons of what has ended still tell how it ended.
KEEP_TOKEN_DAYS = 30

log = logging.getLogger(__name__)


class PostgresOperations:
    """The tables `operations`, `votes`, `tokens` and `attempts`, as they are read and worked on.

    What a newer version wrote is left to that one: it is logged once, and holds up nothing here.
    """

    def __init__(self, connections: Connections, presence: Presence) -> None:
        self._connections = connections
        self._presence = presence
        self._unreadable: set[str] = set()

    async def find(self, operation_id: str) -> Operation | None:
        """Return one as it is now, by its id or by the beginning of it when only one begins so.

        Raises `StoreRefused` when a newer version wrote it.
        """
        async with self._connections.transaction() as session:
            rows = await session.fetch("operations_begin_with", id=operation_id, shortest=SHORTEST_BEGINNING)
            ids = [row["id"] for row in rows]
            if operation_id not in ids and len(ids) != 1:
                return None
            return await read(session, operation_id if operation_id in ids else ids[0])

    async def blocking(self, target: Target) -> Operation | None:
        """Return the one that no other change of the target may overtake. Raises as `find` does."""
        place = {"cluster": target.scope.cluster, "namespace": target.scope.namespace}
        async with self._connections.transaction() as session:
            row = await session.fetch_one("operation_blocking", **place, kind=target.kind, name=target.name)
            found = None if row is None else await read(session, row["id"])
        # It may have ended between the two statements.
        return found if found is not None and found.blocks else None

    async def search(self, query: OperationQuery) -> Sequence[Operation]:
        """Return those that fit, the newest first."""
        target, scope = query.target, query.scope
        async with self._connections.transaction() as session:
            rows = await session.fetch(
                "operations_search",
                states=[state.value for state in query.states] or None,
                kind=None if target is None else target.kind,
                name=None if target is None else target.name,
                namespace=scope.namespace if scope is not None else None if target is None else target.namespace,
                cluster=None if scope is None else scope.cluster,
                within_s=query.within_s,
                limit=query.limit,
                unreadable=list(self._unreadable),
            )
        return self._readable(rows)

    async def token(self, token_hash: str) -> Token | None:
        """Return what a button's address stands for; None when it is not ours, or what it is about ended long ago."""
        async with self._connections.transaction() as session:
            row = await session.fetch_one("token_find", hash=token_hash, days=KEEP_TOKEN_DAYS)
        return None if row is None else Token(**row)

    async def message(self, subject: str, channel: str) -> str:
        """Return the id of the message that shows a subject in a channel; empty while there is none."""
        async with self._connections.transaction() as session:
            return (await message_of(session, subject, channel))[0]

    async def take(self, *, lease_s: float, worker: str) -> Operation | None:
        """Take the APPROVED or EXECUTING one that nobody works on and that waits for longest, for `lease_s` seconds.

        An approved one whose time to begin is over is not handed out. Of an EXECUTING one the fence is raised. Nobody
        waits for the lease of a process that is gone.
        """
        while True:
            unreadable = list(self._unreadable)
            async with self._connections.transaction() as session:
                row = await session.fetch_one("operation_take", lease_s=lease_s, worker=worker, unreadable=unreadable)
                if row is None:
                    return None
                (taken,) = self._readable(await session.fetch("operations_read", ids=[row["id"]])) or (None,)
                # One that cannot be read stays as it was.
                session.doomed = taken is None
            if taken is not None:
                await self._guard(taken, worker)
                return taken

    async def _guard(self, taken: Operation, worker: str) -> None:
        """Let everybody see when this process is gone, so that nobody waits for the lease then."""
        if await self._presence.hold(taken.id):
            async with self._connections.transaction() as session:
                await session.run("operation_guarded", id=taken.id, worker=worker, fence=taken.fence)

    async def renew(self, operation: Operation, *, lease_s: float) -> bool:
        """Hold it for `lease_s` seconds from now; False when the fence is no longer ours, or it has ended."""
        async with self._connections.transaction() as session:
            renewed = await session.run("operation_renew", id=operation.id, fence=operation.fence, lease_s=lease_s)
        return renewed == 1

    async def release(self, operation: Operation) -> None:
        """Let it go, so that anybody may take it at once. Does nothing when the fence is no longer ours."""
        async with self._connections.transaction() as session:
            await session.run("operation_release", id=operation.id, fence=operation.fence)
        await self._presence.let_go(operation.id)

    async def begin_attempt(self, attempt: Attempt) -> bool:
        """Note a write before it is sent; False when the fence is no longer ours, or this very write was applied.

        The same write may be begun again after one that is not known to have been applied.
        """
        content = _columns(attempt)
        del content["outcome"]
        async with self._connections.transaction() as session:
            return await session.fetch_one("attempt_begin", **content) is not None

    async def end_attempt(self, attempt: Attempt, outcome: str) -> None:
        """Note how it ended: `applied`, `conflict`, `refused`, `throttled`, `unknown`."""
        async with self._connections.transaction() as session:
            await session.run("attempt_end", **{**_columns(attempt), "outcome": outcome})

    async def attempts(self, operation_id: str) -> Sequence[Attempt]:
        """Return the attempts, the oldest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("attempts_of", operation_id=operation_id)
        return tuple(Attempt(**row) for row in rows)

    async def due(self, *, limit: int) -> Sequence[str]:
        """Return ids of those with something due now, those that wait for people first.

        A first reminder is due at half of the time to answer, a second at four fifths of it.
        """
        async with self._connections.transaction() as session:
            found = await session.fetch("operations_due", limit=limit, unreadable=list(self._unreadable))
            ids = [row["id"] for row in found]
            readable = {each.id for each in self._readable(await session.fetch("operations_read", ids=ids))}
        return tuple(each for each in ids if each in readable)

    async def left_marks(self, scope: Scope) -> Sequence[str]:
        """Return the ids of operations that were applied in a scope, or may have been, the newest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("operations_that_left_marks", cluster=scope.cluster, namespace=scope.namespace)
        return tuple(row["id"] for row in rows)

    async def blocking_counts(self) -> Mapping[State, int]:
        """Return how many there are in each state that blocks its target: all open ones, and doubts unresolved."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("operations_blocking_counts")
        return {State(row["state"]): row["number"] for row in rows}

    def _readable(self, rows: Sequence[Row]) -> tuple[Operation, ...]:
        return tuple(operation for row in rows if (operation := self._read(row)) is not None)

    def _read(self, row: Row) -> Operation | None:
        try:
            return operation_of(row)
        except StoreRefused as error:
            extra = {"event": "operation_unreadable", "operation": row["id"]}
            log.warning("a stored request for a change cannot be read: %s", error.message, extra=extra)
            self._unreadable.add(row["id"])
            return None


async def add(session: Session, operation: Operation, tokens: Sequence[Token]) -> bool:
    """Keep a new one with the addresses of its buttons; False when another blocks its target."""
    if await session.fetch_one("operation_add", **asked(operation), **standing(operation)) is None:
        return False
    if operation.votes:
        await session.run("votes_save", id=operation.id, votes=votes_text(operation))
    for token in tokens:
        await session.run("token_add", **_columns(token))
    return True


async def locked(session: Session, operation_id: str) -> Operation | None:
    """Return one and lock it until the commit. Raises `StoreRefused` when a newer version wrote it."""
    if await session.fetch_one("operation_lock", id=operation_id) is None:
        return None
    return await read(session, operation_id)


async def read(session: Session, operation_id: str) -> Operation | None:
    """Return one as this transaction sees it now. Raises `StoreRefused` when a newer version wrote it."""
    row = await session.fetch_one("operations_read", ids=[operation_id])
    return None if row is None else operation_of(row)


async def save(session: Session, operation: Operation, *, fence: int | None) -> bool:
    """Write what changed, new votes and newly void ones included; False when it is not there under that fence.

    Without a fence any will do. Raises `StoreRefused` for a change that no operation may make.
    """
    content = {"id": operation.id, **standing(operation)}
    if await session.fetch_one("operation_save", **content, only_fence=fence) is None:
        return False
    if operation.votes:
        await session.run("votes_save", id=operation.id, votes=votes_text(operation))
    return True


def _columns(record: Attempt | Token) -> dict[str, Any]:
    return asdict(record)
