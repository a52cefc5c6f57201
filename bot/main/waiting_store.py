"""The store of a bot that starts before its database does: reads work meanwhile, the rest is refused in words."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.cancellation import was_cancelled
from bot.domain.live import Target
from bot.domain.operations import Operation, State
from bot.domain.people import Actor
from bot.domain.requests import Request
from bot.domain.targets import ObjectRef, Scope
from bot.errors import StoreRefused, StoreUnavailable
from bot.main.database import embedded_folder
from bot.ports import (
    Attempt,
    AuditTrail,
    ChangeRecord,
    Claimed,
    Clock,
    Inbox,
    OperationQuery,
    Operations,
    Outbox,
    RevisionSeen,
    Seen,
    Token,
    Transaction,
    WorkedRevision,
)
from bot.store.embedded import EmbeddedServer
from bot.store.store import PostgresStore
from bot.worker import backoff

log = logging.getLogger(__name__)

PURGE_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Inbox:
    """An inbox that may be handed on before the store is open: only who uses it then is refused."""

    store: Callable[[], PostgresStore]

    async def accept(self, request: Request) -> bool:
        return await self.store().inbox.accept(request)

    async def claim(self, *, lease_s: float, key: str | None = None) -> Claimed | None:
        return await self.store().inbox.claim(lease_s=lease_s, key=key)

    async def waiting(self, actor: Actor) -> Sequence[Request]:
        return await self.store().inbox.waiting(actor)


@dataclass(frozen=True, slots=True)
class _Operations:
    """Requests for changes, handed on as the inbox is."""

    store: Callable[[], PostgresStore]

    async def find(self, operation_id: str) -> Operation | None:
        return await self.store().operations.find(operation_id)

    async def blocking(self, target: Target) -> Operation | None:
        return await self.store().operations.blocking(target)

    async def search(self, query: OperationQuery) -> Sequence[Operation]:
        return await self.store().operations.search(query)

    async def token(self, token_hash: str) -> Token | None:
        return await self.store().operations.token(token_hash)

    async def message(self, subject: str, channel: str) -> str:
        return await self.store().operations.message(subject, channel)

    async def take(self, *, lease_s: float, worker: str) -> Operation | None:
        return await self.store().operations.take(lease_s=lease_s, worker=worker)

    async def renew(self, operation: Operation, *, lease_s: float) -> bool:
        return await self.store().operations.renew(operation, lease_s=lease_s)

    async def release(self, operation: Operation) -> None:
        await self.store().operations.release(operation)

    async def begin_attempt(self, attempt: Attempt) -> bool:
        return await self.store().operations.begin_attempt(attempt)

    async def end_attempt(self, attempt: Attempt, outcome: str) -> None:
        await self.store().operations.end_attempt(attempt, outcome)

    async def attempts(self, operation_id: str) -> Sequence[Attempt]:
        return await self.store().operations.attempts(operation_id)

    async def due(self, *, limit: int) -> Sequence[str]:
        return await self.store().operations.due(limit=limit)

    async def left_marks(self, scope: Scope) -> Sequence[str]:
        return await self.store().operations.left_marks(scope)

    async def blocking_counts(self) -> Mapping[State, int]:
        return await self.store().operations.blocking_counts()


@dataclass(frozen=True, slots=True)
class _Record:
    """What was seen to work, handed on as the inbox is."""

    store: Callable[[], PostgresStore]

    async def worked(self, scope: Scope, ref: ObjectRef) -> Sequence[WorkedRevision]:
        return await self.store().record.worked(scope, ref)

    async def note(self, scope: Scope, seen: Sequence[RevisionSeen]) -> None:
        await self.store().record.note(scope, seen)

    async def lasted(self, scope: Scope, ref: ObjectRef) -> Sequence[float]:
        return await self.store().record.lasted(scope, ref)


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
                await self._store.purge()
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
        return _Inbox(self.opened_store)

    @property
    def operations(self) -> Operations:
        return _Operations(self.opened_store)

    @property
    def record(self) -> ChangeRecord:
        return _Record(self.opened_store)

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
