"""A PostgreSQL of a test's own, to be stopped, frozen and started again under a bot."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from bot.store import keeper
from bot.store.embedded import EmbeddedServer
from tests.support.processes import processes_of

EVERYTHING = sql.SQL("SELECT t::text FROM {} t")


@dataclass(slots=True)
class Database:
    """A server in a folder; its address stays the same however often it is started."""

    folder: Path
    url: str = ""
    _server: EmbeddedServer | None = field(default=None)
    _frozen: list[int] = field(default_factory=list)

    async def start(self) -> None:
        """Start it, or go on."""
        if self._server is None:
            self._server = await EmbeddedServer.start(self.folder, settings={"fsync": "off", "max_connections": "100"})
            self.url = self._server.url

    async def stop(self) -> None:
        """Stop it as its administrator would: open connections end."""
        self.thaw()
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()

    def freeze(self) -> None:
        """Let it take connections and say nothing: all of its processes are stopped, but not the one that minds it."""
        while found := [pid for pid in self._processes() if pid not in self._frozen]:  # one may just have been forked
            for pid in found:
                os.kill(pid, signal.SIGSTOP)
            self._frozen += found

    def _processes(self) -> list[int]:
        mind = Path(keeper.__file__).name
        return [pid for pid, words in processes_of(self.folder).items() if mind not in words]

    def thaw(self) -> None:
        """Let it go on."""
        for pid in self._frozen:
            os.kill(pid, signal.SIGCONT)
        self._frozen = []


@asynccontextmanager
async def database(folder: Path) -> AsyncIterator[Database]:
    """Run one, and stop it at the end."""
    served = Database(folder)
    await served.start()
    try:
        yield served
    finally:
        await served.stop()


def contents(store_url: str) -> str:
    """Return every row of every table as text."""
    with psycopg.connect(store_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [connection.execute(EVERYTHING.format(sql.Identifier(name))).fetchall() for (name,) in tables]
    return "\n".join(str(row) for found in rows for row in found)
