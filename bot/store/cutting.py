"""Breaks a connection to the database that takes too long: for a server that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import AsyncConnection

MOMENT_S = 0.1


@contextmanager
def cut_after(connection: AsyncConnection[Any], seconds: float) -> Iterator[Callable[[], bool]]:
    """Break the connection when the body takes longer; what is yielded tells whether that was done.

    The server's own limit comes first. This one is for a server that hangs: cancelling would ask that very server and
    wait for it, and a broken connection ends the wait at once.
    """
    knife = _Knife(connection, asyncio.get_running_loop().time() + seconds)
    try:
        yield knife.has_cut
    finally:
        knife.put_away()


class _Knife:
    """Breaks a connection at a moment of the event loop's time.

    When the loop itself stood still up to then, the answer may lie there unread: it gets a moment to be taken.
    """

    def __init__(self, connection: AsyncConnection[Any], at: float) -> None:
        self._connection = connection
        self._at = at
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_at(at, self._due)
        self._cut = False

    def has_cut(self) -> bool:
        return self._cut

    def put_away(self) -> None:
        self._timer.cancel()

    def _due(self) -> None:
        if self._loop.time() - self._at > MOMENT_S:
            self._timer = self._loop.call_later(MOMENT_S, self._strike)
        else:
            self._strike()

    def _strike(self) -> None:
        self._cut = True
        _cut(self._connection)


def _cut(connection: AsyncConnection[Any]) -> None:
    if connection.closed:
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as stream, contextlib.suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)
