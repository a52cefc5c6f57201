"""Changes from the command to the card and the votes: a workshop and a service on a real database and a cluster.

Ann and Oli operate, Bob and Lea approve, Vic looks, Gus is a guest among the approvers.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.cluster import ContainerLogs, KubernetesHttp, OneShotReader, open_connection
from bot.cluster.writer import ClusterWrites
from bot.domain.actions import Change, Need, argument, option
from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.domain.live import Live, Reads, Target
from bot.domain.operations import Operation
from bot.domain.people import Actor, Membership, RoleBinding, RoleName, Standing
from bot.domain.plans import Difference, Draft, PlanWords, Refusal, Risk
from bot.domain.policy import Policy
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.steps import Write
from bot.domain.targets import Scope
from bot.domain.view import Button, Buttons, View
from bot.engine.changes import EngineChanges
from bot.engine.keeping import subject
from bot.engine.workshop import Workshop
from bot.errors import UsageError
from bot.ports import (
    AuditQuery,
    AuditRecord,
    Claimed,
    Clock,
    ClusterWriter,
    Directory,
    Sources,
    Surroundings,
    Written,
)
from bot.references import References
from bot.registry import Registry
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from bot.service import Equipment, Service
from bot.store.store import PostgresStore
from handlers import approve, cancel, deny, requests, resolve, withdraw
from sandbox.cluster.world.world import World
from tests.support import steps
from tests.support.changing import SCOPE, WatchedServer, deploy, small_cluster
from tests.support.clocks import WallClock
from tests.support.twins import READ_AT, TEAM, TableDirectory

OPS, LEADS, SENIORS = "S0OPS", "S0LEADS", "S0SENIORS"
HANDLES = MappingProxyType({OPS: "rag-oncall", LEADS: "rag-leads", SENIORS: "rag-seniors"})
ANN, OLI, BOB, LEA, VIC, GUS, NIL = "U0ANN", "U0OLI", "U0BOB", "U0LEA", "U0VIC", "U0GUS", "U0NIL"
CHANNEL, OTHER_CHANNEL, REQUESTS_CHANNEL = "C0OPS", "C0OTHER", "C0REQUESTS"
RIGHTS = Policy(
    bindings=(
        RoleBinding(RoleName.VIEWER, everyone=True),
        RoleBinding(RoleName.OPERATOR, groups=frozenset({OPS})),
        RoleBinding(RoleName.APPROVER, groups=frozenset({LEADS})),
    )
)
POLICY = ChangePolicy(channel=REQUESTS_CHANNEL)
HERE = Place(CHANNEL)
_numbers = itertools.count(1)


def member(user_id: str, *groups: str, standing: Standing = Standing.MEMBER) -> Membership:
    """Return what the directory knows of a person."""
    return Membership(user_id, standing, frozenset(groups), READ_AT, HANDLES, "user groups of the workspace")


def people() -> TableDirectory:
    """Return the directory of everybody."""
    return TableDirectory(
        *(member(user, OPS) for user in (ANN, OLI)),
        *(member(user, LEADS) for user in (BOB, LEA)),
        member(VIC),
        member(NIL),
        member(GUS, LEADS, standing=Standing.GUEST),
    )


# --- verbs that change something ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Params:
    """What to change, and how much harm that could do."""

    workload: str = argument("the workload")
    risk: str = option("--risk", "low, medium or high", default="medium")


async def observe(params: Params, sources: Sources) -> tuple[Target, Live]:
    assert sources.live is not None
    live = await sources.live.live(sources.scope, "Deployment", params.workload, reads=frozenset({Reads.REVISIONS}))
    if live.object is None:
        raise UsageError(f"There is no {params.workload}.")
    return Target(scope=sources.scope, kind="Deployment", name=params.workload, uid=live.uid), live


def verb(name: str, step: steps.MakeStep) -> Change[Params, tuple[Target, Live]]:
    """Return a verb that plans one step of a Deployment; nobody may touch `untouchable`."""

    def plan(params: Params, seen: tuple[Target, Live]) -> Draft | Refusal:
        target, live = seen
        if params.workload == "untouchable":
            return Refusal(reason="It would take the last ready pod.")
        return Draft(
            verb=name,
            target=target,
            step=step("Deployment", live),
            risk=Risk(params.risk),
            words=PlanWords(
                title=f"{name.capitalize()} {params.workload}",
                done=f"{params.workload}: {name} is done",
                differences=(Difference("pods", "these", "others"),),
            ),
        )

    needs = frozenset({Need.CLUSTER, Need.LIVE, Need.CHANGES})
    return Change(name=name, summary=f"Do {name}", observe=observe, plan=plan, params=Params, needs=needs)


RESTART = verb("restart", steps.restart)
SCALE = verb("scale", steps.scale)
ROLLBACK = verb("rollback", steps.rollback)
SET_IMAGE = verb("set image", steps.set_image)
DECISIONS = (approve.ACTION, deny.ACTION, cancel.ACTION, withdraw.ACTION, resolve.ACTION)
REGISTRY = Registry([RESTART, SCALE, ROLLBACK, SET_IMAGE, *DECISIONS, requests.ACTION])


class InterposedWriter:
    """A `ClusterWriter` in front of another: a test acts right after a look, with the number of the look."""

    def __init__(self, inner: ClusterWriter, after_look: Callable[[int], object]) -> None:
        self._inner = inner
        self._after_look = after_look
        self.looks = 0

    async def live(self, scope: Scope, kind: str, name: str, *, reads: frozenset[Reads] = frozenset()) -> Live:
        live = await self._inner.live(scope, kind, name, reads=reads)
        self.looks += 1
        self._after_look(self.looks)
        return live

    async def surroundings(self, scope: Scope) -> Surroundings:
        return await self._inner.surroundings(scope)

    async def write(self, scope: Scope, write: Write, *, dry_run: bool, timeout_s: float) -> Written:
        return await self._inner.write(scope, write, dry_run=dry_run, timeout_s=timeout_s)


def service_of(workshop: Workshop, store: PostgresStore) -> Service:
    """Return the service of a worker in a workshop."""
    return Service(
        Equipment(
            registry=REGISTRY,
            scopes=workshop.scopes,
            catalogue=workshop.catalogue,
            rights=workshop.rights,
            cluster=workshop.cluster,
            logs=workshop.logs,
            clock=workshop.clock,
            references=workshop.references,
            store=store,
            live=workshop.writer,
            changes=EngineChanges(workshop),
            policy=workshop.policy,
            team_id=TEAM,
        )
    )


# --- the scene ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Scene:
    """People in front of a service, with everything behind it for a test to touch."""

    store: PostgresStore
    world: World
    server: WatchedServer
    directory: TableDirectory
    workshop: Workshop
    rights: Policy = RIGHTS
    posted: list[Post] = field(default_factory=list)

    def fitted(self, **changed: Any) -> Scene:
        """Return the same scene as another replica would have it: with another clock, policy or directory."""
        return replace(self, workshop=replace(self.workshop, **changed))

    @property
    def service(self) -> Service:
        """Return the worker's service."""
        return service_of(self.workshop, self.store)

    async def say(self, text: str, **how: Any) -> View:
        """Say something as a person, through inbox and service, and return what that person alone is told."""
        request = asked(text, **how)
        assert await self.service.accept(request)
        claimed = await self.claimed(request)
        view = await self.service.control(claimed)
        assert view is not None
        return view

    async def claimed(self, request: Request) -> Claimed:
        """Take a request that was written down."""
        taken = await self.store.inbox.claim(lease_s=30, key=request.key)
        assert taken is not None
        return taken

    async def request(self, text: str = "restart api", **how: Any) -> Operation:
        """Ask for a change and return the request as it is kept, its card posted."""
        view = await self.say(text, **how)
        assert view.exit_code == 0, view.summary
        assert isinstance(view.data, Mapping)
        operation = await self.now(str(view.data["request"]))
        await self.deliver()
        return operation

    async def vote(self, operation: Operation, by: str = BOB, kind: str = "approve", words: str = "") -> View:
        """Press a button on the request's card."""
        return await self.press(operation, kind, by=by, words=words)

    async def press(
        self, operation: Operation, kind: str, *, words: str = "", on: Place | None = None, **how: Any
    ) -> View:
        """Press a button of the newest picture that has it: on the card, or on the copy that stands in `on`."""
        place = on or operation.place
        message = await self.store.operations.message(subject(operation), place.channel)
        text = f"{self.button(operation, kind, place.channel)} {words}".strip()
        told = {"message": message, "surface": Surface.BUTTON, "place": place, **how}
        return await self.say(text, **told)

    def pictures(self, operation: Operation, channel: str = "") -> list[View]:
        """Return what was shown of a request in its channel, or in another, the oldest first."""
        place = channel or operation.place.channel
        return [post.view for post in self.posted if post.subject == subject(operation) and post.place.channel == place]

    def button(self, operation: Operation, kind: str, channel: str = "") -> str:
        """Return the command of a button of the request's newest card, or copy, that has it."""
        cards = self.pictures(operation, channel)
        found = [each.command for view in cards for each in buttons_of(view) if each.command.startswith(f"{kind} ")]
        assert found, f"no button {kind}"
        return found[-1]

    async def deliver(self) -> None:
        """Deliver what waits in the outbox, as the platform would take it: a picture keeps its message."""
        outbox = self.store.outbox
        while (outgoing := await outbox.claim(lease_s=30)) is not None:
            self.posted.append(outgoing.post)
            known, version = await outbox.shown(outgoing) if outgoing.post.subject else ("", 0)
            if not (known and version >= outgoing.post.version):
                assert await outbox.sending(outgoing)
            assert await outbox.delivered(outgoing, message_id=known or f"17000000.{next(_numbers):06d}")

    async def now(self, operation: Operation | str) -> Operation:
        """Return a request as it is now."""
        found = await self.store.operations.find(operation if isinstance(operation, str) else operation.id)
        assert found is not None
        return found

    async def audit(self, *actions: str) -> list[AuditRecord]:
        """Return what the audit says of these actions, the oldest first."""
        rows = await self.store.audit_trail.search(AuditQuery(limit=200))
        return [row for row in reversed(rows) if not actions or row.action in actions]

    def touch(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a Deployment as somebody else would."""
        deployment = self.world.store.get("deployments", SCOPE.namespace, name)
        assert deployment is not None
        change(deployment)
        self.world.apply("deployments", deployment)


def buttons_of(view: View) -> list[Button]:
    """Return the buttons of an answer."""
    return [button for block in view.blocks if isinstance(block, Buttons) for button in block.buttons]


def asked(
    text: str,
    *,
    by: str = ANN,
    surface: Surface = Surface.COMMAND,
    place: Place = HERE,
    team: str = TEAM,
    key: str = "",
    message: str = "",
    opens_thread: bool = False,
) -> Request:
    """Return what a person says; each has its own key unless one is given."""
    return Request(
        key=key or f"k{next(_numbers)}",
        actor=Actor(by, team),
        surface=surface,
        text=text,
        place=place,
        message=message,
        opens_thread=opens_thread,
    )


@asynccontextmanager
async def scene_on(
    store: PostgresStore,
    folder: Path,
    *,
    policy: ChangePolicy = POLICY,
    rights: Policy = RIGHTS,
    clock: Clock | None = None,
    directory: Directory | None = None,
    serve: Callable[[World], WatchedServer] = WatchedServer,
) -> AsyncIterator[Scene]:
    """Set a scene around an open store: a cluster that stands still, with `api` and `worker` in two releases."""
    world, clock, table = small_cluster(), clock or WallClock(), people()
    for name in ("api", "worker"):
        deploy(world, name, "v1", "v2")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve(world))
        server.write_kubeconfig(folder / "kubeconfig")
        connection = await open_connection(str(folder / "kubeconfig"))
        stack.push_async_callback(connection.close)
        https = {SCOPE.cluster: KubernetesHttp(connection, clock, random.random)}
        namespaces = MappingProxyType({SCOPE.cluster: (SCOPE.namespace,)})
        workshop = Workshop(
            store=store,
            cluster=OneShotReader(https, clock),
            logs=ContainerLogs(https),
            writer=ClusterWrites(https, clock, timeout_s=2.0),
            rights=DirectoryRights(directory or table, rights),
            policy=policy,
            catalogue=Catalogue(),
            scopes=Scopes(namespaces=namespaces, default_cluster=SCOPE.cluster),
            clock=clock,
            references=References(random.Random(7)),
            chance=random.Random(7),
            name="worker-a",
            write_timeout_s=2.0,
        )
        yield Scene(store=store, world=world, server=server, directory=table, workshop=workshop, rights=rights)
