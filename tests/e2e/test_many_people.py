"""Many people at once: everybody gets their own answers, and nobody takes the bot away from the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from sandbox.slack.world import Workspace
from tests.support.clocks import ShiftedClock
from tests.support.outages import NO_DATABASE
from tests.support.sandboxed import Stage, Staging, sandboxed

PEOPLE = tuple(f"person{number}" for number in range(10))
SERVICES = ("rag-engine-web", "rag-engine-gateway", "rag-engine-ingest", "postgres", "qdrant", "redis", "api", "worker")


def invite(cluster: ClusterServer, world: World, workspace: Workspace) -> None:
    """Let ten people into the channel."""
    del cluster, world
    for name in PEOPLE:
        workspace.channels["ops"].members.append(workspace.add_user(name).id)


async def test_ten_people_with_fifty_commands_get_their_own_answers(tmp_path: Path) -> None:
    """Each answer is about what its person asked, is seen by that person alone, and comes exactly once."""
    staging = Staging(arrange=invite, waits_for_store=False)
    async with sandboxed(tmp_path, NO_DATABASE, staging) as stage:

        async def work(number: int) -> list[str]:
            asked = [SERVICES[(number + step) % len(SERVICES)] for step in range(5)]
            for name in asked:
                answer = await stage.answer(f"/rag status {name}", user=PEOPLE[number])
                assert answer.ephemeral
                assert answer.text.split()[1] == name
            return asked

        asked = await asyncio.gather(*(work(number) for number in range(len(PEOPLE))))
        assert await stage.control.settle()

        for name, services in zip(PEOPLE, asked, strict=True):
            assert [message.text.split()[1] for message in await stage.seen(user=name)] == services
        assert await stage.public() == []


async def test_the_greedy_one_is_told_and_the_others_are_served(tmp_path: Path) -> None:
    """Whoever asks too often hears how often one may; a button counts like a command; others notice nothing."""
    clock = ShiftedClock()
    clock.shift(60 - clock.now().timestamp() % 60)  # a minute begins: what is counted is counted by the minute
    staging = Staging(settings="[limits]\ncommands_per_minute = 5", waits_for_store=False, clock=clock)
    async with sandboxed(tmp_path, NO_DATABASE, staging) as stage:
        texts = [(await stage.answer("/rag status")).text for _ in range(4)]
        texts += [(await stage.press("Refresh")).text for _ in range(3)]

        assert ["degraded" in text for text in texts] == [True] * 5 + [False] * 2
        assert "That was more than 5 commands in a minute; wait a little." in texts[-1]
        assert "degraded" in (await stage.answer("/rag status", user="bob")).text


async def test_everybody_sees_only_what_is_for_them(stage: Stage) -> None:
    """A private answer is for one, a shared one for all in that channel and nowhere else."""
    await stage.answer("/rag status api", user="ann")
    await stage.control.say("/rag share status worker", user="bob", channel="ops")
    await stage.posted(1)

    heads = {user: [m.text.split()[1] for m in await stage.seen(user=user)] for user in ("ann", "vic", "bob")}

    assert heads["ann"] == ["api", "worker"]
    assert heads["vic"] == ["worker"]
    assert sorted(heads["bob"]) == ["On", "worker"]
    assert await stage.public(channel="general") == []
