"""The program as people run it: as a process of its own, with an environment of its own; and what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("ragops"))
_LONGEST_S = 120.0


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return a clean environment whose home, data and temporary files are below `folder`."""
    places = {name: folder / name.lower() for name in ("HOME", "RAGOPS_DATA", "TMPDIR")}
    for place in places.values():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SSL_CERT_FILE") if name in os.environ}
    return kept | {name: str(place) for name, place in places.items()} | more


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended and what it printed."""

    code: int
    out: str
    err: str


async def ragops(*words: str, environ: Mapping[str, str], folder: Path) -> Ended:
    """Run a command to its end in `folder`."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *words,
        env=dict(environ),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_LONGEST_S):
        out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


@dataclass(slots=True)
class Program:
    """A program that runs until it is stopped; its log is in a file."""

    process: asyncio.subprocess.Process
    log: Path

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to it, or as a terminal does to its whole group."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)

    async def ended(self, *, within_s: float = 60.0) -> int:
        """Wait for its end and return its exit code, negative for the signal that ended it."""
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Stop it and return its exit code; on a busy machine its database takes a while to be made and unmade."""
        self.send(number, group=group)
        return await self.ended()

    async def line(self, *, within_s: float = 60.0) -> str:
        """Return the next line of its output; empty at its end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within_s):
            return (await self.process.stdout.readline()).decode()


@asynccontextmanager
async def started(*words: str, environ: Mapping[str, str], folder: Path) -> AsyncIterator[Program]:
    """Start a program in a group of its own; at the end of the block it is gone, however that went."""
    log = folder / "program.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *words,
            env=dict(environ),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    program = Program(process, log)
    try:
        yield program
    finally:
        program.send(signal.SIGKILL)
        await program.ended()


def processes_of(folder: Path) -> dict[int, str]:
    """Return the processes that work in `folder` or were told of it, each with its words."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words and (str(folder) in words or str((entry / "cwd").readlink()).startswith(str(folder))):
                found[int(entry.name)] = words
    return found
