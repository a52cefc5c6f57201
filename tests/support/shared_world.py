"""Everything that replicas share, for a test to break: workspace, cluster, database, Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.slack.delivery import Timing
from sandbox.slack.rates import RateLimits
from sandbox.slack.server import SlackServer
from tests.support.crowd import Crowd, crowd_in, crowd_workspace
from tests.support.own_redis import OwnRedis, own_redis
from tests.support.processes import environment, ragops
from tests.support.replicas import Replicas, replicas
from tests.support.sandboxed import ragops_toml

NO_LIMITS = "[limits]\ncommands_per_minute = 600\nchannel_commands_per_minute = 6000"
SIGNING_SECRET = "0123456789abcdef0123456789abcdef"
# A slow machine must not pass for a slow bot: the platform of these tests waits longer than the real one.
PATIENT = Timing(ack_s=20.0, retry_s=(0.0, 1.0, 3.0))


@dataclass(frozen=True, slots=True)
class SharedWorld:
    """What a test may touch."""

    slack: SlackServer
    crowd: Crowd
    redis: OwnRedis
    replicas: Replicas
    database_url: str
    folder: Path

    async def audit_is_whole(self, entries: int) -> None:
        """Assert that the chain of the audit holds, and so many entries."""
        environ = environment(self.folder) | {"DATABASE_URL": self.database_url}
        verified = await ragops("audit", "verify", environ=environ, folder=self.folder)
        assert verified.code == 0, verified.out + verified.err
        assert f" {entries} entries" in verified.out


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many people there are, and how the bot is reached."""

    members: int = 9
    guests: int = 2
    channels: int = 12
    signed: bool = False
    timing: Timing = PATIENT
    settings: str = NO_LIMITS
    scenario: str = "bad-release"


@asynccontextmanager
async def shared_world(folder: Path, database_url: str, shape: Shape | None = None) -> AsyncIterator[SharedWorld]:
    """Run what replicas share; none of them is started yet."""
    shape = shape or Shape()
    workspace = crowd_workspace(members=shape.members, guests=shape.guests, channels=shape.channels)
    world = load(shape.scenario)
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(own_redis(folder / "redis"))
        slack = await stack.enter_async_context(
            SlackServer(workspace, rates=RateLimits(enabled=False), timing=shape.timing)
        )
        cluster = await stack.enter_async_context(ClusterServer(world.store, world, world))
        cluster.write_kubeconfig(folder / "kubeconfig")
        toml = folder / "ragops.toml"
        toml.write_text(ragops_toml(workspace, folder / "kubeconfig", shape.settings))
        shared = {
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_API_URL": slack.base_url,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis.url,
            "RAGOPS_CONFIG": str(toml),
        }
        shared |= {"SLACK_SIGNING_SECRET": SIGNING_SECRET} if shape.signed else {"SLACK_APP_TOKEN": workspace.app_token}
        started = await stack.enter_async_context(replicas(folder / "replicas", shared))
        yield SharedWorld(slack, crowd_in(slack, workspace), redis, started, database_url, folder)
