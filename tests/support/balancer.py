"""A balancer as it stands before replicas: each connection goes to the next of those that take it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from tests.support.addresses import own_host, own_port
from tests.support.waiting import until

Address = tuple[str, int]


class Balancer:
    """Passes bytes on; a replica that refuses the connection is skipped."""

    def __init__(self, replicas: Sequence[Address]) -> None:
        self._replicas = list(replicas)
        self._turn = 0
        self._open: Counter[Address] = Counter()
        self._passing: set[asyncio.Task[None]] = set()
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
            for task in tuple(self._passing):
                task.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)
            await server.wait_closed()

    async def leave(self, replica: Address) -> None:
        """Lead no new connection to a replica, and wait until those that it has are over."""
        self._replicas.remove(replica)

        async def left() -> int:
            return self._open[replica]

        await until(left, lambda count: count == 0, within_s=60, every_s=0.01)

    def join(self, replica: Address) -> None:
        """Lead connections to a replica again."""
        self._replicas.append(replica)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, self._turn = self._turn, self._turn + 1
        replicas = tuple(self._replicas)
        try:
            for number in range(first, first + len(replicas)):
                replica = replicas[number % len(replicas)]
                self._open[replica] += 1
                try:
                    far_reader, far_writer = await asyncio.open_connection(*replica)
                except OSError:
                    continue
                else:
                    await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
                    return
                finally:
                    self._open[replica] -= 1
        finally:
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(64 * 1024):
            writer.write(chunk)
            await writer.drain()
    writer.close()
