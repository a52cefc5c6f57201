"""Several replicas are one bot: whatever is delivered how often, to whichever of them, is answered once.

RAGOPS_TEST_COMMANDS sets how many commands are sent (300 if it is not set).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.slack.faults import Fault, Kind
from tests.support.crowd_counts import (
    Kept,
    all_kept_once,
    each_answered_once,
    nothing_else_was_said,
    summary,
    unsettled,
)
from tests.support.shared_world import SharedWorld, Shape, shared_world
from tests.support.waiting import until

COMMANDS = int(os.environ.get("RAGOPS_TEST_COMMANDS", "300"))


def make_it_hard(world: SharedWorld) -> None:
    """Let a tenth of the deliveries come twice, at once or a moment later, and a fifth be overtaken by others."""
    faults = world.slack.faults
    for envelope in ("slash_commands", "interactive", "events_api"):
        faults.add(Fault(Kind.DUPLICATE, method=envelope, times=None, share=0.05))
        faults.add(Fault(Kind.ECHO, method=envelope, times=None, share=0.05, seconds=0.3))
        faults.add(Fault(Kind.REORDER, method=envelope, times=None, share=0.2, seconds=0.2))


async def settled(world: SharedWorld) -> None:
    """Wait until nothing is on its way any more."""

    async def left() -> int:
        return await unsettled(world.database_url) + world.slack.courier.on_the_way

    await until(left, lambda count: count == 0, within_s=60)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("roles", ["all", "chat and worker"])
async def test_every_command_is_answered_once(tmp_path: Path, store_url: str, roles: str) -> None:
    """Whichever replica gets a delivery, or a second one of it: one answer, one post, one entry, and nothing lost."""
    async with shared_world(tmp_path, store_url, Shape()) as world:
        if roles == "all":
            await world.replicas.start_all("one", "two")
        else:
            await world.replicas.start_all("worker-one", "worker-two", role="worker")
            await world.replicas.start_all("chat-one", "chat-two", role="chat")
        await world.slack.hub.connected(4, 30)
        make_it_hard(world)
        crowd = world.crowd

        await crowd.ask_for(COMMANDS)
        await settled(world)

        kept = await Kept.read(world.database_url)
        recognised = len(world.replicas.events("repeat"))
        print(summary(crowd, recognised=recognised, kept=len(kept.inbox), audited=kept.entries))  # noqa: T201  # measured
        assert len(crowd.asked) == COMMANDS
        each_answered_once(crowd, crowd.asked)
        nothing_else_was_said(crowd, crowd.asked)
        all_kept_once(crowd, kept, crowd.asked)
        assert recognised == crowd.postman.repeats > 0
        assert world.slack.courier.unacked == 0
        assert all(replica.events("repeat") for replica in world.replicas.running.values() if replica.events("ready"))
        assert await world.replicas.stop_all() == [0] * len(world.replicas.running)
        assert world.replicas.troubles() == []
        await world.audit_is_whole(kept.entries)
