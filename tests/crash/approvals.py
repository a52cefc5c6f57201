"""Two replicas, two approvers in the same instant: one transition, one execution."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.domain.operations import Operation, State
from bot.engine.executing import Executor
from bot.store.store import PostgresStore
from tests.support.carrying import SPEED
from tests.support.changing import deploy
from tests.support.engine import BOB, LEA, Scene, scene_on

# So many objects take turns that the plans for one are never of the same second.
_TARGETS = 40


@dataclass(slots=True)
class Pair:
    """Two replicas on one database."""

    replicas: tuple[Scene, Scene]
    _rounds: int = 0

    async def round(self) -> str:
        """Let two people approve one request at the same moment; return what must not be, empty when all is well.

        Every other request needs both of them.
        """
        self._rounds += 1
        first, second = self.replicas
        name = f"t{self._rounds % _TARGETS}"
        both = self._rounds % 2 == 0
        before = len(first.server.seen.of(name))
        operation = await first.request(f"restart {name}{' --risk high' if both else ''}")
        await asyncio.gather(
            first.say(f"approve {operation.id}", by=BOB), second.say(f"approve {operation.id}", by=LEA)
        )
        ended = await self._carried_out(operation)
        return await self._problem(ended, votes=1 + both, effects=len(first.server.seen.of(name)) - before)

    async def _carried_out(self, operation: Operation) -> Operation:
        executors = [Executor(scene.workshop) for scene in self.replicas]
        async with asyncio.timeout(100):
            while not (now := await self.replicas[0].now(operation)).state.final:
                await asyncio.gather(*(each.step() for each in executors))
        return now

    async def _problem(self, ended: Operation, *, votes: int, effects: int) -> str:
        told = [each for each in await self.replicas[0].audit() if each.subject == ended.id]
        transitions = sum(each.action == "vote" and each.result == "approved" for each in told)
        claims = sum(each.action == "claimed" for each in told)
        found = (ended.state, len(ended.counted), transitions, claims, effects)
        wanted = (State.SUCCEEDED, votes, 1, 1, 1)
        return "" if found == wanted else f"state, votes, transitions, claims, effects: {found} instead of {wanted}"


@asynccontextmanager
async def pair_on(database_url: str, folder: Path) -> AsyncIterator[Pair]:
    """Set two replicas up on a database, each with connections of its own, and a cluster that lives fast."""
    async with (
        await PostgresStore.open(database_url) as one,
        await PostgresStore.open(database_url) as other,
        scene_on(one, folder) as scene,
    ):
        for number in range(_TARGETS):
            deploy(scene.world, f"t{number}")
        ticking = asyncio.create_task(scene.world.run(speed=SPEED))
        fast = {"follow_every_s": 0.02, "verdict_after_s": 3600.0}
        second = replace(scene, store=other, workshop=replace(scene.workshop, store=other, name="second", **fast))
        try:
            yield Pair((scene.fitted(name="first", **fast), second))
        finally:
            ticking.cancel()
