"""A twin of what people see outside of messages, and the way in with real servers around it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.forms import Form
from bot.domain.people import RoleBinding, RoleName
from bot.domain.policy import Policy, RateLimits
from bot.domain.targets import Namespace
from bot.domain.view import Button, Buttons, Headline, View
from bot.errors import DeliveryError
from bot.hot.memory import MemoryHotState
from bot.main.clock import SystemClock
from bot.once import Once
from bot.ports import AuditQuery, Clock, HotState, Store, Unmetered
from bot.references import References
from bot.registry import Registry
from bot.rights import DirectoryRights
from bot.scopes import Scopes
from bot.service import Equipment, Service
from bot.slack.inbound.app import Identity, Inbound, InboundEquipment
from bot.slack.outbound.client import make_client
from bot.slack.outbound.directory import SlackDirectory
from bot.slack.outbound.notifier import SlackNotifier
from bot.slack.outbound.surfaces import SlackSurfaces
from bot.store.store import PostgresStore
from bot.worker import Delivery, Intake, Loop
from sandbox.slack.control import Shown, SlackControl
from sandbox.slack.rates import RateLimits as SlackRates
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace, demo_workspace
from tests.support.builders import SCOPE
from tests.support.service import ALL_VERBS, CATALOGUE, healthy
from tests.support.twins import SnapshotCluster, TableLogs
from tests.support.waiting import in_background, until


@dataclass(slots=True)
class RecordingSurfaces:
    """`Surfaces` that keep what they were given; `failure` is raised by everything."""

    pages: list[tuple[str, View, str]] = field(default_factory=list)
    opened: list[tuple[str, Form]] = field(default_factory=list)
    drawn: list[tuple[str, str, Form]] = field(default_factory=list)
    failure: DeliveryError | None = None
    slow: Callable[[], Awaitable[object]] | None = None

    async def publish_home(self, user_id: str, view: View, *, version: str = "") -> str:
        await self._first()
        self.pages.append((user_id, view, version))
        return f"page-{len(self.pages)}"

    async def open_form(self, trigger: str, form: Form) -> tuple[str, str]:
        await self._first()
        self.opened.append((trigger, form))
        return f"V{len(self.opened)}", "hash-0"

    async def update_form(self, form_id: str, version: str, form: Form) -> bool:
        await self._first()
        self.drawn.append((form_id, version, form))
        return True

    async def _first(self) -> None:
        if self.slow is not None:
            await self.slow()
        if self.failure is not None:
            raise self.failure


class CountingMeter(Unmetered):
    """A meter that keeps what was counted of deliveries."""

    def __init__(self) -> None:
        self.acks: list[tuple[str, str]] = []
        self.seconds: list[float] = []

    def acknowledged(self, surface: str, result: str, seconds: float) -> None:
        self.acks.append((surface, result))
        self.seconds.append(seconds)


@dataclass(slots=True)
class Chat:
    """A workspace with the bot's chat side in it: what people do, what they see, and what was counted."""

    control: SlackControl
    slack: SlackServer
    inbound: Inbound
    service: Service
    meter: CountingMeter
    revoked: list[str]
    notifier: SlackNotifier

    @property
    def client(self) -> AsyncWebClient:
        """The Web API as the bot, for what it said some time ago."""
        return make_client(self.slack.workspace.bot_token, self.slack.base_url)

    async def seen(self, *, user: str = "ann", channel: str = "ops") -> list[Shown]:
        """Return what a person sees from the bot, threads included, oldest first."""
        shown = await self.control.read(channel=channel, user=user, thread="all")
        return [message for message in shown if message.author == "rag"]

    async def after(
        self, act: Callable[[], Awaitable[object]], *, user: str = "ann", channel: str = "ops", within_s: float = 60.0
    ) -> Shown:
        """Act, and return the newest message of the bot that its person did not see before, or not in this form."""
        before = {(message.ts, message.edits) for message in await self.seen(user=user, channel=channel)}

        async def fresh() -> Sequence[Shown]:
            shown = await self.seen(user=user, channel=channel)
            return [message for message in shown if (message.ts, message.edits) not in before]

        await act()
        return (await until(fresh, bool, within_s=within_s, every_s=0.01))[-1]

    async def said(self, text: str, *, user: str = "ann", channel: str = "ops", thread: str | None = None) -> Shown:
        """Type something and return what the bot says to it."""

        async def act() -> None:
            typed = await self.control.say(text, user=user, channel=channel, thread=thread)
            assert typed.ok, typed.seen

        return await self.after(act, user=user, channel=channel)

    async def page(self, user: str, fits: Callable[[str], object]) -> str:
        """Return a person's page once it fits."""

        async def look() -> str:
            shown = await self.control.home(user)
            return shown.text if shown is not None else ""

        return await until(look, fits, every_s=0.01)

    async def dialog(self, user: str, fits: Callable[[str], object]) -> str:
        """Return the dialog that a person has open once it fits."""

        async def look() -> str:
            shown = await self.control.view(user)
            return shown.text if shown is not None else ""

        return await until(look, fits, every_s=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a chat differs from the usual one.

    `scopes` and `events` are what the app has been granted, instead of all that the workspace knows. Without `works`
    nobody carries out what was written down.
    """

    registry: Registry = ALL_VERBS
    clock: Clock = field(default_factory=SystemClock)
    hot: HotState | None = None
    scopes: frozenset[str] | None = None
    events: frozenset[str] | None = None
    limits: RateLimits = field(default_factory=RateLimits)
    works: bool = True


@asynccontextmanager
async def chatting(store: Store | None, setup: Setup | None = None) -> AsyncIterator[Chat]:
    """Run the bot's chat side and its worker in a workspace: ann operates, bob approves, every member looks."""
    setup = setup or Setup()
    async with AsyncExitStack() as stack:
        workspace = demo_workspace()
        _grant(workspace, setup)
        slack = await stack.enter_async_context(SlackServer(workspace, rates=SlackRates(enabled=False)))
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        client = make_client(workspace.bot_token, slack.base_url)
        hot, meter = setup.hot or MemoryHotState(setup.clock), CountingMeter()
        chance, revoked = random.Random(5), list[str]()
        directory = SlackDirectory(client, workspace.team_id, clock=setup.clock, hot=hot)
        service = _service(workspace, setup, directory, store)
        notifier = SlackNotifier(client, clock=setup.clock, nonce=lambda: f"{chance.getrandbits(40):010x}")
        wake = _nobody
        if store is not None and setup.works:
            wake = await _worker(stack, store, service, notifier, setup.clock)
        inbound = Inbound(
            InboundEquipment(
                service=service,
                notifier=notifier,
                surfaces=SlackSurfaces(client),
                directory=directory,
                references=References(chance),
                clock=setup.clock,
                wake=wake,
                once=Once(hot, store) if store is not None else None,
                meter=meter,
                bound_groups=frozenset(group.id for group in workspace.groups.values()),
                on_revoked=lambda: revoked.append("revoked"),
            )
        )
        handler = AsyncSocketModeHandler(inbound.app(client, _identity(workspace)), workspace.app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
        assert await control.connected()
        try:
            yield Chat(control, slack, inbound, service, meter, revoked, notifier)
        finally:
            await inbound.drain(5)
            await handler.close_async()  # type: ignore[no-untyped-call]  # see above


def with_button(command: str) -> View:
    """Return an answer with a button "Go" that runs a command."""
    return View("Here is a button.", (Headline("Here is a button."), Buttons((Button("Go", command, replaces=True),))))


def events_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the names of what was logged."""
    return [getattr(record, "event", "") for record in caplog.records]


async def audited(store: PostgresStore) -> str:
    """Return the audit as text."""
    return "\n".join(repr(record) for record in await store.audit_trail.search(AuditQuery()))


def _nobody() -> None:
    """Wake nobody: nothing is kept here."""


def _grant(workspace: Workspace, setup: Setup) -> None:
    if setup.events is not None:
        workspace.bot_events = setup.events
    if setup.scopes is not None:
        token = workspace.tokens[workspace.bot_token]
        workspace.tokens[token.value] = replace(token, scopes=setup.scopes)


def _identity(workspace: Workspace) -> Identity:
    return Identity(
        team_id=workspace.team_id,
        bot_user_id=workspace.bot.id,
        bot_id=str(workspace.bot.bot_id),
        token=workspace.bot_token,
    )


def _service(workspace: Workspace, setup: Setup, directory: SlackDirectory, store: Store | None) -> Service:
    bindings = (
        RoleBinding(RoleName.VIEWER, everyone=True),
        RoleBinding(RoleName.OPERATOR, groups=frozenset({workspace.groups["rag-oncall"].id})),
        RoleBinding(RoleName.APPROVER, groups=frozenset({workspace.groups["rag-leads"].id})),
    )
    namespaces = {SCOPE.cluster: (SCOPE.namespace, Namespace("kube-system"))}
    return Service(
        Equipment(
            registry=setup.registry,
            scopes=Scopes(namespaces=MappingProxyType(namespaces), default_cluster=SCOPE.cluster),
            catalogue=CATALOGUE,
            rights=DirectoryRights(directory, Policy(bindings=bindings)),
            cluster=SnapshotCluster(healthy()),
            logs=TableLogs(),
            clock=setup.clock,
            references=References(random.Random(7)),
            store=store,
            hot=setup.hot,
            limits=setup.limits,
        )
    )


async def _worker(
    stack: AsyncExitStack, store: Store, service: Service, notifier: SlackNotifier, clock: Clock
) -> Callable[[], None]:
    """Run both loops of the worker, and return what wakes the first."""
    chance = random.Random(6)
    references = References(chance)
    delivery = Loop("delivery", Delivery(store, notifier, clock, chance).step, clock, references, chance)
    carry_out = Intake(store, service, notifier, references, wake=delivery.wake).step
    intake = Loop("intake", carry_out, clock, references, chance)
    for loop in (delivery, intake):
        await stack.enter_async_context(in_background(loop.run()))
    return intake.wake
