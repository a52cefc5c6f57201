"""What the bench plays on: the Slack stand-in and the simulated cluster in this process, the bot in one of its own."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.cluster.scenarios import crowd
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.store import ObjectStore
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.world import World
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace

PEOPLE = ("ann", "bob", "vic")
_BACK = timedelta(minutes=30)
_HISTORY = 10_000  # writes that watches can look back to


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers, and the way to start the bot in front of them."""

    slack: SlackServer
    cluster: ClusterServer
    world: World
    control: SlackControl
    folder: Path
    environment: dict[str, str]

    async def answered(self, text: str, user: str = "ann") -> float:
        """Type a command; return the milliseconds from the envelope to the answer that was handed back."""
        channel = self.slack.workspace.channels["ops"]
        before = len(channel.messages)
        began = time.perf_counter()
        typing = asyncio.ensure_future(self.control.say(text, user=user, channel="ops"))
        while len(channel.messages) == before:
            if time.perf_counter() - began > 30:
                raise TimeoutError(f"no answer to {text}: {await typing}")
            await asyncio.sleep(0.0005)
        took = (time.perf_counter() - began) * 1000
        await typing
        return took

    @property
    def kubeconfig(self) -> Path:
        """The way to the cluster."""
        return self.folder / "kubeconfig"

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the bot and stop it."""
        program = Path(sys.executable).with_name("ragops")
        with (self.folder / "bot.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(program, "run", env=self.environment, stderr=log)
            try:
                yield process
            finally:
                process.terminate()
                await process.wait()


@asynccontextmanager
async def stage(pods: int) -> AsyncIterator[Stage]:
    """Start the workspace and a cluster with so many pods, whose time is half an hour back: so long trouble takes."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ragops-bench-")))
        slack = await stack.enter_async_context(SlackServer(demo_workspace()))
        clock = WorldClock(datetime.now(UTC) - _BACK)
        world = World(ObjectStore(clock.now, history=_HISTORY), clock)
        crowd.build(world, pods)
        world.advance_until(clock.start)
        gc.collect()
        gc.freeze()  # or the collector of this process looks through the whole world while somebody waits
        cluster = await stack.enter_async_context(ClusterServer(world.store, world, world))
        cluster.write_kubeconfig(folder / "kubeconfig")
        (folder / "ragops.toml").write_text(
            f'[clusters.bench]\nkubeconfig = "{folder / "kubeconfig"}"\nnamespaces = ["rag-engine"]\n'
            f'[services.crowd]\nworkload = "deployment/crowd-000"\nhealth_url = "{cluster.url}/healthz"\n'
            "[roles.viewer]\neveryone = true\n[limits]\ncommands_per_minute = 600\nchannel_commands_per_minute = 6000\n"
        )
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SLACK_BOT_TOKEN": slack.workspace.bot_token,
            "SLACK_APP_TOKEN": slack.workspace.app_token,
            "SLACK_API_URL": slack.base_url,
            "RAGOPS_CONFIG": str(folder / "ragops.toml"),
            "RAGOPS_DATA": str(folder / "data"),
        }
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        yield Stage(slack, cluster, world, control, folder, environment)
