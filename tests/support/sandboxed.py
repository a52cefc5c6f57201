"""The whole bot in one process with the sandbox's servers around it: real HTTP, real WebSocket, real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.configuration import Configuration, load_configuration
from bot.main.bot import Ingredients, run_bot
from bot.main.clock import SystemClock
from bot.main.ingredients import AlertsDoor
from bot.ports import Clock
from bot.settings import Secret, SlackSettings
from sandbox.cluster.api.dispatch import Timing
from sandbox.cluster.api.watches import WatchTiming
from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from sandbox.slack.control import SlackControl
from sandbox.slack.delivery import Timing as SlackTiming
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace, demo_workspace
from tests.support.journal import Journal, journal
from tests.support.talk import Talk
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

NAMESPACE = "rag-engine"
# A slow machine must not pass for a slow bot: the platform of these tests waits longer than the real one.
PATIENT = SlackTiming(ack_s=20.0)
NO_LIMIT = "[limits]\ncommands_per_minute = 600\nchannel_commands_per_minute = 6000"


@dataclass(frozen=True, slots=True)
class Stage(Talk):
    """What a test may touch: the people's side, both servers, the wire between, and the simulated world."""

    cluster: ClusterServer
    world: World
    proxy: TcpProxy
    journal: Journal


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


async def sighted(stage: Stage) -> None:
    """Wait until the bot has a fresh picture of the cluster: a plan that is made on an old one is more careful."""

    async def status() -> str:
        return (await stage.answer("/rag status", user="lea", channel="general")).text

    await until(status, lambda text: "last seen" not in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """How a stage differs from the usual one. `arrange` is called before the bot starts.

    The simulated world stands still unless it has a `speed`: its seconds per second.
    """

    scenario: str = "bad-release"
    settings: str = ""
    clock: Clock = field(default_factory=SystemClock)
    bookmark_every_s: float = 60.0
    token: str | None = None
    waits_for_store: bool = True
    speed: float = 0.0
    redis_url: str | None = None
    alerts: AlertsDoor | None = None
    arrange: Callable[[ClusterServer, World, Workspace], None] = leave


@asynccontextmanager
async def sandboxed(folder: Path, database_url: str, staging: Staging | None = None) -> AsyncIterator[Stage]:
    """Run everything and yield once the bot is connected, to its database too unless the staging says otherwise."""
    staging = staging or Staging()
    async with AsyncExitStack() as stack:
        kept = stack.enter_context(journal())
        slack = await stack.enter_async_context(SlackServer(demo_workspace(), timing=PATIENT))
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
            redis_url=staging.redis_url,
            alerts=staging.alerts,
            clock=staging.clock,
        )
        stop, ready = asyncio.Event(), asyncio.Event()
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        async with asyncio.TaskGroup() as group:
            group.create_task(run_bot(ingredients, stop, ready))
            living = group.create_task(world.run(speed=staging.speed)) if staging.speed else None
            try:
                async with asyncio.timeout(60):
                    await ready.wait()
                if staging.waits_for_store:
                    await kept.heard("store_open")
                yield Stage(control, slack, cluster, world, proxy, kept)
            finally:
                stop.set()
                if living is not None:
                    living.cancel()


def write_kubeconfig(folder: Path, cluster: ClusterServer, proxy: TcpProxy, token: str | None = None) -> Path:
    """Write a kubeconfig that leads through the proxy."""
    path = folder / "kubeconfig"
    cluster.write_kubeconfig(path, token=token)
    path.write_text(path.read_text().replace(cluster.url, f"http://127.0.0.1:{proxy.port}"))
    return path
