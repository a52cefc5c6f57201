"""The store: inbox, outbox, requests for changes, what is watched, slots and audit in one PostgreSQL database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from bot.store import episodes, history, inbox, operations, outbox, presence, record, seen, slots, trail
from bot.store.connections import Address, Connections, connected
from bot.store.migrate import migrate
from bot.store.rights import check_rights
from bot.store.transactions import PostgresTransaction

KEEP_DONE_HOURS = 48
KEEP_DEAD_HOURS = 30 * 24
KEEP_SLOT_HOURS = 90 * 24
# The watcher's ticks are many, and nobody asks for one again.
KEEP_TICK_HOURS = 24
# The audit names them for ever; whoever looks something up in it finds the whole of it for this long.
KEEP_OPERATION_DAYS = 400
KEEP_WORKED_DAYS = 90
KEEP_SAMPLE_DAYS = 14
KEEP_SPAN_DAYS = 90
KEEP_SILENCE_DAYS = 90
KEEP_EPISODE_DAYS = 400
# What is only a hint must not keep anybody waiting.
PRESENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows were removed because their time was over."""

    inbox: int = 0
    outbox: int = 0
    seen: int = 0
    slots: int = 0
    operations: int = 0
    tokens: int = 0
    messages: int = 0
    revisions: int = 0
    samples: int = 0
    spans: int = 0
    notes: int = 0
    episodes: int = 0
    silences: int = 0
    pauses: int = 0


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
        self._history = history.PostgresHistory(connections)
        self._recorder = history.Recorder()
        self._episodes = episodes.PostgresEpisodes(connections)
        self._slots = slots.PostgresSlots(connections)

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

    @property
    def history(self) -> history.PostgresHistory:
        """What was recorded by the minute."""
        return self._history

    @property
    def episodes(self) -> episodes.PostgresEpisodes:
        """Alerts by cause."""
        return self._episodes

    @property
    def slots(self) -> slots.PostgresSlots:
        """Due moments of schedules."""
        return self._slots

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """Open a transaction: commit on exit, roll back on an exception. Raises `StoreUnavailable`."""
        async with self._connections.transaction() as session:
            yield PostgresTransaction(session, self._recorder)

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises `StoreUnavailable`."""
        async with self._connections.transaction(budget_s=1.0) as session:
            await session.fetch("ping")

    async def purge(self, *, history_days: int = KEEP_SAMPLE_DAYS) -> Purged:
        """Remove what was done two days ago, what failed thirty days ago, and slots of ninety days; the audit stays.

        Seen keys go as soon as their time is over. Requests for changes are kept for 400 days after their end, the
        messages that show them as long, the addresses on their buttons for thirty days, and revisions that are no
        longer seen to work for ninety. What waits, and what ended in doubt and nobody looked at, stays.

        Of what is watched, samples are kept for `history_days`, problems and silences for ninety days after their end,
        notes and alerts for 400, an alert that never fired for a day, ticks of the watcher for a day, and pauses until
        they end. The newest slot of a schedule stays.
        """
        async with self._connections.transaction() as session:
            requests = await session.run("inbox_purge", hours=KEEP_DONE_HOURS, dead_hours=KEEP_DEAD_HOURS)
            messages = await session.run("outbox_purge", hours=KEEP_DONE_HOURS, dead_hours=KEEP_DEAD_HOURS)
            keys = await session.run("seen_purge")
            due = await session.run("slots_purge", hours=KEEP_SLOT_HOURS, tick_hours=KEEP_TICK_HOURS)
            tokens = await session.run("tokens_purge", days=operations.KEEP_TOKEN_DAYS)
            changes = await session.run("operations_purge", days=KEEP_OPERATION_DAYS)
            shown = await session.run("messages_purge", days=KEEP_OPERATION_DAYS)
            revisions = await session.run("worked_purge", days=KEEP_WORKED_DAYS)
        watched = await self._purge_watched(history_days)
        return replace(
            watched,
            inbox=requests,
            outbox=messages,
            seen=keys,
            slots=due,
            operations=changes,
            tokens=tokens,
            messages=shown,
            revisions=revisions,
        )

    async def _purge_watched(self, history_days: int) -> Purged:
        async with self._connections.transaction() as session:
            spans = await session.run("problems_purge", days=KEEP_SPAN_DAYS)
            notes = await session.run("notes_purge", days=KEEP_EPISODE_DAYS)
            alerts = await session.run("episodes_purge", days=KEEP_EPISODE_DAYS)
            silences = await session.run("silences_purge", days=KEEP_SILENCE_DAYS)
            pauses = await session.run("pauses_purge")
        samples = await self._history.forget(days=history_days)
        return Purged(samples=samples, spans=spans, notes=notes, episodes=alerts, silences=silences, pauses=pauses)
