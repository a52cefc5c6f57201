"""Connections to the database: a pool, transactions with time limits, and the driver's errors in our words."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from bot.errors import StoreRefused, StoreUnavailable
from bot.redaction import MASK, redact
from bot.store.cutting import cut_after
from bot.store.sql import QUERIES

APPLICATION = "ragops"
CONNECT_S = 5
CHECK_S = 0.5
GRACE_S = 0.2

Row = Mapping[str, Any]

# Classes of SQLSTATE that a later try may not meet again; all others are faults that stay until somebody acts.
_PASSING = ("08", "25P03", "40", "53", "55P03", "57", "58")
# After these the connection was lost, so a commit under way may or may not have happened.
_LOST = ("08", "25P03", "57P")

_NO_TABLE = "42P01"
# What people in chat read of it.
_AWAY = "My database does not answer."
_BUSY_NOW = "My database could not do it now."

_PORTS = re.compile(r"[\d,]*")

# What a server says while it starts, stops or is full. Any other "FATAL" at the door stays until somebody acts.
_BUSY = re.compile(r"starting up|shutting down|recovery|not yet accepting|too many|connection slots")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is. The URL holds the password: it never goes into a text; `label` does."""

    url: str
    label: str
    password: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read a URL or a key=value string. Raises `StoreRefused` without repeating it."""
        try:
            parts = conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            # The cause is left out: its text repeats the URL.
            raise _no_address() from None
        host, port, database = (str(parts.get(name) or "") for name in ("host", "port", "dbname"))
        # A password with a bare @, : or / slips into the parts beside it, and from there into texts.
        if "@" in host[1:] or "@" in database or not _PORTS.fullmatch(port):
            raise _no_address()
        where = f"{host or 'the local socket'}{':' if port else ''}{port}"
        return cls(url, f"{where}/{database}", str(parts.get("password") or ""))

    def scrub(self, error: BaseException) -> str:
        """Return the first line of an error's text without what is secret."""
        text = str(error).strip().split("\n", 1)[0].replace(self.url, self.label)
        if self.password:
            text = text.replace(self.password, MASK)
        return redact(text or type(error).__name__)


def _no_address() -> StoreRefused:
    return StoreRefused(
        "DATABASE_URL is not a PostgreSQL address.",
        advice="Write it as postgresql://user:password@host:5432/database, special characters as %XX.",
    )


@contextmanager
def translated(address: Address, *, while_committing: bool = False) -> Iterator[None]:
    """Raise the driver's errors as ours.

    An error while committing that does not come from the server leaves open whether the commit happened, and says so.
    """
    try:
        yield
    except (PoolTimeout, PoolClosed) as error:
        raise StoreUnavailable(
            f"The database at {address.label} gave no connection ({address.scrub(error)}).", in_chat=_AWAY
        ) from error
    except psycopg.Error as error:
        raise _ours(error, address, while_committing=while_committing) from error
    except UnicodeError as error:
        raise StoreRefused("A text holds characters that the database cannot keep.") from error


def _ours(error: psycopg.Error, address: Address, *, while_committing: bool) -> StoreUnavailable:
    state = error.sqlstate or ""
    text = address.scrub(error)
    lost = not state or state.startswith(_LOST)
    turned_away = not state and "FATAL" in text and not _BUSY.search(text)
    if isinstance(error, psycopg.OperationalError) and not state and not turned_away:
        raised = StoreUnavailable(f"The database at {address.label} did not answer ({text}).", in_chat=_AWAY)
    elif state.startswith(_PASSING):
        raised = StoreUnavailable(f"The database at {address.label} could not do it now ({text}).", in_chat=_BUSY_NOW)
    else:
        advice = "Check the role's rights, the server's version, and whether `ragops run` ever used this database."
        raised = StoreRefused(
            f"The database at {address.label} refused ({text}).",
            in_chat="My database refuses to do this.",
            advice="Its tables are not there yet: run `ragops migrate`." if state == _NO_TABLE else advice,
        )
    if while_committing and lost:
        raised.unchanged = "The connection broke during the commit: it may or may not have been written."
    return raised


@dataclass(slots=True)
class Session:
    """One open transaction. `doomed` makes it roll back at its end."""

    connection: AsyncConnection[DictRow]
    address: Address
    limit_s: float
    doomed: bool = False

    async def fetch(self, name: str, /, **parameters: object) -> Sequence[Row]:
        """Run the statement `name` and return its rows."""
        with translated(self.address), cut_after(self.connection, self.limit_s + GRACE_S):
            cursor = await self.connection.execute(QUERIES[name], parameters)
            return await cursor.fetchall()

    async def fetch_one(self, name: str, /, **parameters: object) -> Row | None:
        """Run the statement `name` and return its first row, if any."""
        rows = await self.fetch(name, **parameters)
        return rows[0] if rows else None

    async def run(self, name: str, /, **parameters: object) -> int:
        """Run the statement `name` and return how many rows it touched."""
        with translated(self.address), cut_after(self.connection, self.limit_s + GRACE_S):
            return (await self.connection.execute(QUERIES[name], parameters)).rowcount

    async def script(self, text: str) -> None:
        """Run several statements without parameters."""
        with translated(self.address), cut_after(self.connection, self.limit_s + GRACE_S):
            await self.connection.execute(text.encode())


@asynccontextmanager
async def transaction_on(
    connection: AsyncConnection[DictRow], address: Address, *, limit_s: float
) -> AsyncIterator[Session]:
    """Open a transaction whose statements take at most `limit_s`; roll back on any exception."""
    session = Session(connection, address, limit_s)
    with translated(address), cut_after(connection, limit_s + GRACE_S):
        await connection.execute(b"BEGIN")
    try:
        await session.fetch("limit_statements", limit_ms=max(1, int(limit_s * 1000)))
        yield session
    except BaseException:
        await _roll_back(session)
        raise
    if session.doomed:
        await _roll_back(session)
        return
    with translated(address, while_committing=True), cut_after(connection, limit_s + GRACE_S):
        await connection.execute(b"COMMIT")


async def _roll_back(session: Session) -> None:
    # A connection that is too broken to roll back is thrown away by the pool, and the server rolls back.
    with contextlib.suppress(psycopg.Error), cut_after(session.connection, session.limit_s + GRACE_S):
        await session.connection.execute(b"ROLLBACK")


class Connections:
    """A pool whose connections are checked before they are handed out."""

    def __init__(self, address: Address, *, smallest: int, largest: int, wait_s: float, limit_s: float) -> None:
        self.address = address
        self._wait_s = wait_s
        self._limit_s = limit_s
        self._pool = AsyncConnectionPool(
            address.url,
            connection_class=AsyncConnection[DictRow],
            kwargs=CONNECTION,
            min_size=smallest,
            max_size=largest,
            timeout=wait_s,
            check=check,
            reconnect_timeout=10.0,
            num_workers=2,
            open=False,
            name=APPLICATION,
        )

    async def open(self) -> None:
        """Start the pool."""
        with translated(self.address):
            await self._pool.open(wait=True, timeout=self._wait_s)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close(timeout=self._wait_s)

    @asynccontextmanager
    async def transaction(self, *, budget_s: float | None = None) -> AsyncIterator[Session]:
        """Open a transaction; with a budget, waiting for a connection and each statement together stay within it."""
        started = time.monotonic()
        wait_s = self._wait_s if budget_s is None else budget_s
        with translated(self.address):
            async with self._pool.connection(timeout=wait_s) as connection:
                left = self._limit_s if budget_s is None else max(0.01, budget_s - (time.monotonic() - started))
                async with transaction_on(connection, self.address, limit_s=left) as session:
                    yield session


CONNECTION: dict[str, Any] = {
    "autocommit": True,  # transactions are opened by hand, so that each step has its limit
    "row_factory": dict_row,
    "prepare_threshold": None,  # poolers between us and the server do not know prepared statements
    "application_name": APPLICATION,
    "connect_timeout": CONNECT_S,
}


async def check(connection: AsyncConnection[DictRow]) -> None:
    """Raise `psycopg.Error` when a connection is not fit to be handed out."""
    with cut_after(connection, CHECK_S) as was_cut:
        await connection.execute(QUERIES["ping"])
    if was_cut():
        raise psycopg.OperationalError("it answered too late and was broken off")


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[AsyncConnection[DictRow]]:
    """Open one connection outside any pool; its errors name the cause, where a pool only says that it waited."""
    with translated(address):
        connection = await AsyncConnection[DictRow].connect(address.url, **CONNECTION)
    try:
        yield connection
    finally:
        await connection.close()
