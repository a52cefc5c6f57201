"""A workshop on a real database and the small cluster's API server, and approved requests to carry out in it."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from bot.cluster import ContainerLogs, KubernetesHttp, OneShotReader, open_connection
from bot.cluster.writer import ClusterWrites
from bot.domain.approval import Rule, RuleSet
from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.domain.operations import Operation, State, Vote
from bot.domain.people import Actor, RoleBinding, RoleName
from bot.domain.plans import FORMAT, Draft, Plan, canonical, digest_of
from bot.domain.policy import Policy
from bot.domain.requests import Place, Post
from bot.domain.targets import ObjectRef
from bot.engine.executing import Executor
from bot.engine.workshop import Workshop
from bot.ports import AuditQuery, AuditRecord, Store
from bot.references import References
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from sandbox.cluster.store import Json
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.world import World
from tests.support import steps
from tests.support.changing import NAMESPACE, SCOPE, WatchedServer, container, draft_of, live_in, small_cluster
from tests.support.clocks import WallClock
from tests.support.twins import TEAM, TableDirectory, member
from tests.support.waiting import until

PLACE = Place("C-ops")
RULE = Rule(sets=(RuleSet(name="approvers", roles=(RoleName.APPROVER,)),), humans=1)
BINDINGS = (
    RoleBinding(RoleName.OPERATOR, groups=frozenset({"S-ops"})),
    RoleBinding(RoleName.APPROVER, groups=frozenset({"S-leads"})),
)
RIGHTS = Policy(bindings=BINDINGS)
# So fast does the small cluster live, so that a roll-out takes a moment.
SPEED = 60.0


def people() -> TableDirectory:
    """Return a directory in which ann may ask, and bob and lea may approve."""
    return TableDirectory(member("U-ann", "S-ops"), member("U-bob", "S-leads"), member("U-lea", "S-leads"))


async def request(store: Store, draft: Draft, *, rule: Rule = RULE, later_s: float = 0.0) -> Operation:
    """Keep a request of ann's that waits for its approvals. `later_s` moves the time at which it was planned."""
    async with store.transaction() as transaction:
        now = (await transaction.now()).replace(microsecond=0) + timedelta(seconds=later_s)
        plan = Plan(
            v=FORMAT,
            draft=draft,
            rule=rule,
            policy_version="default",
            requester=Actor("U-ann", TEAM),
            human="U-ann",
            command=f"{draft.verb} {draft.target.name}",
            created_at=now,
            expires_at=now + timedelta(seconds=900),
        )
        operation = Operation(
            id=str(uuid.uuid4()),
            plan=plan,
            digest=digest_of(canonical(plan)),
            state=State.PENDING,
            place=PLACE,
            created_at=now,
            expires_at=plan.expires_at,
        )
        assert await transaction.add_operation(operation, ())
    return operation


def voted(operation: Operation, user: str, at: datetime) -> Vote:
    """Return an approver's vote on a request."""
    return Vote(human=user, user_id=user, team_id=TEAM, sets=("approvers",), digest=operation.digest, cast_at=at)


async def approved(store: Store, draft: Draft, *, within_s: float = 120.0, later_s: float = 0.0) -> Operation:
    """Keep a request of ann's that bob has approved."""
    operation = await request(store, draft, later_s=later_s)
    async with store.transaction() as transaction:
        now = await transaction.now()
        changed = replace(
            operation,
            state=State.APPROVED,
            votes=(voted(operation, "U-bob", now),),
            approved_at=now,
            execute_by=now + timedelta(seconds=within_s),
            version=2,
        )
        assert await transaction.save(changed)
    return changed


@asynccontextmanager
async def workshop_on(
    store: Store,
    kubeconfig: Path,
    *,
    name: str = "worker-a",
    directory: TableDirectory | None = None,
    timeout_s: float = 5.0,
) -> AsyncIterator[Workshop]:
    """Fit out a workshop; its patience is short."""
    clock = WallClock()
    connection = await open_connection(str(kubeconfig))
    try:
        http = KubernetesHttp(connection, clock, random.random)
        https = {SCOPE.cluster: http}
        yield Workshop(
            store=store,
            cluster=OneShotReader(https, clock),
            logs=ContainerLogs(https),
            writer=ClusterWrites(https, clock, timeout_s=timeout_s),
            rights=DirectoryRights(directory or people(), RIGHTS),
            policy=ChangePolicy(channel="C-ops"),
            catalogue=Catalogue(),
            scopes=Scopes(
                namespaces=MappingProxyType({SCOPE.cluster: (SCOPE.namespace,)}), default_cluster=SCOPE.cluster
            ),
            clock=clock,
            references=References(random.Random(7)),
            chance=random.Random(7),
            name=name,
            lease_s=5.0,
            renew_s=1.0,
            write_timeout_s=2.0,
            recover_s=10.0,
            follow_every_s=0.05,
            verdict_after_s=0.0,
        )
    finally:
        await connection.close()


@dataclass(slots=True)
class Bench:
    """Everything around an executor, for a test to touch."""

    store: Store
    world: World
    server: WatchedServer
    workshop: Workshop
    directory: TableDirectory
    kubeconfig: Path
    _ticking: asyncio.Task[None] | None = field(default=None)
    _posts: list[Post] = field(default_factory=list)

    def run(self) -> None:
        """Let the cluster live from now on; until then what is written stays as it was written."""
        self._ticking = self._ticking or asyncio.create_task(self.world.run(speed=SPEED))

    def stop(self) -> None:
        """Let the cluster's time stand still."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def executor(self, **changed: object) -> Executor:
        """Return an executor in this workshop, or in one like it."""
        return Executor(replace(self.workshop, **changed))  # type: ignore[arg-type]  # the fields' own types

    async def operation(self, operation: Operation) -> Operation:
        """Return a request as it is now."""
        found = await self.store.operations.find(operation.id)
        assert found is not None
        return found

    async def once(self, operation: Operation, *, executor: Executor | None = None) -> Operation:
        """Let an executor take one step, and return the request as it is then."""
        assert await (executor or self.executor()).step()
        return await self.operation(operation)

    async def until(self, operation: Operation, fits: Callable[[Operation], object]) -> Operation:
        """Wait until a request is as it should be."""
        return await until(lambda: self.operation(operation), fits)

    async def told(self, operation: Operation) -> list[AuditRecord]:
        """Return what the audit says of a request, the oldest first."""
        found = await self.store.audit_trail.search(AuditQuery(operation=operation.id, limit=100))
        return sorted(found, key=lambda record: record.seq)

    async def posts(self, *, again: bool = False) -> list[Post]:
        """Return what waits to be shown, the oldest first; it is taken off. `again`: with all that was taken before."""
        taken: list[Post] = []
        while (outgoing := await self.store.outbox.claim(lease_s=60)) is not None:
            taken.append(outgoing.post)
            await self.store.outbox.sending(outgoing)
            await self.store.outbox.delivered(outgoing, message_id=f"1700000000.{outgoing.id:06d}")
        self._posts += taken
        return list(self._posts) if again else taken

    def restart(self, name: str) -> Draft:
        """Plan another restart of a Deployment that is there."""
        live = live_in(self.world, "Deployment", name)
        step = steps.restart("Deployment", live)
        watch = ObjectRef("Deployment", NAMESPACE, name)
        return draft_of("restart", "Deployment", name, step, uid=live.uid, watch=watch)

    def workload(self, kind: str, name: str) -> Draft:
        """Make a StatefulSet or a DaemonSet, and plan a restart of it."""
        built = make.stateful_set if kind == "StatefulSet" else make.daemon_set
        more = {"replicas": 2} if kind == "StatefulSet" else {}
        self.world.apply(f"{kind.lower()}s", built(NAMESPACE, name, container("v1"), **more))
        self.world.advance(120)
        live = live_in(self.world, kind, name)
        watch = ObjectRef(kind, NAMESPACE, name)
        return draft_of("restart", kind, name, steps.restart(kind, live), uid=live.uid, watch=watch)

    def image(self, name: str) -> str:
        """Return the image that a Deployment asks for."""
        found = self.world.store.get("deployments", NAMESPACE, name)
        assert found is not None
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

    def budget(self, name: str, *, least: int) -> Json:
        """Build a disruption budget for the pods of a workload."""
        budget = make.plain("policy/v1", "PodDisruptionBudget", name, NAMESPACE)
        return {**budget, "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": name}}}}

    async def carried_out(self, operation: Operation, *, executor: Executor | None = None) -> Operation:
        """Let one executor work until nothing waits, and return the request as it is then."""
        working = executor or self.executor()
        async with asyncio.timeout(100):
            while await working.step():
                pass
        return await self.operation(operation)


@asynccontextmanager
async def bench_on(store: Store, folder: Path, *, world: World | None = None) -> AsyncIterator[Bench]:
    """Set everything up around an open store; the cluster stands still."""
    world, directory = world or small_cluster(), people()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(WatchedServer(world))
        server.write_kubeconfig(folder / "kubeconfig")
        workshop = await stack.enter_async_context(workshop_on(store, folder / "kubeconfig", directory=directory))
        bench = Bench(store, world, server, workshop, directory, folder / "kubeconfig")
        try:
            yield bench
        finally:
            bench.stop()


class Stopped(BaseException):
    """The process is gone: nobody catches this."""


def at_point(name: str, act: Callable[[], Awaitable[None]], *, nth: int = 1) -> Callable[[str], Awaitable[None]]:
    """Return a hook that acts when a point is reached for the n-th time."""
    met = 0

    async def hook(point: str) -> None:
        nonlocal met
        if point == name:
            met += 1
            if met == nth:
                await act()

    return hook


async def vanish() -> None:
    """Let the worker be gone."""
    raise Stopped
