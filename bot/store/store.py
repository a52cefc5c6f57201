"""The store: inbox, outbox, requests for changes, seen keys, slots and audit in one PostgreSQL database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from bot.domain.operations import Operation
from bot.domain.requests import Post
from bot.ports import AuditEntry, Claimed, Token
from bot.store import audit, inbox, operations, outbox, presence, record, seen, trail
from bot.store.connections import Address, Connections, Session, connected
from bot.store.migrate import migrate
from bot.store.rights import check_rights

KEEP_DONE_HOURS = 48
KEEP_DEAD_HOURS = 30 * 24
KEEP_SLOT_HOURS = 90 * 24
# The audit names them for ever; whoever looks something up in it finds the whole of it for this long.
KEEP_OPERATION_DAYS = 400
KEEP_WORKED_DAYS = 90
# What is only a hint must not keep anybody waiting.
PRESENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows were removed because their time was over."""

    inbox: int
    outbox: int
    seen: int
    slots: int
    operations: int = 0
    tokens: int = 0
    messages: int = 0
    revisions: int = 0


class PostgresTransaction:
    """Writes that happen together or not at all."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def now(self) -> datetime:
        """Return the database's time, which decides all deadlines. Call it after a lock was waited for."""
        row = await self._session.fetch_one("now")
        if row is None:
            raise AssertionError("now always returns one row")
        moment: datetime = row["now"]
        return moment.astimezone(UTC)

    async def add_operation(self, operation: Operation, tokens: Sequence[Token]) -> bool:
        """Keep a new one with the addresses of its buttons; False when another blocks its target.

        While another transaction adds one for the same target, this waits for that one's end.
        """
        return await operations.add(self._session, operation, tokens)

    async def operation(self, operation_id: str) -> Operation | None:
        """Return one and lock it until the commit. Raises `StoreRefused` when a newer version wrote it."""
        return await operations.locked(self._session, operation_id)

    async def save(self, operation: Operation, *, fence: int | None = None) -> bool:
        """Write what changed, votes included, of one that this transaction has locked or holds by its fence.

        With a `fence`, False when it is no longer that: this transaction rolls back at its end whatever else is put
        into it. Raises `StoreRefused` for a change that none may make: of what was asked for, or out of a final state.
        """
        saved = await operations.save(self._session, operation, fence=fence)
        if not saved:
            self._session.doomed = True
        return saved

    async def claim_slot(self, name: str, due_at: datetime) -> bool:
        """Take a due moment of a schedule for this transaction; False when somebody has it.

        While another transaction holds it, this waits for that one's end. `due_at` is an aware moment.
        """
        if due_at.tzinfo is None:
            raise ValueError("a slot's moment needs its time zone")
        return await self._session.fetch_one("slot_claim", name=name, due_at=due_at) is not None

    async def finish(self, claimed: Claimed) -> bool:
        """Mark a request done and wipe its reply address.

        False when the lease was lost: whoever took it over will do the work, and this transaction rolls back at its end
        whatever else is put into it.
        """
        finished = await inbox.finish(self._session, claimed)
        if not finished:
            self._session.doomed = True
        return finished

    async def put(self, post: Post) -> int:
        """Add a message to the outbox."""
        return await outbox.put(self._session, post)

    async def audit(self, entry: AuditEntry) -> None:
        """Append to the audit chain. Call it last: it takes the chain's lock until the commit."""
        await audit.append(self._session, entry)


class PostgresStore:
    """The one place that keeps state."""

    def __init__(self, connections: Connections, *, accept_s: float) -> None:
        self._connections = connections
        self._inbox = inbox.PostgresInbox(connections, accept_s=accept_s)
        self._outbox = outbox.PostgresOutbox(connections)
        self._seen = seen.PostgresSeen(connections, limit_s=accept_s)
        self._audit_trail = trail.PostgresAuditTrail(connections)
        self._presence = presence.Presence(connections.address, limit_s=PRESENCE_S)
        self._operations = operations.PostgresOperations(connections, self._presence)
        self._record = record.PostgresRecord(connections)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        smallest_pool: int = 1,
        largest_pool: int = 16,
        wait_s: float = 5.0,
        statement_limit_s: float = 5.0,
        accept_s: float = inbox.ACCEPT_S,
    ) -> PostgresStore:
        """Connect, bring the tables to this version, and open the pool.

        A role that may not make tables will do when another one has migrated (`ragops migrate`). Waits at most
        `wait_s` for a connection. Raises `StoreUnavailable` when there is no answer, and `StoreRefused` when the
        address, the rights, the server's version or the tables will not do.
        """
        address = Address.parse(url)
        async with connected(address) as connection:
            await check_rights(connection, address)
            await migrate(connection, address)
        connections = Connections(
            address, smallest=smallest_pool, largest=largest_pool, wait_s=wait_s, limit_s=statement_limit_s
        )
        try:
            await connections.open()
        except BaseException:
            await connections.close()
            raise
        return cls(connections, accept_s=accept_s)

    async def close(self) -> None:
        """Close every connection."""
        await self._presence.close()
        await self._connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def operations(self) -> operations.PostgresOperations:
        """Requests for changes."""
        return self._operations

    @property
    def record(self) -> record.PostgresRecord:
        """What was seen to work, and how long changes took."""
        return self._record

    @property
    def inbox(self) -> inbox.PostgresInbox:
        """Requests that must not be lost."""
        return self._inbox

    @property
    def outbox(self) -> outbox.PostgresOutbox:
        """Messages that others are to see."""
        return self._outbox

    @property
    def seen(self) -> seen.PostgresSeen:
        """Keys that were met before."""
        return self._seen

    @property
    def audit_trail(self) -> trail.PostgresAuditTrail:
        """The audit, to be read."""
        return self._audit_trail

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """Open a transaction: commit on exit, roll back on an exception. Raises `StoreUnavailable`."""
        async with self._connections.transaction() as session:
            yield PostgresTransaction(session)

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises `StoreUnavailable`."""
        async with self._connections.transaction(budget_s=1.0) as session:
            await session.fetch("ping")

    async def purge(self) -> Purged:
        """Remove what was done two days ago, what failed thirty days ago, and slots of ninety days; the audit stays.

        Seen keys go as soon as their time is over. Requests for changes are kept for 400 days after their end, the
        messages that show them as long, the addresses on their buttons for thirty days, and revisions that are no
        longer seen to work for ninety. What waits, and what ended in doubt and nobody looked at, stays.
        """
        async with self._connections.transaction() as session:
            requests = await session.run("inbox_purge", hours=KEEP_DONE_HOURS, dead_hours=KEEP_DEAD_HOURS)
            messages = await session.run("outbox_purge", hours=KEEP_DONE_HOURS, dead_hours=KEEP_DEAD_HOURS)
            keys = await session.run("seen_purge")
            slots = await session.run("slots_purge", hours=KEEP_SLOT_HOURS)
            tokens = await session.run("tokens_purge", days=operations.KEEP_TOKEN_DAYS)
            changes = await session.run("operations_purge", days=KEEP_OPERATION_DAYS)
            shown = await session.run("messages_purge", days=KEEP_OPERATION_DAYS)
            revisions = await session.run("worked_purge", days=KEEP_WORKED_DAYS)
        return Purged(
            inbox=requests,
            outbox=messages,
            seen=keys,
            slots=slots,
            operations=changes,
            tokens=tokens,
            messages=shown,
            revisions=revisions,
        )
