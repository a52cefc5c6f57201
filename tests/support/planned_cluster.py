"""A small simulated cluster to plan changes on: verbs observe it over HTTP, and what they plan is carried out in it.

The record and the requests are in a real database. Time is the world's own and moves when it is told to.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import handlers
from bot.cluster import ClusterWrites, ContainerLogs, KubernetesHttp, OneShotReader, open_connection
from bot.domain import transitions as states
from bot.domain.actions import Change
from bot.domain.approval import Rule
from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.domain.live import Live
from bot.domain.operations import Operation, State
from bot.domain.people import Actor
from bot.domain.plans import FORMAT, Draft, Plan, Refusal, canonical, digest_of
from bot.domain.requests import Place, Request, Surface
from bot.domain.steps import Standing
from bot.domain.targets import ObjectRef
from bot.parser import parse
from bot.ports import RevisionSeen, Sources, Store
from bot.registry import discover
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from tests.support.changing import NAMESPACE, SCOPE, small_cluster

VERBS = discover(handlers)
_SETTLED_S = 120


class WorldTime:
    """The world's own time, in which its statuses and events are written. A `Clock`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.clock.now()

    async def sleep(self, seconds: float) -> None:
        self._world.advance(seconds)


@dataclass(slots=True)
class Planning:
    """The world, and what verbs are handed to look at it."""

    world: World
    store: Store
    sources: Sources
    writer: ClusterWrites

    async def plan(self, text: str) -> Draft | Refusal:
        """Type a command and return what its verb plans."""
        parsed = parse(text, VERBS)
        assert isinstance(parsed.action, Change)
        asked = Request(key="k", actor=Actor("U-ann", "T1"), surface=Surface.COMMAND, text=text, place=Place("C1"))
        sources = replace(self.sources, request=asked, now=self.world.clock.now())
        return parsed.action.plan(parsed.params, await parsed.action.observe(parsed.params, sources))

    async def drafted(self, text: str) -> Draft:
        """Type a command that is planned."""
        planned = await self.plan(text)
        assert isinstance(planned, Draft), planned
        return planned

    async def refused(self, text: str) -> str:
        """Type a command that is refused, and return why."""
        planned = await self.plan(text)
        assert isinstance(planned, Refusal), planned
        return planned.reason

    async def carry_out(self, draft: Draft) -> Operation:
        """Do what a draft says, let the cluster settle, and keep the request as one that ended well."""
        operation = request_of(draft, self.world.clock.now())
        stamp = operation.plan.stamp(operation.id, ())
        for write in draft.step.writes(await self.live(draft), stamp):
            await self.writer.write(draft.target.scope, write, dry_run=True, timeout_s=5)
            await self.writer.write(draft.target.scope, write, dry_run=False, timeout_s=5)
        assert draft.step.compare(await self.live(draft), stamp).standing is Standing.TO
        self.world.advance(_SETTLED_S)
        running = states.claim(operation, now=operation.created_at)
        applied = states.written(running, now=operation.created_at, generation=1)
        return await self.keep(operation, running, states.succeed(applied, now=self.world.clock.now()))

    async def keep(self, operation: Operation, *later: Operation) -> Operation:
        """Keep a request, and the states that it was in afterwards; return the last."""
        async with self.store.transaction() as transaction:
            assert await transaction.add_operation(operation, ())
            for each in later:
                assert await transaction.save(each)
        return (operation, *later)[-1]

    async def live(self, draft: Draft) -> Live:
        """Return a draft's target as it is now."""
        target = draft.target
        return await self.writer.live(target.scope, target.kind, target.name, reads=draft.step.reads)

    async def note(self, name: str, uid: str, number: int, *, minutes: int = 1) -> None:
        """Note that a revision of a Deployment was seen to work."""
        ref = ObjectRef("Deployment", NAMESPACE, name)
        seen = RevisionSeen(ref=ref, workload_uid="", revision_uid=uid, number=number, version="v", pods=2)
        for _ in range(minutes):
            await self.store.record.note(SCOPE, [seen])


def request_of(draft: Draft, now: datetime) -> Operation:
    """Return a new request for a draft, for which nobody else is asked."""
    created = now.replace(microsecond=0)
    plan = Plan(
        v=FORMAT,
        draft=draft,
        rule=Rule(),
        policy_version="p1",
        requester=Actor("U-ann", "T1"),
        human="U-ann",
        command=f"{draft.verb} {draft.target.name}",
        created_at=created,
        expires_at=created + timedelta(minutes=15),
    )
    return Operation(
        id=str(uuid.uuid4()),
        plan=plan,
        digest=digest_of(canonical(plan)),
        state=State.APPROVED,
        place=Place("C1"),
        created_at=created,
        expires_at=plan.expires_at,
        approved_at=created,
        execute_by=created + timedelta(minutes=2),
    )


@asynccontextmanager
async def planning_on(store: Store, folder: Path) -> AsyncIterator[Planning]:
    """Set a small empty cluster up, with everything that a verb is handed."""
    world = small_cluster()
    clock = WorldTime(world)
    async with ClusterServer(world.store, world, world) as server:
        server.write_kubeconfig(folder / "kubeconfig")
        connection = await open_connection(str(folder / "kubeconfig"))
        try:
            https = {SCOPE.cluster: KubernetesHttp(connection, clock, random.Random(7).random)}
            writer = ClusterWrites(https, clock)
            nobody = Request(key="k", actor=Actor("U-ann", "T1"), surface=Surface.COMMAND, text="")
            sources = Sources(
                scope=SCOPE,
                request=nobody,
                now=clock.now(),
                cluster=OneShotReader(https, clock),
                logs=ContainerLogs(https),
                catalogue=Catalogue(),
                live=writer,
                record=store.record,
                operations=store.operations,
                changes=ChangePolicy(),
            )
            yield Planning(world, store, sources, writer)
        finally:
            await connection.close()
