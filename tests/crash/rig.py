"""What the crash suite stands on: the small cluster, databases, workers to be struck, and rounds of one change each."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.domain.operations import Operation, State
from bot.domain.plans import Draft
from bot.errors import StoreUnavailable
from bot.ports import AuditQuery
from bot.store.audit import verify_audit
from bot.store.store import PostgresStore
from sandbox.cluster.world.world import World
from tests.crash.nursery import Worker, hatched
from tests.crash.worker import Order
from tests.support.carrying import SPEED, approved
from tests.support.changing import NAMESPACE, VERBS, WatchedServer, small_cluster
from tests.support.waiting import until

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
# Before that, while people say what they want.
ASKED = ("requested:before-commit", "requested:after-commit", "voted:before-commit", "voted:after-commit")
LEASE_S = 1.0
# So long that nobody waits for its end: who takes over earlier has seen that the process is gone.
LONG_LEASE_S = 30.0
ROUND_S = 100.0
_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """How the first worker is struck."""

    point: str
    nth: int = 1
    how: str = "kill"
    lease_s: float = LEASE_S

    @property
    def judges(self) -> bool:
        """Say whether the round goes on to the verdict."""
        return self.point == "verdict"

    def __str__(self) -> str:
        return f"{self.how} at {self.point}{f' ({self.nth})' if self.nth > 1 else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one round. `effects` are what the API server saw; `takeover_s` is None where nobody took over."""

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
        name, draft, operation = await self._approved(verb)
        over = _is_judged if blow.judges else is_over
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(self.worker("first", blow, struck=True))
            await first.says("taken")
            await stack.enter_async_context(self.worker("second", blow))
            ended = await self.until(operation, over)
            struck = "struck" in first.events
            if blow.how == "stop" and struck:
                await self._go_on(first)
                ended = await self.until(operation, over)
            takeover_s = await self._takeover(operation, first)
        names = {name, draft.target.name, *(pod.name for pod in getattr(draft.step, "pods", ()))}
        self.clear(name)
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

    async def _approved(self, verb: str) -> tuple[str, Draft, Operation]:
        """Make something to be changed, and an approved change of it."""
        while True:
            self._rounds += 1
            name = f"{self.name}-{self._rounds}"
            draft = VERBS[verb](self.world, name)
            # On a busy machine this process may stand still for so long that it gives a connection up.
            with contextlib.suppress(StoreUnavailable):
                return name, draft, await approved(self.store, draft)

    async def whole(self) -> bool:
        """Tell whether the audit's chain is."""
        return (await verify_audit(self.database_url)).ok

    def worker(self, name: str, blow: Blow, *, struck: bool = False) -> AbstractAsyncContextManager[Worker]:
        """Have a worker forked, which is struck or lives on."""
        order = Order(
            database_url=self.database_url,
            kubeconfig=str(self.kubeconfig),
            name=name,
            lease_s=blow.lease_s,
            point=blow.point if struck else "",
            nth=blow.nth,
            blow=blow.how,
            judges=blow.judges,
            listens=blow.point in ASKED,
        )
        return hatched(self.workers, order)

    async def _go_on(self, worker: Worker) -> None:
        """Let a worker that stands still go on, and give it the time to do harm."""

        async def still() -> bool:
            return worker.stands_still or worker.gone

        await until(still, bool)
        worker.send(signal.SIGCONT)
        await asyncio.sleep(0.3)

    async def until(self, operation: Operation, over: Callable[[Operation], bool]) -> Operation:
        """Wait until an operation is as it should be."""

        async def look() -> Operation:
            with contextlib.suppress(StoreUnavailable):
                return await self.store.operations.find(operation.id) or operation
            return operation

        return await until(look, over, within_s=ROUND_S, every_s=0.03)

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

    def clear(self, name: str) -> None:
        """Remove what the round was about, so that the cluster stays small."""
        for resource in ("horizontalpodautoscalers", "deployments", "jobs"):
            if self.world.store.get(resource, NAMESPACE, name) is not None:
                self.world.store.delete(resource, NAMESPACE, name)


def is_over(operation: Operation) -> bool:
    """Tell whether a change has ended."""
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
