"""The store of a bot that starts before its database does: reads work meanwhile, the rest is refused in words."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.backoff import backoff
from bot.cancellation import was_cancelled
from bot.errors import StoreRefused, StoreUnavailable
from bot.main.database import embedded_folder
from bot.main.waiting_ports import (
    WaitingEpisodes,
    WaitingHistory,
    WaitingInbox,
    WaitingOperations,
    WaitingRecord,
    WaitingSlots,
)
from bot.ports import (
    AuditTrail,
    ChangeRecord,
    Clock,
    Episodes,
    History,
    Inbox,
    Operations,
    Outbox,
    Seen,
    Slots,
    Transaction,
)
from bot.store.embedded import EmbeddedServer
from bot.store.store import KEEP_SAMPLE_DAYS, PostgresStore

log = logging.getLogger(__name__)

PURGE_EVERY_S = 3600.0


class WaitingStore:
    """A `Store` that opens the real one in the background and says `StoreUnavailable` until it has.

    `database_url` is None for the embedded server in `data_folder`; samples of the history are kept for `history_days`.
    """

    def __init__(
        self, database_url: str | None, data_folder: Path, clock: Clock, *, history_days: int = KEEP_SAMPLE_DAYS
    ) -> None:
        self._database_url = database_url
        self._data_folder = data_folder
        self._clock = clock
        self._history_days = history_days
        self._server: EmbeddedServer | None = None
        self._store: PostgresStore | None = None
        self._problem = StoreUnavailable("The database is still starting.")
        self.opened = asyncio.Event()
        self.tried = asyncio.Event()

    async def run(self) -> None:
        """Open the store, trying again until it answers; then purge what is old, until cancelled."""
        attempts = 0
        while self._store is None and not was_cancelled():
            try:
                self._store = await PostgresStore.open(await self._address())
            except StoreRefused:
                raise
            except StoreUnavailable as error:
                self.tried.set()
                if attempts == 0:
                    log.warning("no database yet: %s", error.message, extra={"event": "store_unavailable"})
                self._problem = error
                attempts += 1
                await self._clock.sleep(backoff(attempts, random.Random(), longest_s=10.0))
        if self._store is None:
            return
        log.info("the database is open", extra={"event": "store_open", "embedded": self._server is not None})
        self.opened.set()
        self.tried.set()
        while not was_cancelled():
            await self._clock.sleep(PURGE_EVERY_S)
            try:
                await self._store.purge(history_days=self._history_days)
            except StoreUnavailable as error:
                log.warning("old rows stay for now: %s", error.message, extra={"event": "purge_failed"})

    async def _address(self) -> str:
        if self._database_url is not None:
            return self._database_url
        if self._server is None:
            self._server = await EmbeddedServer.start(embedded_folder(self._data_folder))
        return self._server.url

    async def close(self) -> None:
        """Close the connections and leave the embedded server."""
        if self._store is not None:
            await self._store.close()
        if self._server is not None:
            await self._server.stop()

    def opened_store(self) -> PostgresStore:
        """Return the store once it is open. Raises `StoreUnavailable` before."""
        if self._store is None:
            raise StoreUnavailable(self._problem.message, in_chat=self._problem.in_chat)
        return self._store

    @property
    def inbox(self) -> Inbox:
        return WaitingInbox(self.opened_store)

    @property
    def operations(self) -> Operations:
        return WaitingOperations(self.opened_store)

    @property
    def record(self) -> ChangeRecord:
        return WaitingRecord(self.opened_store)

    @property
    def history(self) -> History:
        return WaitingHistory(self.opened_store)

    @property
    def episodes(self) -> Episodes:
        return WaitingEpisodes(self.opened_store)

    @property
    def slots(self) -> Slots:
        return WaitingSlots(self.opened_store)

    @property
    def outbox(self) -> Outbox:
        return self.opened_store().outbox

    @property
    def audit_trail(self) -> AuditTrail:
        return self.opened_store().audit_trail

    @property
    def seen(self) -> Seen:
        return self.opened_store().seen

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises `StoreUnavailable`."""
        await self.opened_store().ping()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction. Raises `StoreUnavailable`."""
        async with self.opened_store().transaction() as transaction:
            yield transaction
