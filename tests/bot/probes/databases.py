"""PostgreSQL servers that listen on TCP, with roles that have passwords; and a relay in front of one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bot.domain.watch.probes import ProbeKind, ProbeTarget
from bot.store import keeper
from bot.store.embedded import EmbeddedServer
from tests.bot.probes.worlds import served, target
from tests.support.waiting import until

PASSWORD = "planted-pw-7Qx"
USABLE = 17
"""Connections for ordinary roles: 22, less 3 for superusers and 2 reserved (which only 16 and later know)."""

ROLES = (
    f"CREATE ROLE watcher LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_monitor",
    f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'",
    f"CREATE ROLE api LOGIN PASSWORD '{PASSWORD}'",
    "REVOKE EXECUTE ON FUNCTION pg_database_size(name) FROM public",
    "GRANT EXECUTE ON FUNCTION pg_database_size(name) TO pg_monitor",
    "CREATE TABLE public.items (id integer PRIMARY KEY, note text)",
    "GRANT ALL ON public.items TO api",
    "INSERT INTO public.items VALUES (1, 'a'), (2, 'b')",
)


@dataclass(frozen=True)
class Postgres:
    """A server on a TCP port of loopback; `url` is the superuser's way in."""

    port: int
    url: str

    def dsn(self, role: str = "watcher", password: str = PASSWORD, database: str = "postgres") -> str:
        """The host of a DSN is not where a target is: it is made up on purpose."""
        return f"postgresql://{role}:{password}@elsewhere.invalid:1/{database}"

    def target(self, **more: Any) -> ProbeTarget:
        return target(ProbeKind.POSTGRESQL, f"localhost:{self.port}", **{"secret_env": "DSN", "timeout_s": 5.0, **more})

    def connected(self, role: str = "api", **more: str) -> Any:
        """Return a connection to be opened, as an application has one."""
        options: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": role,
            "password": PASSWORD,
            "dbname": "postgres",
        }
        return psycopg.AsyncConnection.connect(**(options | more))

    async def quiet(self) -> None:
        """Wait until nobody is connected: a connection that was closed counts for a moment still."""
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:

            async def others() -> int:
                cursor = await connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                )
                return int((await cursor.fetchall())[0][0]) - 1

            await until(others, lambda number: number == 0, every_s=0.01)

    @asynccontextmanager
    async def crowd(self, number: int) -> AsyncIterator[None]:
        """Hold so many connections of the application."""
        async with AsyncExitStack() as stack:
            for _ in range(number):
                await stack.enter_async_context(await self.connected(application_name="api"))
            yield


@contextmanager
def postgres(
    folder: Path, *, pg_bin: Path | None = None, key: Path | None = None, **settings: str
) -> Iterator[Postgres]:
    """Run one, with TLS where there is a key. It is started twice: where it listens only the second start is told."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    asyncio.run(_made(folder, pg_bin))
    database = folder / keeper.DATABASE
    (database / keeper.SOCKET).symlink_to(f".s.PGSQL.{port}")
    (database / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    chosen = {
        "fsync": "off",
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "max_connections": "22",
        "superuser_reserved_connections": "3",
        "password_encryption": "scram-sha-256",
        **settings,
    }
    if key is not None:
        owned = owned_copy(key, database).name  # below the data folder: the way there is not open to the server
        chosen |= {"ssl": "on", "ssl_cert_file": owned, "ssl_key_file": owned}
    server = asyncio.run(EmbeddedServer.start(folder, pg_bin=pg_bin, settings=chosen))
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            for statement in ROLES:
                connection.execute(sql.SQL(statement))
        yield Postgres(port, server.url)
    finally:
        asyncio.run(server.stop())


async def _made(folder: Path, pg_bin: Path | None) -> None:
    await (await EmbeddedServer.start(folder, pg_bin=pg_bin, settings={"fsync": "off"})).stop()


def installed() -> Path | None:
    """Return the programs of a PostgreSQL that the system has, which can speak TLS; None without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


def owned_copy(file: Path, owner_of: Path) -> Path:
    """Copy a key into the folder that the server owns, as it wants it: its own, and readable by nobody else."""
    place = owner_of / file.name
    shutil.copyfile(file, place)
    owner = owner_of.stat()
    place.chmod(0o600)
    with suppress(PermissionError):
        os.chown(place, owner.st_uid, owner.st_gid)
    return place


@asynccontextmanager
async def relay(port: int, stalls: Callable[[bytes], bool]) -> AsyncIterator[int]:
    """Pass on what is said to a port, until something is said upon which all falls silent for ever."""
    silent = asyncio.Event()

    async def passed(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while words := await source.read(65536):
            if stalls(words):
                silent.set()
            if not silent.is_set():
                sink.write(words)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(passed(reader, inner_writer), passed(inner_reader, writer))
        finally:
            inner_writer.transport.abort()

    async with served(serve) as relayed:
        yield relayed
