"""A redis-server of a test's own: killed, frozen, emptied, and brought back from an old copy, always at one address."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.addresses import own_host, own_port
from tests.support.waiting import until

_DUMP = "dump.rdb"


@dataclass(slots=True)
class OwnRedis:
    """A server that writes to its disk only when it is told to."""

    program: str
    folder: Path
    host: str = field(default_factory=own_host)
    port: int = field(default_factory=own_port)
    _process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    async def start(self) -> None:
        """Start it with what its folder holds, and wait until it answers."""
        words = ("--bind", self.host, "--port", str(self.port), "--save", "", "--appendonly", "no")
        self._process = await asyncio.create_subprocess_exec(
            self.program, *words, cwd=self.folder, stdout=asyncio.subprocess.DEVNULL
        )
        await until(lambda: self.say("PING"), lambda answer: answer == b"+PONG")

    async def say(self, words: str) -> bytes:
        """Send one command and return the first line of the answer; empty when nobody answers."""
        try:
            reader, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return b""
        try:
            writer.write(words.encode() + b"\r\n")
            return (await reader.readline()).strip()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def empty(self) -> None:
        """Remove everything that it holds."""
        assert await self.say("FLUSHALL") == b"+OK"

    async def copy(self) -> Path:
        """Write down what it holds now, and return the copy."""
        assert await self.say("SAVE") == b"+OK"
        kept = self.folder / "old.rdb"
        (self.folder / _DUMP).replace(kept)
        return kept

    async def back_from(self, copy: Path | None) -> None:
        """Kill it and start it again, with an old copy or with nothing."""
        await self.kill()
        (self.folder / _DUMP).unlink(missing_ok=True)
        if copy is not None:
            shutil.copy(copy, self.folder / _DUMP)
        await self.start()

    def freeze(self) -> None:
        """Let it take connections and say nothing."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    async def kill(self) -> None:
        """End it without a chance to do anything, as `kill -9` does."""
        if self._process is not None:
            self._send(signal.SIGKILL)
            await self._process.wait()
            self._process = None

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@asynccontextmanager
async def own_redis(folder: Path) -> AsyncIterator[OwnRedis]:
    """Run one, and end it with the block; the test is skipped on a machine that has no redis-server."""
    program = os.environ.get("RAGOPS_TEST_REDIS_SERVER") or shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine")
    folder.mkdir()  # noqa: ASYNC240  # a moment
    redis = OwnRedis(program, folder)
    try:
        await redis.start()
        yield redis
    finally:
        await redis.kill()
