"""What the crash suite stands on: the small cluster, databases, workers to be struck, and rounds of one change each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bot.domain.operations import Operation, State
from bot.ports import AuditQuery
from bot.store.audit import verify_audit
from bot.store.store import PostgresStore
from sandbox.cluster.world.world import World
from tests.crash.worker import Order
from tests.support.carrying import SPEED, approved
from tests.support.changing import NAMESPACE, VERBS, WatchedServer, small_cluster
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
# In the order in which a change passes them. `verdict` lies after its end.
POINTS = (
    "taken",
    "evidence",
    "claimed:before-commit",
    "claimed",
    "read",
    "attempt",
    "written:before",
    "written:after",
    "patched",
    "followed",
    "ended:before-commit",
    "ended",
    "verdict",
)
LEASE_S = 1.0
ROUND_S = 40.0
_TRIES = 4


@dataclass(slots=True)
class Worker:
    """A forked worker, as far as it tells."""

    pid: int
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

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> None:
        self.send(signal.SIGKILL)
        self._writer.close()


@contextmanager
def nursery(folder: Path) -> Iterator[Path]:
    """Run the process that workers are forked from; its socket is yielded."""
    path = folder / "workers"
    process = subprocess.Popen([sys.executable, "-m", "tests.crash.worker", str(path)], cwd=ROOT)
    try:
        while not path.exists():
            assert process.poll() is None, "there is nothing to fork workers from"
            time.sleep(0.05)
        yield path
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """How the first worker is struck."""

    point: str
    nth: int = 1
    how: str = "kill"

    @property
    def judges(self) -> bool:
        """Say whether the round goes on to the verdict."""
        return self.point == "verdict"

    def __str__(self) -> str:
        return f"{self.how} at {self.point}{f' ({self.nth})' if self.nth > 1 else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one round. `effects` are those that the API server saw; `takeover_s` is None when none was needed."""

    verb: str
    blow: Blow
    state: State
    said: str
    effects: int
    wanted: int
    struck: bool
    judged: bool
    takeover_s: float | None

    @property
    def problem(self) -> str:
        """Say what must not be; empty when all is well."""
        if self.effects > self.wanted:
            return f"{self.effects} effects instead of {self.wanted}"
        if self.state is not State.SUCCEEDED or self.effects < self.wanted:
            return f"{self.effects} of {self.wanted} effects, {self.state}: {self.said}"
        return "" if self.judged else "no verdict"

    def __str__(self) -> str:
        return f"{self.verb}, {self.blow}: {self.problem or 'well'}"


@dataclass(slots=True)
class Lane:
    """One database with its rounds, one after the other."""

    store: PostgresStore
    database_url: str
    world: World
    server: WatchedServer
    kubeconfig: Path
    workers: Path
    name: str
    _rounds: int = 0

    async def round(self, verb: str, blow: Blow) -> Outcome:
        """Let a first worker be struck while it carries a change out, and a second one take over."""
        self._rounds += 1
        name = f"{self.name}-{self._rounds}"
        draft = VERBS[verb](self.world, name)
        operation = await approved(self.store, draft)
        over = _is_judged if blow.judges else _is_over
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(self._worker("first", blow, struck=True))
            await self._hears(first, "taken")
            second = await stack.enter_async_context(self._worker("second", blow))
            ended = await until(lambda: self._now(operation), over, within_s=ROUND_S, every_s=0.03)
            struck = "struck" in first.events
            if blow.how == "stop" and struck:
                await self._go_on(first)
                ended = await self._now(operation)
            takeover_s = await self._takeover(operation, first)
        names = {name, draft.target.name, *(pod.name for pod in getattr(draft.step, "pods", ()))}
        self._clear(name)
        return Outcome(
            verb=verb,
            blow=blow,
            state=ended.state,
            said=ended.outcome,
            effects=len(self.server.seen.of(*names)),
            wanted=len(getattr(draft.step, "pods", ())) or 1,
            struck=struck,
            judged=ended.verdict is not None or not blow.judges,
            takeover_s=takeover_s,
        )

    async def whole(self) -> bool:
        """Tell whether the audit's chain is."""
        return (await verify_audit(self.database_url)).ok

    @asynccontextmanager
    async def _worker(self, name: str, blow: Blow, *, struck: bool = False) -> AsyncIterator[Worker]:
        order = Order(
            database_url=self.database_url,
            kubeconfig=str(self.kubeconfig),
            name=name,
            lease_s=LEASE_S,
            point=blow.point if struck else "",
            nth=blow.nth,
            blow=blow.how,
            judges=blow.judges,
        )
        reader, writer = await asyncio.open_unix_connection(self.workers)
        writer.write(f"{json.dumps(asdict(order))}\n".encode())
        said = json.loads(await reader.readline())
        worker = Worker(said["pid"], reader, writer, [said["event"]])
        listening = asyncio.create_task(worker.listen())
        try:
            yield worker
        finally:
            worker.close()
            await listening

    async def _hears(self, worker: Worker, event: str) -> None:
        async def look() -> bool:
            return event in worker.events or worker.gone

        await until(look, bool, every_s=0.005)

    async def _go_on(self, worker: Worker) -> None:
        """Let a worker that stands still go on, and give it the time to do harm."""

        async def still() -> bool:
            return worker.stands_still or worker.gone

        await until(still, bool)
        worker.send(signal.SIGCONT)
        await asyncio.sleep(0.3)

    async def _now(self, operation: Operation) -> Operation:
        found = await self.store.operations.find(operation.id)
        assert found is not None
        return found

    async def _takeover(self, operation: Operation, first: Worker) -> float | None:
        """Return how long after the first one's end the second one had the change; None when it need not have it."""
        if not first.gone:
            return None
        entries = await self.store.audit_trail.search(AuditQuery(operation=operation.id, limit=100))
        taken = [
            entry.at.timestamp()
            for entry in entries
            if entry.detail.get("worker") == "second" and entry.action in ("takeover", "claimed")
        ]
        return max(0.0, min(taken) - first.ended_at) if taken else None

    def _clear(self, name: str) -> None:
        """Remove what the round was about, so that the cluster stays small."""
        for resource in ("horizontalpodautoscalers", "deployments", "jobs"):
            if self.world.store.get(resource, NAMESPACE, name) is not None:
                self.world.store.delete(resource, NAMESPACE, name)


def _is_over(operation: Operation) -> bool:
    return operation.state.final


def _is_judged(operation: Operation) -> bool:
    return operation.state.final and (operation.state is not State.SUCCEEDED or operation.verdict is not None)


async def run_rounds(running: list[Lane], blows: Iterable[tuple[str, Blow]]) -> list[Outcome]:
    """Run rounds, as many at once as there are lanes. One whose worker lost its lease before it was struck runs again.

    A busy machine may keep a worker from its processor for longer than a lease.
    """
    waiting = deque((verb, blow, _TRIES) for verb, blow in blows)
    done: list[Outcome] = []

    async def drive(lane: Lane) -> None:
        while waiting:
            verb, blow, left = waiting.popleft()
            outcome = await lane.round(verb, blow)
            if outcome.struck or outcome.problem or left == 1:
                done.append(outcome)
            else:
                waiting.append((verb, blow, left - 1))

    async with asyncio.TaskGroup() as group:
        for lane in running:
            group.create_task(drive(lane))
    return done


@asynccontextmanager
async def lanes(folder: Path, workers: Path, urls: list[str]) -> AsyncIterator[list[Lane]]:
    """Set up the cluster and a lane on each database; the cluster lives fast."""
    world = small_cluster()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(WatchedServer(world))
        server.write_kubeconfig(folder / "kubeconfig")
        ticking = asyncio.create_task(world.run(speed=SPEED))
        stack.callback(ticking.cancel)
        made = []
        for number, url in enumerate(urls):
            store = await stack.enter_async_context(await PostgresStore.open(url, smallest_pool=1, largest_pool=2))
            made.append(Lane(store, url, world, server, folder / "kubeconfig", workers, f"w{number}"))
        yield made
