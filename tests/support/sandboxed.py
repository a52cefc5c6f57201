"""The whole bot in one process with the sandbox's servers around it: real HTTP, real WebSocket, real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.configuration import Configuration, load_configuration
from bot.main.bot import Ingredients, run_bot
from bot.settings import Secret, SlackSettings
from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from sandbox.slack.control import Shown, SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace, demo_workspace

NAMESPACE = "rag-engine"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a test may touch: the people's side, both servers, and the simulated world."""

    control: SlackControl
    slack: SlackServer
    cluster: ClusterServer
    world: World

    async def answer(self, text: str, *, user: str = "ann", channel: str = "ops") -> Shown:
        """Type a command and return the newest message that its person then sees from the bot."""
        said = await self.control.say(text, user=user, channel=channel)
        assert said.ok, said.seen
        assert await self.control.settle()
        return [m for m in await self.control.read(channel=channel, user=user, thread="all") if m.author == "rag"][-1]

    async def public(self, *, channel: str = "ops") -> list[Shown]:
        """Return what the bot has posted for everybody, oldest first."""
        shown = await self.control.read(channel=channel, user="vic", thread="all")
        return [message for message in shown if message.author == "rag" and not message.ephemeral]


def configuration_for(workspace: Workspace, kubeconfig: Path, *extra: str) -> Configuration:
    """Return what an operator would write: ann operates, bob approves, every member may look."""
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
    return load_configuration(text + "\n".join(extra), "ragops.toml")


@asynccontextmanager
async def sandboxed(
    folder: Path, database_url: str, *, scenario: str = "bad-release", settings: str = ""
) -> AsyncIterator[Stage]:
    """Run everything and yield once the bot is connected."""
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(SlackServer(demo_workspace()))
        world = load(scenario)
        cluster = await stack.enter_async_context(ClusterServer(world.store, world, world))
        kubeconfig = folder / "kubeconfig"
        cluster.write_kubeconfig(kubeconfig)
        workspace = slack.workspace
        ingredients = Ingredients(
            slack=SlackSettings(
                bot_token=Secret(workspace.bot_token), app_token=Secret(workspace.app_token), api_url=slack.base_url
            ),
            configuration=configuration_for(workspace, kubeconfig, settings),
            data_folder=folder / "data",
            database_url=database_url,
        )
        stop, ready = asyncio.Event(), asyncio.Event()
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        async with asyncio.TaskGroup() as group:
            group.create_task(run_bot(ingredients, stop, ready))
            try:
                async with asyncio.timeout(20):
                    await ready.wait()
                yield Stage(control, slack, cluster, world)
            finally:
                stop.set()
