"""A balancer as it stands before replicas: each connection goes to the next of those that take it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from tests.support.addresses import own_host, own_port

Address = tuple[str, int]


class Balancer:
    """Passes bytes on; a replica that refuses the connection is skipped."""

    def __init__(self, replicas: Sequence[Address]) -> None:
        self._replicas = tuple(replicas)
        self._turn = itertools.count()
        self._pumps: set[asyncio.Task[None]] = set()
        self.host, self.port = own_host(), own_port()

    @property
    def url(self) -> str:
        """Return the address that the platform is told."""
        return f"http://{self.host}:{self.port}/slack/events"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Balancer]:
        """Listen while the block runs."""
        server = await asyncio.start_server(self._serve, self.host, self.port)
        try:
            yield self
        finally:
            server.close()
            for pump in tuple(self._pumps):
                pump.cancel()
            await asyncio.gather(*self._pumps, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await self._connect()
        if far is None:
            writer.close()
            return
        far_reader, far_writer = far
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            pump = asyncio.create_task(_pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for number in range(first, first + len(self._replicas)):
            host, port = self._replicas[number % len(self._replicas)]
            with suppress(OSError):
                return await asyncio.open_connection(host, port)
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(64 * 1024):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()
