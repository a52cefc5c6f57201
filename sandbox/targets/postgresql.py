"""A PostgreSQL as far as it goes before the login: it answers to the request for TLS, and refuses every login."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sandbox.targets.sockets import listening

# Protocol "Message Formats": SSLRequest and GSSENCRequest carry these codes in place of a version.
_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_MOST_BYTES = 10_000


@asynccontextmanager
async def postgresql_target(ready: Callable[[], int]) -> AsyncIterator[str]:
    """Run it while the block runs, and yield its address."""
    async with listening(_talk, ready) as address:
        yield address


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        length, code = struct.unpack("!ii", await reader.readexactly(8))
        if not 8 <= length <= _MOST_BYTES:
            return
        await reader.readexactly(length - 8)
        if code not in (_SSL_REQUEST, _GSS_REQUEST):
            break
        writer.write(b"N")
        await writer.drain()
    fields = b"SFATAL\0VFATAL\0C28000\0Mthis stand-in takes no logins\0\0"
    writer.write(b"E" + struct.pack("!i", 4 + len(fields)) + fields)
    await writer.drain()
