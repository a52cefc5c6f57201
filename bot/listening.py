"""A plain HTTP server with bounds: connections, silence, sizes of headers, and an orderly end.

It is aiohttp's low-level server: every request goes to one handler. Nothing is unpacked on the way: a signature is over
the bytes as they came, and what is packed small may be large.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_LINE: Final = 8190
_HEADERS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is let in at once and how long anything may take (seconds); `body` in bytes.

    `reading` bodies are read at a time, `working` deliveries worked on; whoever finds no room within `room_s` is sent
    away. A connection must send its first headers within `headers_s` and may be silent between requests for `idle_s`,
    which should be more than what a proxy in front keeps.
    """

    connections: int = 512
    reading: int = 32
    working: int = 64
    body: int = 1024 * 1024
    room_s: float = 1.0
    headers_s: float = 5.0
    body_s: float = 3.0
    idle_s: float = 75.0
    stop_s: float = 5.0


class _Noise(logging.Filter):
    """Drops what anybody can cause from outside: lines about requests that are no HTTP."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


class BoundedServer(web.Server):
    """Takes so many connections, and none that says nothing."""

    def __init__(self, handler: Handler, bounds: Bounds, *, log: str) -> None:
        wire = logging.getLogger(log)
        if not wire.filters:
            wire.addFilter(_Noise())
        super().__init__(
            self._hear,
            logger=wire,
            access_log=None,
            keepalive_timeout=bounds.idle_s,
            lingering_time=0.5,
            auto_decompress=False,
            max_line_size=_LINE,
            max_field_size=_LINE,
            max_headers=_HEADERS,
        )
        self._handler = handler
        self._bounds = bounds
        self._silent: set[RequestHandler] = set()
        self.turned_away = 0

    def __call__(self) -> RequestHandler:
        """Make what serves one connection; over the bound it is closed as soon as it is open."""
        connection = super().__call__()
        if len(self.connections) >= self._bounds.connections:
            self.turned_away += 1
            self._loop.call_later(0, connection.force_close)
        else:
            self._silent.add(connection)
            self._loop.call_later(self._bounds.headers_s, self._expire, connection)
        return connection

    async def _hear(self, request: web.BaseRequest) -> web.StreamResponse:
        self._silent.discard(request.protocol)
        return await self._handler(request)

    def _expire(self, connection: RequestHandler) -> None:
        if connection in self._silent:
            self._silent.discard(connection)
            connection.force_close()


@asynccontextmanager
async def listening(server: BoundedServer, host: str, port: int, *, stop_s: float) -> AsyncIterator[int]:
    """Listen, and yield the port. At the end accept no more, and let what is being answered end within `stop_s`."""
    runner = web.ServerRunner(server, shutdown_timeout=stop_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        yield int(runner.addresses[0][1])
    finally:
        await asyncio.shield(runner.cleanup())
