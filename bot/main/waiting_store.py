"""The store of a bot that starts before its database does: reads work meanwhile, the rest is refused in words."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.errors import StoreRefused, StoreUnavailable
from bot.ports import AuditTrail, Clock, Inbox, Outbox, Seen, Transaction
from bot.store.embedded import EmbeddedServer
from bot.store.store import PostgresStore
from bot.worker import backoff, was_cancelled

log = logging.getLogger(__name__)

PURGE_EVERY_S = 3600.0


class WaitingStore:
    """A `Store` that opens the real one in the background and says `StoreUnavailable` until it has.

    `database_url` is None for the embedded server in `data_folder`.
    """

    def __init__(self, database_url: str | None, data_folder: Path, clock: Clock) -> None:
        self._database_url = database_url
        self._data_folder = data_folder
        self._clock = clock
        self._server: EmbeddedServer | None = None
        self._store: PostgresStore | None = None
        self._problem = StoreUnavailable("The database is still starting.")
        self.opened = asyncio.Event()

    async def run(self) -> None:
        """Open the store, trying again until it answers; then purge what is old, until cancelled."""
        attempts = 0
        while self._store is None and not was_cancelled():
            try:
                self._store = await PostgresStore.open(await self._address())
            except StoreRefused:
                raise
            except StoreUnavailable as error:
                if attempts == 0:
                    log.warning("no database yet: %s", error.message, extra={"event": "store_unavailable"})
                self._problem = error
                attempts += 1
                await self._clock.sleep(backoff(attempts, random.Random(), longest_s=10.0))
        if self._store is None:
            return
        log.info("the database is open", extra={"event": "store_open", "embedded": self._server is not None})
        self.opened.set()
        while not was_cancelled():
            await self._clock.sleep(PURGE_EVERY_S)
            try:
                await self._store.purge()
            except StoreUnavailable as error:
                log.warning("old rows stay for now: %s", error.message, extra={"event": "purge_failed"})

    async def _address(self) -> str:
        if self._database_url is not None:
            return self._database_url
        if self._server is None:
            self._server = await EmbeddedServer.start(self._data_folder / "postgres")
        return self._server.url

    async def close(self) -> None:
        """Close the connections and leave the embedded server."""
        if self._store is not None:
            await self._store.close()
        if self._server is not None:
            await self._server.stop()

    def _opened(self) -> PostgresStore:
        if self._store is None:
            raise StoreUnavailable(self._problem.message)
        return self._store

    @property
    def inbox(self) -> Inbox:
        return self._opened().inbox

    @property
    def outbox(self) -> Outbox:
        return self._opened().outbox

    @property
    def audit_trail(self) -> AuditTrail:
        return self._opened().audit_trail

    @property
    def seen(self) -> Seen:
        return self._opened().seen

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises `StoreUnavailable`."""
        await self._opened().ping()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction. Raises `StoreUnavailable`."""
        async with self._opened().transaction() as transaction:
            yield transaction
