"""Everybody at once, one step at a time: people, two workers that stand still at every point, a cluster that judges.

What a worker does between two points is one step; at each point it can be left standing, ended, or overtaken.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from aiohttp import web
from psycopg.rows import DictRow, dict_row

from bot.domain.approval import Rule, RuleSet
from bot.domain.change_policy import ChangePolicy, RuleFor
from bot.domain.live import Live
from bot.domain.people import RoleName, Standing
from bot.domain.plans import Risk
from bot.domain.requests import Request
from bot.domain.view import View
from bot.engine.executing import Executor
from bot.engine.workshop import Workshop
from bot.store.store import PostgresStore
from sandbox.cluster.api.calls import Answer
from sandbox.cluster.api.calls import Target as Asked
from sandbox.cluster.world.world import World
from tests.support.carrying import Stopped
from tests.support.changing import Effect, WatchedServer, live_in
from tests.support.engine import ANN, BOB, GUS, LEA, LEADS, OLI, OPS, POLICY, VIC, Scene, asked, member, scene_on

ANN2, BOB2 = "U0ANN2", "U0BOB2"
HUMANS = MappingProxyType({ANN: "ann", ANN2: "ann", BOB: "bob", BOB2: "bob"})
PEOPLE = (ANN, ANN2, OLI, BOB, BOB2, LEA, VIC, GUS)
TARGETS = ("api", "worker")
_APPROVERS = RuleSet(name="approvers", roles=(RoleName.APPROVER,))
_ONE, _TWO = Rule(sets=(_APPROVERS,), humans=1), Rule(sets=(replace(_APPROVERS, count=2),), humans=2)
_USUAL = replace(POLICY, humans=HUMANS)
POLICIES: Mapping[str, ChangePolicy] = {
    "usual": _USUAL,
    "strict": replace(_USUAL, version="strict", defaults={Risk.LOW: _ONE, Risk.MEDIUM: _TWO, Risk.HIGH: _TWO}),
    "frozen": replace(_USUAL, version="frozen", frozen=(RuleFor(forbidden="release of the year"),)),
}
# How many people it takes, said once more in other words than the policies'.
TAKES: Mapping[str, Mapping[str, int]] = {
    "usual": {"low": 0, "medium": 1, "high": 2},
    "strict": {"low": 1, "medium": 2, "high": 2},
    "frozen": {"low": 99, "medium": 99, "high": 99},
}
_STEP_S = 60.0
# How long a busy machine may take for what takes a moment.
PATIENCE = MappingProxyType({"wait_s": 30.0, "statement_limit_s": 30.0, "accept_s": 30.0})
_MOST_STEPS = 200
_PASS = "clock_timestamp() - interval '1 second'"


def human(user_id: str) -> str:
    """Return the person behind an account."""
    return HUMANS.get(user_id, user_id)


class JudgingServer(WatchedServer):
    """An API server that shows each write which changes something to a judge: the object right before, and after."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.judge: Callable[[Effect, str, Live, Live], object] = lambda *_: None
        self._world = world

    async def _answer(self, request: web.BaseRequest, target: Asked) -> Answer:
        if request.method != "PATCH":
            return await super()._answer(request, target)
        known, before = len(self.seen.effects), live_in(self._world, "Deployment", target.name)
        try:
            return await super()._answer(request, target)
        finally:
            for effect in self.seen.effects[known:]:
                self.judge(effect, target.name, before, live_in(self._world, "Deployment", target.name))


@dataclass(frozen=True, slots=True)
class Look:
    """What was so when a worker looked for the last time before a claim: who leads, and by which policy it works."""

    leads: frozenset[str]
    policy: str


class Hand:
    """One worker after the other under one name, each with connections of its own."""

    def __init__(self, turmoil: Turmoil, name: str) -> None:
        self._turmoil, self._name, self._numbers = turmoil, name, itertools.count(1)
        self._store: PostgresStore | None = None
        self._task: asyncio.Task[bool] | None = None
        self._go, self._reached = asyncio.Event(), asyncio.Event()
        self._ends_now = self._ends_next = self._worked = False
        self._worker = self._policy = ""
        self.point = ""

    async def go_on(self) -> None:
        """Take something up, or go on to the next point or the end."""
        self._reached.clear()
        if self._task is None:
            self._task = asyncio.create_task(Executor(await self._workshop()).step())
        else:
            self._go.set()
        reached = asyncio.ensure_future(self._reached.wait())
        done, _ = await asyncio.wait({self._task, reached}, timeout=_STEP_S, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        assert done, f"{self._worker} does not get on from {self.point}"
        if self._task.done():
            task, self._task, self.point = self._task, None, ""
            ended = isinstance(task.exception(), Stopped)
            self._worked = not ended and task.result()
            if ended:
                await self.close()

    async def finish(self, live: Callable[[], object]) -> None:
        """Go on until nothing waits any more, while the cluster lives."""
        for _ in range(_MOST_STEPS):
            await self.go_on()
            if self._task is None and not self._worked:
                return
            if self.point == "followed":
                live()

    async def end(self, *, later: bool) -> None:
        """Let its process be gone where it stands, or at the next point, which may be right before a commit."""
        if not later and self._task is None:
            return
        self._ends_now, self._ends_next = not later, later
        await self.go_on()
        self._ends_now = self._ends_next = False

    async def close(self) -> None:
        """End its connections, and what it does."""
        if self._task is not None:
            await self.end(later=False)
        if self._store is not None:
            store, self._store = self._store, None
            await store.close()

    async def _workshop(self) -> Workshop:
        if self._store is None:
            self._store = await PostgresStore.open(self._turmoil.url, largest_pool=2, **PATIENCE)
            self._worker = f"{self._name}-{next(self._numbers)}"
        self._policy = self._turmoil.policy
        return replace(
            self._turmoil.scene.workshop,
            store=self._store,
            name=self._worker,
            policy=POLICIES[self._policy],
            at=self._stand,
            follow_every_s=0.01,
        )

    async def _stand(self, point: str) -> None:
        if self._ends_next:
            raise Stopped
        if point.endswith(":before-commit"):
            return  # it holds the row's lock there, for which all others would wait
        self.point = point
        if point == "evidence":
            self._turmoil.looked(self._worker, self._policy)
        self._reached.set()
        await self._go.wait()
        self._go.clear()
        if self._ends_now:
            raise Stopped


@dataclass(slots=True)
class Turmoil:
    """The scene with everything that can happen in it."""

    url: str
    scene: Scene
    server: JudgingServer
    admin: psycopg.Connection[DictRow]
    policy: str = "usual"
    looks: dict[str, Look] = field(default_factory=dict)
    hands: dict[str, Hand] = field(default_factory=dict)
    _last: Request | None = None

    @property
    def here(self) -> Scene:
        """Return the scene under the policy of now."""
        return self.scene.fitted(policy=POLICIES[self.policy])

    @property
    def leads(self) -> frozenset[str]:
        """Return who may approve now."""
        people = self.scene.directory.people.values()
        return frozenset(one.user_id for one in people if LEADS in one.groups and one.standing is Standing.MEMBER)

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Run a query past everybody."""
        cursor = self.admin.execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def looked(self, worker: str, policy: str) -> None:
        """Note what was so when a worker looked at the operation that it has."""
        held = "SELECT id FROM operations WHERE worker = %s ORDER BY taken_at DESC LIMIT 1"
        self.looks[self.rows(held, worker)[0]["id"]] = Look(self.leads, policy)

    def operations(self) -> list[str]:
        """Return all requests, the newest first."""
        asked_for = "SELECT subject FROM audit WHERE action = 'requested' AND result <> 'refused' ORDER BY seq DESC"
        return [row["subject"] for row in self.rows(asked_for)]

    # --- people -------------------------------------------------------------------------------------------------------

    async def say(self, text: str, **how: Any) -> View | None:
        """Say something, through the inbox and the service."""
        self._last = asked(text, **how)
        return await self._carried_out(self._last, self.here)

    async def cut_off(self, text: str, point: str, **how: Any) -> None:
        """Say something to a worker that is gone at a point; another one finds it in the inbox."""

        async def end(at: str) -> None:
            if at == point:
                raise Stopped

        self._last = asked(text, **how)
        with suppress(Stopped):
            await self._carried_out(self._last, self.here.fitted(at=end))
        self.rows(f"UPDATE inbox SET lease_until = {_PASS} WHERE lease_until IS NOT NULL")  # noqa: S608  # ours
        again = await self.scene.store.inbox.claim(lease_s=30, key=self._last.key)
        if again is not None:
            await self.here.service.control(again)

    async def _carried_out(self, request: Request, scene: Scene) -> View | None:
        assert await scene.service.accept(request)
        return await scene.service.control(await scene.claimed(request))

    async def say_again(self) -> None:
        """Deliver what was said last once more: it is recognised."""
        if self._last is not None:
            assert not await self.scene.service.accept(self._last)

    async def press(self, which: int, kind: str, words: str = "", **how: Any) -> None:
        """Press a button of one of the cards, or say its words where no card shows it."""
        if not (known := self.operations()):
            return
        await self.scene.deliver()
        operation = await self.scene.now(known[which % len(known)])
        try:
            self.scene.button(operation, kind)
        except AssertionError:
            await self.say(f"{kind} {operation.id} {words}".strip(), by=how.get("by", ANN))
        else:
            await self.here.press(operation, kind, words=words, **how)

    async def make_way(self, name: str) -> None:
        """Let everybody be at their post, and nothing be in the way of a change of an object."""
        self.policy = "usual"
        self.server.faults.clear()
        for user_id in (BOB, LEA):
            self.join(user_id, leads=True)
        in_the_way = "SELECT id, state FROM operations WHERE name = %s AND (ended_at IS NULL OR state = 'UNKNOWN')"
        for row in self.rows(in_the_way, name):
            said = (
                f"resolve {row['id']} happened" if row["state"] == "UNKNOWN" else f"deny {row['id']} it is in the way"
            )
            await self.say(said, by=LEA)

    def join(self, user_id: str, *, leads: bool) -> None:
        """Let a person join or leave the leads."""
        groups = {OPS} if user_id in (ANN, OLI) else set[str]()
        self.scene.directory.people[user_id] = member(user_id, *groups, *({LEADS} if leads else ()))

    # --- time ---------------------------------------------------------------------------------------------------------

    def pass_leases(self) -> None:
        """Let more time pass than a lease lasts, which a worker that stands still does not notice."""
        self.rows(f"UPDATE operations SET lease_until = {_PASS} WHERE lease_until IS NOT NULL")  # noqa: S608  # ours

    def pass_time(self, which: int) -> None:
        """Let the time of a request be over: the one to answer, or the one to begin."""
        known = self.operations()
        if known:
            over = f"expires_at = {_PASS}, execute_by = CASE WHEN execute_by IS NOT NULL THEN {_PASS} END"
            self.rows(f"UPDATE operations SET {over} WHERE id = %s", known[which % len(known)])  # noqa: S608  # ours


@asynccontextmanager
async def turmoil_on(url: str, folder: Path) -> AsyncIterator[Turmoil]:
    """Set everything up on a database; at the end all workers are gone."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(await PostgresStore.open(url, largest_pool=4, **PATIENCE))
        scene = await stack.enter_async_context(scene_on(store, folder, policy=_USUAL, serve=JudgingServer))
        assert isinstance(scene.server, JudgingServer)
        for user_id in (ANN2, BOB2):
            scene.directory.people[user_id] = member(user_id, LEADS)
        admin = stack.enter_context(psycopg.connect(url, autocommit=True, row_factory=dict_row))
        # What only time can do is not for the triggers to refuse.
        admin.execute("SET session_replication_role = replica")
        turmoil = Turmoil(url, scene, scene.server, admin)
        for name in ("first", "second"):
            turmoil.hands[name] = Hand(turmoil, name)
            stack.push_async_callback(turmoil.hands[name].close)
        yield turmoil
