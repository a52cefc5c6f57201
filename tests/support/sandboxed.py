"""The whole bot in one process with the sandbox's servers around it: real HTTP, real WebSocket, real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.configuration import Configuration, load_configuration
from bot.main.bot import Ingredients, run_bot
from bot.main.clock import SystemClock
from bot.ports import Clock
from bot.settings import Secret, SlackSettings
from sandbox.cluster.api.dispatch import Timing
from sandbox.cluster.api.watches import WatchTiming
from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from sandbox.slack.control import Shown, SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace, demo_workspace
from tests.support.journal import Journal, journal
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

NAMESPACE = "rag-engine"
NO_LIMIT = "[limits]\ncommands_per_minute = 600\nchannel_commands_per_minute = 6000"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a test may touch: the people's side, both servers, the wire between, and the simulated world."""

    control: SlackControl
    slack: SlackServer
    cluster: ClusterServer
    world: World
    proxy: TcpProxy
    journal: Journal

    async def answer(self, text: str, *, user: str = "ann", channel: str = "ops", within_s: float = 20.0) -> Shown:
        """Type a command and return the newest message that its person then sees from the bot."""

        async def act() -> None:
            said = await self.control.say(text, user=user, channel=channel)
            assert said.ok, said.seen

        return await self.after(act, user=user, channel=channel, within_s=within_s)

    async def after(
        self, act: Callable[[], Awaitable[None]], *, user: str, channel: str = "ops", within_s: float = 20.0
    ) -> Shown:
        """Act, and return the newest message of the bot that its person did not see before, or not in this form."""
        before = {(message.ts, message.edits) for message in await self.seen(user=user, channel=channel)}

        async def fresh() -> list[Shown]:
            shown = await self.seen(user=user, channel=channel)
            return [message for message in shown if (message.ts, message.edits) not in before]

        await act()
        return (await until(fresh, bool, within_s=within_s, every_s=0.01))[-1]

    async def answers(
        self, text: str, *, user: str = "ann", channel: str = "ops", quiet_s: float = 0.05
    ) -> list[Shown]:
        """Type a command and return every part of its answer: what comes until nothing does for a moment."""
        before = {message.ts for message in await self.seen(user=user, channel=channel)}
        await self.answer(text, user=user, channel=channel)
        assert await self.control.settle(quiet=quiet_s)
        return [message for message in await self.seen(user=user, channel=channel) if message.ts not in before]

    async def press(self, label: str, *, user: str = "ann", channel: str = "ops", within_s: float = 20.0) -> Shown:
        """Press the newest such button and return the message that came or changed then."""

        async def act() -> None:
            pressed = await self.control.press(label, user=user, channel=channel)
            assert pressed.ok, pressed.seen

        return await self.after(act, user=user, channel=channel, within_s=within_s)

    async def seen(self, *, user: str, channel: str = "ops") -> list[Shown]:
        """Return what a person sees from the bot, oldest first."""
        shown = await self.control.read(channel=channel, user=user, thread="all")
        return [message for message in shown if message.author == "rag"]

    async def public(self, *, channel: str = "ops") -> list[Shown]:
        """Return what the bot has posted for everybody, oldest first."""
        return [message for message in await self.seen(user="vic", channel=channel) if not message.ephemeral]

    async def posted(self, count: int, *, channel: str = "ops", within_s: float = 20.0) -> list[Shown]:
        """Wait until the bot has posted so many messages for everybody, let things settle, and return them all."""
        await until(lambda: self.public(channel=channel), lambda shown: len(shown) >= count, within_s=within_s)
        await self.control.settle()
        return await self.public(channel=channel)


def configuration_for(workspace: Workspace, kubeconfig: Path, *extra: str) -> Configuration:
    """Return what an operator would write: ann operates, bob approves, every member may look."""
    return load_configuration(ragops_toml(workspace, kubeconfig, *extra), "ragops.toml")


def ragops_toml(workspace: Workspace, kubeconfig: Path, *extra: str) -> str:
    """Return the text of that configuration."""
    text = f"""
[clusters.demo]
kubeconfig = "{kubeconfig}"
namespaces = ["{NAMESPACE}", "kube-system"]
[services.api]
workload = "deployment/rag-engine-api"
[services.worker]
workload = "deployment/rag-engine-worker"
[roles.viewer]
everyone = true
[roles.operator]
groups = ["{workspace.groups["rag-oncall"].id}"]
[roles.approver]
groups = ["{workspace.groups["rag-leads"].id}"]
"""
    return text + "\n".join(extra)


def leave(cluster: ClusterServer, world: World, workspace: Workspace) -> None:
    """Arrange nothing."""
    del cluster, world, workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """How a stage differs from the usual one. `arrange` is called before the bot starts."""

    scenario: str = "bad-release"
    settings: str = ""
    clock: Clock = field(default_factory=SystemClock)
    bookmark_every_s: float = 60.0
    token: str | None = None
    waits_for_store: bool = True
    arrange: Callable[[ClusterServer, World, Workspace], None] = leave


@asynccontextmanager
async def sandboxed(folder: Path, database_url: str, staging: Staging | None = None) -> AsyncIterator[Stage]:
    """Run everything and yield once the bot is connected, to its database too unless the staging says otherwise."""
    staging = staging or Staging()
    async with AsyncExitStack() as stack:
        kept = stack.enter_context(journal())
        slack = await stack.enter_async_context(SlackServer(demo_workspace()))
        world = load(staging.scenario)
        timing = Timing(watch=WatchTiming(bookmark_every_s=staging.bookmark_every_s))
        cluster = await stack.enter_async_context(ClusterServer(world.store, world, world, timing=timing))
        proxy = await stack.enter_async_context(TcpProxy("127.0.0.1", int(cluster.url.rpartition(":")[2])).running())
        staging.arrange(cluster, world, slack.workspace)
        ingredients = Ingredients(
            slack=SlackSettings(
                bot_token=Secret(slack.workspace.bot_token),
                app_token=Secret(slack.workspace.app_token),
                api_url=slack.base_url,
            ),
            configuration=configuration_for(
                slack.workspace, write_kubeconfig(folder, cluster, proxy, staging.token), staging.settings
            ),
            data_folder=folder / "data",
            database_url=database_url,
            clock=staging.clock,
        )
        stop, ready = asyncio.Event(), asyncio.Event()
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        async with asyncio.TaskGroup() as group:
            group.create_task(run_bot(ingredients, stop, ready))
            try:
                async with asyncio.timeout(20):
                    await ready.wait()
                if staging.waits_for_store:
                    await kept.heard("store_open")
                yield Stage(control, slack, cluster, world, proxy, kept)
            finally:
                stop.set()


def write_kubeconfig(folder: Path, cluster: ClusterServer, proxy: TcpProxy, token: str | None = None) -> Path:
    """Write a kubeconfig that leads through the proxy."""
    path = folder / "kubeconfig"
    cluster.write_kubeconfig(path, token=token)
    path.write_text(path.read_text().replace(cluster.url, f"http://127.0.0.1:{proxy.port}"))
    return path
