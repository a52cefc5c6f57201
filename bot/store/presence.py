"""Says to everybody that this process is alive, for each operation it works on: by locks that end with its connection.

A lease says how long a process may work without a word. These locks say sooner that it is gone: the kernel closes its
connection, and the server frees them. They are a hint for whoever looks for work, and no guard: that is the fence. They
need a connection of their own to the server itself; behind a pooler, or when it is lost, only the lease counts.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from bot.store.connections import CONNECTION, Address
from bot.store.cutting import cut_after
from bot.store.sql import QUERIES

_TRIES = 2


class Presence:
    """The locks of one process, on one connection that is opened when it is needed."""

    def __init__(self, address: Address, *, limit_s: float) -> None:
        self._address = address
        self._limit_s = limit_s
        self._connection: AsyncConnection[DictRow] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def hold(self, operation_id: str) -> bool:
        """Show that this process works on an operation; False when that cannot be shown now."""
        row = await self._run("operation_guard", operation_id)
        return row is not None and bool(row["held"])

    async def let_go(self, operation_id: str) -> None:
        """Show it no longer."""
        if self._connection is not None:
            await self._run("operation_unguard", operation_id)

    async def close(self) -> None:
        """End the connection, and every lock with it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _run(self, name: str, operation_id: str) -> dict[str, Any] | None:
        """Run a statement; on a new connection when the old one turns out to be lost."""
        async with self._one_at_a_time:
            for _ in range(_TRIES):
                try:
                    connection = await self._opened()
                    with cut_after(connection, self._limit_s):
                        return await (await connection.execute(QUERIES[name], {"id": operation_id})).fetchone()
                except psycopg.Error:
                    await self.close()
            return None

    async def _opened(self) -> AsyncConnection[DictRow]:
        if self._connection is None:
            self._connection = await AsyncConnection[DictRow].connect(self._address.url, **CONNECTION)
        return self._connection
