"""Watching on a real cluster: what breaks is told once, its repair in the same message, and both in the digest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp import web

from sandbox.slack.control import Shown
from tests.bot.probes.databases import USABLE, Postgres, postgres
from tests.bot.probes.worlds import Authority
from tests.cluster.catalogue import ALIVE
from tests.cluster.changing import CRASHES, Ground, RealStage, real_stage, small
from tests.cluster.conftest import KUBECONFIG
from tests.support.own_redis import own_redis
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

TOML = """
[watch]
every_s = 5
[alerts]
warning = "#incidents"
info = "#general"
down_s = 10
clear_s = 5
[digests.morning]
cron = "0 9 * * *"
channels = ["#general"]
[services.shop]
workload = "deployment/shop"
health_url = "https://localhost:{health}/health"
health_ca_file = "{authority}"
health_slow_s = 0.5
health_json = {{ status = "ok" }}
depends_on = ["ledger", "cache"]
[dependencies.ledger]
kind = "postgresql"
address = "localhost:{ledger}"
secret_env = "PROBE_LEDGER"
[dependencies.cache]
kind = "redis"
address = "{cache}"
"""


@dataclass(slots=True)
class Door:
    """A health URL over HTTPS, and how long it takes."""

    port: int = 0
    takes_s: float = 0.0

    async def health(self, _: web.Request) -> web.Response:
        await asyncio.sleep(self.takes_s)
        return web.json_response({"status": "ok"})


@dataclass(frozen=True, slots=True)
class Watched:
    """The stage with what stands beside the cluster."""

    stage: RealStage
    door: Door
    ledger: Postgres

    @property
    def ground(self) -> Ground:
        return self.stage.ground("watched")

    async def told(self, channel: str, *words: str, within_s: float = 60.0) -> Shown:
        """Wait for the one message in a channel that holds all of these words."""

        async def fitting() -> list[Shown]:
            shown = await self.stage.public(channel=channel)
            return [each for each in shown if all(word in each.text for word in words)]

        [message] = await until(fitting, bool, within_s=within_s, every_s=0.2)
        return message


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL that an application can fill."""
    with postgres(tmp_path_factory.mktemp("ledger"), reserved_connections="2") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory, ledger: Postgres) -> AsyncIterator[Watched]:
    """A shop in a namespace of its own, behind a certificate that ends in five days, with a Redis that is locked."""
    if not KUBECONFIG:
        pytest.skip("no cluster: set RAGOPS_TEST_KUBECONFIG to a kubeconfig to run this")
    folder = tmp_path_factory.mktemp("watching")
    authority, door = Authority(folder), Door()
    async with AsyncExitStack() as stack:
        app = web.Application()
        app.router.add_get("/health", door.health)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.context("localhost", days=(-85, 5)))
        await site.start()
        door.port = runner.addresses[0][1]
        cache = await stack.enter_async_context(own_redis(folder / "cache"))
        assert await cache.say("CONFIG SET requirepass planted-cache-pw") == b"+OK"
        toml = TOML.format(
            health=door.port, authority=authority.file, ledger=ledger.port, cache=f"{cache.host}:{cache.port}"
        )
        environ = {"PROBE_LEDGER": ledger.dsn()}
        stage = await stack.enter_async_context(
            real_stage(tmp_path_factory.mktemp("stage"), KUBECONFIG, ("watched",), more=toml, environ=environ)
        )
        yield Watched(stage, door, ledger)


async def test_each_dependency_that_is_not_well_is_named(watched: Watched) -> None:
    """A database without a connection left, and a Redis that wants a password: asked for, and told by themselves."""
    async with watched.ledger.crowd(USABLE):
        answer = await watched.stage.answer("/rag deps")
        assert "no connection" in answer.text, answer.text
        assert "password" in answer.text, answer.text
        alert = await watched.told("incidents", "ledger", within_s=150)
        assert "no connection" in alert.text, alert.text
    await until(lambda: watched.told("incidents", "ledger"), lambda message: "Over: " in message.text, within_s=120)


async def test_a_certificate_that_ends_soon_and_a_slow_answer_are_named(watched: Watched) -> None:
    """With the days that are left, and the time that it took."""
    await watched.ground.make(small("shop"))
    await watched.ground.ready("shop")
    watched.door.takes_s = 0.8
    try:
        answer = await watched.stage.answer("/rag health shop")
    finally:
        watched.door.takes_s = 0.0
    assert "certificate" in answer.text, answer.text
    assert "days" in answer.text, answer.text
    assert "slow" in answer.text, answer.text
    assert "certificate" in (await watched.told("incidents", "certificate")).text


async def test_a_broken_release_its_repair_and_the_digest_that_tells_of_both(watched: Watched) -> None:
    """One message that becomes "over", and one digest that knows it was broken, is well again, and what changed."""
    ground = watched.ground
    await ground.release("Deployment", "shop", CRASHES)
    alert = await watched.told("incidents", "shop", "crashes", within_s=120)
    assert "critical" in alert.text or "warning" in alert.text, alert.text
    assert "Acknowledge" in alert.buttons

    await ground.release("Deployment", "shop", ALIVE)
    await ground.ready("shop")

    async def same() -> Shown:
        shown = await watched.stage.public(channel="incidents")
        return next(each for each in shown if each.ts == alert.ts)

    over = await until(same, lambda message: "Over: " in message.text, within_s=120, every_s=0.5)
    assert over.edits > 0
    assert not over.buttons
    about = [each for each in await watched.stage.public(channel="incidents") if "crashes" in each.text]
    assert len(about) == 1

    said = await watched.stage.answer("/rag digest now", user="ann")
    assert "on its way" in said.text, said.text
    digest = await watched.told("general", "needs you")
    assert "certificate" in digest.text, digest.text
    details = [each for each in await watched.stage.public(channel="general") if each.thread_ts == digest.ts]
    whole = digest.text + "".join(each.text for each in details)
    assert "shop" in whole, whole
    assert "crashes" in whole, whole
