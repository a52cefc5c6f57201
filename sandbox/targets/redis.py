"""A Redis that answers to who only looks: `PING`, `INFO` and what clients say of themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sandbox.targets.sockets import listening

_MOST_WORDS, _LONGEST_WORD = 32, 4096
_BEGAN = time.monotonic()


@asynccontextmanager
async def redis_target(ready: Callable[[], int]) -> AsyncIterator[str]:
    """Run it while the block runs, and yield its address."""
    async with listening(_talk, ready) as address:
        yield address


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (words := await _command(reader)) is not None:
        writer.write(_reply(words))
        await writer.drain()


async def _command(reader: asyncio.StreamReader) -> list[str] | None:
    """Read one command in RESP2; None at the end of the connection or for what is none."""
    head = await reader.readline()
    if not head.startswith(b"*") or not head[1:].strip().isdigit():
        return None
    words = []
    for _ in range(min(int(head[1:]), _MOST_WORDS)):
        size = await reader.readline()
        if not size.startswith(b"$") or not size[1:].strip().isdigit() or int(size[1:]) > _LONGEST_WORD:
            return None
        words.append((await reader.readexactly(int(size[1:]) + 2))[:-2].decode(errors="replace"))
    return words


def _reply(words: list[str]) -> bytes:
    match [word.upper() for word in words[:2]]:
        case ["PING", *_]:
            return b"+PONG\r\n"
        case ["CLIENT", _]:
            return b"+OK\r\n"
        case ["INFO", *_]:
            return _bulk(_info())
        case [name, *_]:
            return f"-ERR unknown command '{name.lower()}'\r\n".encode()
        case _:
            return b"-ERR no command\r\n"


def _bulk(text: str) -> bytes:
    content = text.encode()
    return b"$%d\r\n%s\r\n" % (len(content), content)


def _info() -> str:
    seconds = int(time.monotonic() - _BEGAN)
    figures = {
        "redis_version": "7.2.4",
        "role": "master",
        "loading": 0,
        "uptime_in_seconds": seconds + 864_000,
        "connected_clients": 14,
        "maxclients": 10_000,
        "blocked_clients": 0,
        "rejected_connections": 0,
        "used_memory": 268_435_456,
        "maxmemory": 536_870_912,
        "maxmemory_policy": "allkeys-lru",
        "mem_fragmentation_ratio": 1.08,
        "evicted_keys": 0,
        "keyspace_hits": 1_204_411 + 42 * seconds,
        "keyspace_misses": 88_120 + 3 * seconds,
        "rdb_last_bgsave_status": "ok",
        "aof_enabled": 0,
        "aof_last_write_status": "ok",
    }
    return "".join(f"{name}:{value}\r\n" for name, value in figures.items())
