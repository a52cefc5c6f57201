"""Replicas of the bot: real processes that share a database, a Redis and a workspace; what they say of themselves."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.support.addresses import own_host, own_port
from tests.support.processes import Program, environment, started
from tests.support.waiting import until

_START_S = 120.0
_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$", re.MULTILINE)


@dataclass(slots=True)
class Replica:
    """One process; `log` is its own, over all of its lives."""

    name: str
    role: str
    program: Program
    health: str

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of its log that carry this event."""
        return [fields for fields in self.lines() if fields.get("event") == name]

    def lines(self) -> list[dict[str, Any]]:
        """Return its log; what is no JSON (a traceback of the interpreter) is a line with `message` alone."""
        return [_read(line) for line in self.program.log.read_text().splitlines()]

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """Ask `/readyz`: the status (0 when nobody answers), and what each check says."""
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=5)) as session,
                session.get(f"{self.health}/readyz") as response,
            ):
                return response.status, await response.json()
        except (ClientError, OSError, TimeoutError):
            return 0, {}

    async def figures(self) -> dict[str, float]:
        """Return its metrics: `name{label="value"}` to the figure."""
        async with (
            ClientSession(timeout=ClientTimeout(total=10)) as session,
            session.get(f"{self.health}/metrics") as response,
        ):
            text = await response.text()
        found = {}
        for sample in _SAMPLE.finditer(text):
            labels = f"{{{sample['labels']}}}" if sample["labels"] else ""
            found[f"{sample['name']}{labels}"] = float(sample["value"])
        return found

    async def is_ready(self, *, within_s: float = _START_S) -> None:
        """Wait until it says that it can do its work. Fails at once when the process has ended."""

        async def look() -> tuple[int, dict[str, Any]]:
            assert self.program.process.returncode is None, self.program.log.read_text()[-3000:]
            return await self.readiness()

        try:
            await until(look, lambda seen: seen[0] == 200, within_s=within_s, every_s=0.1)
        except AssertionError as error:
            raise AssertionError(f"{self.name}: {error}\n{self.program.log.read_text()[-3000:]}") from None

    async def is_unready(self, check: str, *, within_s: float = 60.0) -> str:
        """Wait until it says that it cannot do its work because of `check`, and return its words."""

        def words(seen: tuple[int, dict[str, Any]]) -> str:
            status, told = seen
            failing = [each["words"] for each in told.get("checks", ()) if each["name"] == check and not each["well"]]
            return failing[0] if status == 503 and failing else ""

        return words(await until(self.readiness, words, within_s=within_s, every_s=0.1))


@dataclass(slots=True)
class Replicas:
    """Starts them, each in a folder of its own below `folder`; all share `shared` (the environment)."""

    folder: Path
    shared: Mapping[str, str]
    running: dict[str, Replica] = field(default_factory=dict)
    _lives: dict[str, AsyncExitStack] = field(default_factory=dict)
    _places: dict[str, tuple[str, str]] = field(default_factory=dict)

    def door(self, name: str) -> tuple[str, int]:
        """Return where a replica lets signed requests in."""
        host, _, port = self._places[name][1].rpartition(":")
        return host, int(port)

    async def start(self, name: str, *, role: str = "all", wait: bool = True) -> Replica:
        """Start a replica, for the first time or once more at its place."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        if name not in self._places:
            self._places[name] = f"{own_host()}:{own_port()}", f"{own_host()}:{own_port()}"
        health, door = self._places[name]
        environ = environment(folder) | dict(self.shared)
        environ |= {"RAGOPS_LISTEN": health, "RAGOPS_SLACK_LISTEN": door, "RAGOPS_LOG_FORMAT": "json"}
        if role == "worker":
            for key in ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
                environ.pop(key, None)
        life = AsyncExitStack()
        program = await life.enter_async_context(started("run", "--role", role, environ=environ, folder=folder))
        self._lives[name] = life
        replica = self.running[name] = Replica(name, role, program, f"http://{health}")
        if wait:
            await replica.is_ready()
        return replica

    async def start_all(self, *names: str, role: str = "all") -> list[Replica]:
        """Start several side by side, and wait until each is ready."""
        begun = [await self.start(name, role=role, wait=False) for name in names]
        await asyncio.gather(*(replica.is_ready() for replica in begun))
        return begun

    async def stop(self, name: str, number: signal.Signals = signal.SIGTERM, *, within_s: float = 60.0) -> int:
        """End a replica and return its exit code."""
        replica = self.running[name]
        replica.program.send(number)
        code = await replica.program.ended(within_s=within_s)
        await self._lives.pop(name).aclose()
        return code

    async def stop_all(self) -> list[int]:
        """End those that run, as a cluster does, and return their exit codes."""
        return list(await asyncio.gather(*(self.stop(name) for name in tuple(self._lives))))

    async def close(self) -> None:
        """Kill what is left."""
        for name in tuple(self._lives):
            await self._lives.pop(name).aclose()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of all logs that carry this event."""
        return [fields for replica in self.running.values() for fields in replica.events(name)]

    def troubles(self, *expected: str) -> list[dict[str, Any]]:
        """Return what was logged as an error, or above, or is no log line at all; events in `expected` left out."""
        lines = [{"replica": replica.name, **line} for replica in self.running.values() for line in replica.lines()]
        calm = {"debug", "info", "warning"}
        return [line for line in lines if line.get("level") not in calm and line.get("event") not in expected]


@asynccontextmanager
async def replicas(folder: Path, shared: Mapping[str, str]) -> AsyncIterator[Replicas]:
    """Yield what starts replicas; at the end none is left."""
    folder.mkdir()  # noqa: ASYNC240  # a moment
    them = Replicas(folder, shared)
    try:
        yield them
    finally:
        await them.close()


def _read(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        return {"message": line}
    return fields if isinstance(fields, dict) else {"message": line}
