"""PostgreSQL, stage by stage: is it there, is it PostgreSQL, does it let us in, and how is it inside."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row

from bot.domain.findings import Severity
from bot.probes import way
from bot.probes.asking import Asking, Stopped
from bot.probes.postgresql_figures import Activity, Holders, OpenTransaction, Server, Size, Totals, tell
from bot.probes.postgresql_locks import LockRow
from bot.probes.postgresql_login import Credential, credential, refused
from bot.probes.sql import QUERIES
from bot.probes.tls import shake

Connection = psycopg.AsyncConnection[Any]
T = TypeVar("T")

PORT = 5432
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_NAME = "ragops-probe"
_NO_FILE = f"{os.devnull}/none"


async def ask(asking: Asking) -> None:
    """Go as far as we are let, and say how far that was."""
    target = asking.target
    host, port = way.split_address(target.address, PORT)
    given = credential(target, asking.secret)
    asking.secrets.update(filter(None, (given.options.get("password"),)))
    addresses = await way.find(asking, host, port)
    async with way.knock(asking, addresses, port) as doors:
        door = doors[0]
        offers_tls = await _greet(asking, door)
        asking.fact("TLS", "offered" if offers_tls else "not offered")
        if given.wants_tls and not offers_tls:
            raise refused("the server does not support SSL")
        name = target.server_name or host
        if given.wants_tls and not await shake(
            asking, [door], name, ca_file=given.ca_file, verify=given.verifies, reopened=_reopened
        ):
            return
    if not asking.secret:
        asking.fact("Login", "not tried: no credential configured")
        return
    connection = await _logged_in(asking, given, name, door)
    try:
        await _unhindered(connection, _look(asking, connection))
    finally:
        await connection.close()


async def _greet(asking: Asking, door: way.Door) -> bool:
    """Ask whether TLS is offered: only PostgreSQL answers that, to anybody, with one letter."""
    with asking.stage("protocol") as step:
        try:
            answer = await _offer(door)
        except OSError:
            answer = b""
        if answer not in (b"S", b"N"):
            said = "closed the connection" if not answer else "answered something else"
            raise Stopped(
                "NOT_POSTGRESQL",
                f"This is no PostgreSQL: asked as one, it {said}.",
                advice="Check the port; a server that is starting or overloaded may close the connection, too.",
            )
        step.words = "PostgreSQL"
    return answer == b"S"


async def _offer(door: way.Door) -> bytes:
    """Ask for TLS and return the answer, one byte or none: what follows it belongs to the handshake."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(door.socket, _SSL_REQUEST)
    return await loop.sock_recv(door.socket, 1)


async def _reopened(address: str, port: int) -> way.Door:
    """Connect once more, up to where TLS begins. Raises OSError."""
    door = await way.connected(address, port)
    try:
        await _offer(door)
    except BaseException:
        door.close()
        raise
    return door


async def _logged_in(asking: Asking, given: Credential, name: str, door: way.Door) -> Connection:
    options = dict(given.options) | {
        "host": name,
        "hostaddr": door.address,
        "port": str(door.port),
        "application_name": _NAME,
        "client_encoding": "utf8",
        "passfile": _NO_FILE,
        "gssencmode": "disable",
        "target_session_attrs": "any",
    }
    with asking.stage("login"):
        try:
            return await psycopg.AsyncConnection.connect(
                make_conninfo(**({"password": ""} | options)),  # without one, the environment would be asked
                prepare_threshold=None,  # behind a pooler the next statement may meet another server process
            )
        except psycopg.errors.ConnectionTimeout as error:
            raise TimeoutError from error
        except psycopg.Error as error:
            raise refused(str(error)) from None  # its text is told; the error itself holds the password


async def _unhindered(connection: Connection, work: Coroutine[Any, Any, None]) -> None:
    """Do work on a connection. Who is cancelled meanwhile breaks it.

    Without that, the client library would first ask the server to stop its statement, and wait ten seconds for that.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as way_out:
            way_out.shutdown(socket.SHUT_RDWR)
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it is the break
        raise


async def _look(asking: Asking, connection: Connection) -> None:
    with asking.stage("query"):
        try:
            await connection.set_read_only(True)
            async with connection.transaction():
                await connection.execute(QUERIES["limit"])
                seen = await _activity(asking, connection)
        except psycopg.Error as error:
            raise Stopped(
                "POSTGRESQL_QUERY_FAILED", f"It let us in, but does not answer: {error}", advice="Read its log."
            ) from error
    tell(asking, seen)


async def _activity(asking: Asking, connection: Connection) -> Activity:
    (server,) = await _rows(connection, "server", Server)
    totals = await _seen(asking, connection, "totals", Totals)
    sizes = await _seen(asking, connection, "size", Size)
    return Activity(
        server=server,
        holders=await _seen(asking, connection, "holders", Holders),
        transactions=await _seen(asking, connection, "transactions", OpenTransaction),
        locks=await _seen(asking, connection, "locks", LockRow),
        totals=totals[0] if totals else None,
        size=sizes[0] if sizes else None,
    )


async def _seen(asking: Asking, connection: Connection, name: str, kind: type[T]) -> Sequence[T] | None:
    """Return what a statement finds; None, and a word about it, when the server refuses it or it takes too long."""
    try:
        async with connection.transaction():
            return await _rows(connection, name, kind)
    except UnicodeError:  # statements of a database with another encoding
        asking.trouble("POSTGRESQL_NOT_SEEN", Severity.INFO, f"Not seen: {name} (not in UTF-8).")
    except psycopg.Error as error:
        if connection.broken or error.sqlstate is None:
            raise
        asking.trouble("POSTGRESQL_NOT_SEEN", Severity.INFO, f"Not seen: {name} ({error.sqlstate}: {error}).")
    return None


async def _rows(connection: Connection, name: str, kind: type[T]) -> Sequence[T]:
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(QUERIES[name])
        return await cursor.fetchall()
