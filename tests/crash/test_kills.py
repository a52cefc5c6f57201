"""The bot is killed at random moments while shares are asked for: every accepted one is seen, once.

RAGOPS_TEST_CRASH_ROUNDS sets how often it is killed, RAGOPS_TEST_CRASH_SEED when.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from sandbox.cluster.scenarios import load
from sandbox.cluster.server import ClusterServer
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import Workspace, demo_workspace
from tests.support.databases import Database, database
from tests.support.processes import environment, processes_of, ragops, started
from tests.support.sandboxed import ragops_toml
from tests.support.waiting import until

ROUNDS = int(os.environ.get("RAGOPS_TEST_CRASH_ROUNDS", "6"))
SEED = int(os.environ.get("RAGOPS_TEST_CRASH_SEED", "1"))
WHILE_IT_IS_MADE_S = 0.06
CHANNELS = ("ops", "general", "incidents")
UNSETTLED = """SELECT (SELECT count(*) FROM inbox WHERE state = 'received')
    + (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending'))"""
KEPT = "SELECT count(*) FROM inbox"
PASS_LEASES = """UPDATE {} SET lease_until = clock_timestamp() WHERE lease_until > clock_timestamp()"""


@dataclass(slots=True)
class Scene:
    """Everything around the bot; it outlives the bot."""

    control: SlackControl
    workspace: Workspace
    store: Database
    environ: dict[str, str]
    folder: Path
    acked: int = 0
    unacked: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    asking: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, source: random.Random) -> None:
        """Ask for one share after the other for as long as the bot is there to hear it."""
        while not self.stopping.is_set():
            await self.control.connected(timeout=1)
            self.asking.set()
            said = await self.control.say("/rag share status api", user="ann", channel=source.choice(CHANNELS))
            self.acked += said.ok
            self.unacked += not said.ok
            await asyncio.sleep(source.uniform(0.02, 0.2))

    async def next_share(self) -> None:
        """Wait for the moment at which the next one is asked for."""
        self.asking.clear()
        async with asyncio.timeout(60):
            await self.asking.wait()

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        """Run a query."""
        async with await psycopg.AsyncConnection.connect(self.store.url) as connection:
            return list(await (await connection.execute(query.encode())).fetchall())

    async def pass_leases(self) -> None:
        """Let the time pass that a killed holder's leases would still last."""
        async with await psycopg.AsyncConnection.connect(self.store.url) as connection:
            for table in ("inbox", "outbox"):
                await connection.execute(PASS_LEASES.format(table).encode())

    def posted(self) -> Counter[str]:
        """Count what everybody can see, by the tag of the outbox."""
        messages = [message for channel in CHANNELS for message in self.workspace.channels[channel].messages]
        tags = [(message.content.metadata or {}).get("event_payload", {}).get("tag") for message in messages]
        return Counter(tag for tag in tags if tag)

    def refusals(self) -> int:
        """Count how often somebody was told that a share was not accepted."""
        messages = [message for channel in CHANNELS for message in self.workspace.channels[channel].messages]
        return sum("not accepted" in str(message.content.blocks) for message in messages if message.is_ephemeral)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A workspace, a cluster and a database that the bot shares with the test."""
    environ = environment(tmp_path)
    world = load("bad-release")
    async with (
        SlackServer(demo_workspace()) as slack,
        ClusterServer(world.store, world, world) as cluster,
        SlackControl(slack.control_url) as control,
        database(Path(environ["RAGOPS_DATA"]) / "postgres") as store,
    ):
        slack.rates.enabled = False  # the bot connects more often in a minute than Slack would allow
        cluster.write_kubeconfig(tmp_path / "kubeconfig")
        toml = ragops_toml(
            slack.workspace,
            tmp_path / "kubeconfig",
            "[limits]\ncommands_per_minute = 600\nchannel_commands_per_minute = 6000",
        )
        (tmp_path / "ragops.toml").write_text(toml)
        environ |= {
            "SLACK_BOT_TOKEN": slack.workspace.bot_token,
            "SLACK_APP_TOKEN": slack.workspace.app_token,
            "SLACK_API_URL": slack.base_url,
        }
        yield Scene(control, slack.workspace, store, environ, tmp_path)


async def test_every_accepted_share_survives_being_killed(scene: Scene) -> None:
    """Accepted means acknowledged without a refusal: seen exactly once, audited once, in a chain that is whole."""
    source = random.Random(SEED)
    asking = asyncio.create_task(scene.ask(random.Random(SEED + 1)))
    try:
        for number in range(ROUNDS):
            async with started("run", environ=scene.environ, folder=scene.folder) as program:
                assert await scene.control.connected(timeout=60), program.log.read_text()
                await until(lambda: scene.rows(KEPT), lambda rows, least=number: rows > [(least,)])
                await asyncio.sleep(source.uniform(0.0, 1.0))
                await scene.next_share()
                await asyncio.sleep(source.uniform(0.0, WHILE_IT_IS_MADE_S))
                await program.stop(signal.SIGKILL)
            if number % 2:
                await scene.pass_leases()
    finally:
        scene.stopping.set()
        await asking

    async with started("run", environ=scene.environ, folder=scene.folder) as program:
        assert await scene.control.connected(timeout=60)
        await scene.pass_leases()
        await until(lambda: scene.rows(UNSETTLED), lambda rows: rows == [(0,)], within_s=60)
        assert await program.stop() == 0

    accepted = await scene.rows("SELECT state, attempts FROM inbox")
    delivered = await scene.rows("SELECT 'outbox-' || id, state FROM outbox")
    audited = await scene.rows("SELECT result FROM audit WHERE action = 'share'")
    doubted = await scene.rows("SELECT count(*) FROM outbox WHERE unsure")
    print(  # noqa: T201  # whether the kills hit anything is to be seen
        f"{ROUNDS} kills, seed {SEED}: {scene.acked} acked, {scene.unacked} not, {len(accepted)} kept, "
        f"{sum(int(str(attempts)) > 1 for _, attempts in accepted)} taken up again, {doubted[0][0]} looked up"
    )
    assert {state for state, _ in accepted} == {"done"}
    assert scene.acked <= len(accepted) + scene.refusals()
    assert len(accepted) >= ROUNDS
    assert {state for _, state in delivered} == {"delivered"}
    assert len(delivered) == len(audited) == len(accepted)
    assert scene.posted() == Counter({str(tag): 1 for tag, _ in delivered})

    verified = await ragops("audit", "verify", environ=scene.environ, folder=scene.folder)
    assert verified.code == 0, verified.out + verified.err
    assert f"{len(audited)} entries" in verified.out


async def test_the_last_to_leave_stops_the_database(scene: Scene) -> None:
    """While somebody holds it, a killed bot does not take it along; after that nothing of it runs."""
    async with started("run", environ=scene.environ, folder=scene.folder) as program:
        assert await scene.control.connected(timeout=60)
        await program.stop(signal.SIGKILL)
    assert await scene.rows("SELECT 1") == [(1,)]

    await scene.store.stop()

    async def look() -> dict[int, str]:
        return processes_of(scene.folder)

    await until(look, lambda left: not left, within_s=60)
