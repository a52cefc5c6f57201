"""Where workers are forked from, and what each of them tells."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.crash.worker import Order
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Worker:
    """A forked worker, as far as it tells."""

    pid: int
    _handle: int | None
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    events: list[str] = field(default_factory=list)
    ended_at: float = 0.0

    async def listen(self) -> None:
        """Note what it says until it is gone."""
        with contextlib.suppress(ConnectionError):
            while line := await self._reader.readline():
                self.events.append(json.loads(line)["event"])
        self.ended_at = time.time()

    @property
    def gone(self) -> bool:
        return self.ended_at > 0

    @property
    def stands_still(self) -> bool:
        """Tell whether it was stopped by a signal."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    async def says(self, event: str) -> None:
        """Wait until it has said something, or is gone."""

        async def look() -> bool:
            return event in self.events or self.gone

        await until(look, bool, every_s=0.005)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, and nobody else who may have its number by now."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def end(self) -> None:
        self.send(signal.SIGKILL)
        self._writer.close()
        if self._handle is not None:
            os.close(self._handle)


@contextmanager
def nursery(folder: Path) -> Iterator[Path]:
    """Run the process that workers are forked from; its socket is yielded. What they log is in `workers.log`."""
    path = folder / "workers"
    with (folder / "workers.log").open("ab") as errors:
        process = subprocess.Popen(  # noqa: S603  # ours
            [sys.executable, "-m", "tests.crash.worker", str(path)], cwd=ROOT, stderr=errors
        )
    try:
        while not path.exists():
            assert process.poll() is None, "there is nothing to fork workers from"
            time.sleep(0.05)
        yield path
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def hatched(workers: Path, order: Order) -> AsyncIterator[Worker]:
    """Have a worker forked, ready to work; at the end of the block it is gone."""
    reader, writer = await asyncio.open_unix_connection(workers)
    writer.write(f"{json.dumps(asdict(order))}\n".encode())
    said = json.loads(await reader.readline())
    worker = Worker(said["pid"], _handle_of(said["pid"]), reader, writer, [said["event"]])
    listening = asyncio.create_task(worker.listen())
    try:
        yield worker
    finally:
        worker.end()
        await listening


def _handle_of(pid: int) -> int | None:
    """Return what stands for this very process; None when it is gone already."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
