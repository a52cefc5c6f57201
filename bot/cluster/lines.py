"""Lines of a stream, each bounded, whatever the chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp

LONGEST = 16 * 1024 * 1024  # an object is at most 1.5 MiB in etcd; as JSON it may be a few times that


async def read_lines(stream: aiohttp.StreamReader, *, longest: int = LONGEST) -> AsyncIterator[bytes]:
    """Yield complete lines; what stands after the last newline is dropped, as it may be cut off."""
    rest = bytearray()
    async for chunk in stream.iter_any():
        rest += chunk
        if b"\n" in chunk:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                if line:
                    yield line
        if len(rest) > longest:
            raise aiohttp.ClientPayloadError(f"a line of more than {longest} bytes")
