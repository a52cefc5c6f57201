"""A clock that only moves when told to, a meter that keeps what it was told, and a real Redis of one's own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.ports import Unmetered
from tests.support.addresses import own_host, own_port
from tests.support.waiting import until


class FakeClock:
    """Time that stands still until it is moved; who sleeps waits a moment of real time only."""

    def __init__(self) -> None:
        self.present = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.present

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))

    def advance(self, seconds: float) -> None:
        self.present += timedelta(seconds=seconds)


class RecordingMeter(Unmetered):
    """Keeps what went away and came back."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def degraded(self, what: str, *, yes: bool) -> None:
        self.told.append((what, yes))


class RedisServer:
    """A redis-server process that keeps nothing on disk; it can be killed, frozen and started anew on its port."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._host, self._port = own_host(), own_port()

    @property
    def url(self) -> str:
        return f"redis://{self._host}:{self._port}/0"

    async def start(self) -> None:
        words = ("--bind", self._host, "--port", str(self._port), "--save", "", "--appendonly", "no")
        self._process = await asyncio.create_subprocess_exec(
            self._program, *words, cwd=self._folder, stdout=asyncio.subprocess.DEVNULL
        )
        await until(lambda: self.say("PING"), lambda answer: answer == b"+PONG")

    async def say(self, words: str) -> bytes:
        """Send one command and return the first line of the answer; empty when nobody answers."""
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            return b""
        writer.write(words.encode() + b"\r\n")
        line = await reader.readline()
        writer.close()
        return line.strip()

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
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


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a Redis that is there for as long as any machine takes: how soon it is given up has tests of its own."""
    for place in ("connection.SOCKET", "connection.ANSWER", "redis.ANSWER", "listener.ANSWER"):
        monkeypatch.setattr(f"bot.hot.{place}_TIMEOUT_S", 60.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    program = os.environ.get("RAGOPS_TEST_REDIS_SERVER") or shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine")
    redis = RedisServer(program, tmp_path)
    await redis.start()
    try:
        yield redis
    finally:
        await redis.kill()
