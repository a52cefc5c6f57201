"""Everything that replicas share, for a test to break: workspace, cluster, database, Redis."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.slack.delivery import Timing
from sandbox.slack.rates import RateLimits
from sandbox.slack.server import SlackServer
from sandbox.slack.signed import SignedHttp
from tests.support.balancer import Balancer
from tests.support.crowd import Asked, Crowd, crowd_in
from tests.support.crowd_counts import unsettled
from tests.support.own_redis import OwnRedis, own_redis
from tests.support.processes import environment, ragops
from tests.support.replicas import Replicas, replicas
from tests.support.sandboxed import PATIENT, ragops_toml
from tests.support.waiting import until
from tests.support.watched import crowd_workspace

USUAL = 300
COMMANDS = int(os.environ.get("RAGOPS_TEST_COMMANDS", USUAL))
# Whoever asks for more of them has time for what takes longer, too.
LONG = COMMANDS > USUAL
NO_LIMITS = "[limits]\ncommands_per_minute = 600\nchannel_commands_per_minute = 6000"
SIGNING_SECRET = "0123456789abcdef0123456789abcdef"
IN_A_HURRY = replace(PATIENT, retry_s=(0.0, 1.0, 3.0))


@dataclass(frozen=True, slots=True)
class SharedWorld:
    """What a test may touch."""

    slack: SlackServer
    crowd: Crowd
    redis: OwnRedis
    replicas: Replicas
    database_url: str
    folder: Path

    async def hears(self, connections: int) -> None:
        """Wait until the replicas hold so many sockets together."""
        assert await self.slack.hub.connected(connections, 60)

    async def settled(self) -> None:
        """Wait until nothing is on its way any more: no delivery, no request, no message."""

        async def left() -> int:
            return await unsettled(self.database_url) + self.slack.courier.on_the_way

        await until(left, lambda count: count == 0, within_s=180)

    async def answered_more(self, count: int, *, of: Callable[[Asked], bool] = lambda _: True) -> None:
        """Wait until so many more things were answered, of those that count."""

        async def look() -> int:
            return sum(bool(one.answered_at) and of(one) for one in self.crowd.asked)

        aim = await look() + count
        await until(look, lambda answered: answered >= aim, within_s=150)

    async def audit_is_whole(self, entries: int) -> None:
        """Assert that the chain of the audit holds, and so many entries."""
        environ = environment(self.folder) | {"DATABASE_URL": self.database_url}
        verified = await ragops("audit", "verify", environ=environ, folder=self.folder)
        assert verified.code == 0, verified.out + verified.err
        assert f" {entries} entries" in verified.out

    @asynccontextmanager
    async def signed(self, *names: str) -> AsyncIterator[Balancer]:
        """Deliver by signed requests to these replicas in turn, as long as the block runs."""
        balancer = Balancer([self.replicas.door(name) for name in names])
        courier, world = self.slack.courier, self.slack.workspace
        # No connection is kept: a replica that is gone is noticed by the next request, and they are spread evenly.
        async with balancer.running(), ClientSession(connector=TCPConnector(force_close=True, limit=0)) as session:
            door = SignedHttp(world, courier.faults, courier.timing, session, balancer.url, SIGNING_SECRET)
            await door.verify_url()
            before, self.crowd.postman.inner = self.crowd.postman.inner, door
            yield balancer
            self.crowd.postman.inner = before


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many people there are, and how the bot is reached."""

    members: int = 9
    guests: int = 2
    channels: int = 12
    signed: bool = False
    timing: Timing = IN_A_HURRY
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
