"""Several replicas are one bot: whatever is delivered how often, to whichever of them, is answered once.

RAGOPS_TEST_COMMANDS sets how many commands are sent (300 if it is not set).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.slack.faults import Fault, Kind
from tests.support.crowd_counts import (
    Kept,
    all_kept_once,
    each_answered_once,
    nothing_else_was_said,
    summary,
)
from tests.support.shared_world import COMMANDS, Shape, SharedWorld, shared_world

BY_HTTP = max(COMMANDS // 10, 100)

pytestmark = pytest.mark.timeout(900)


def make_it_hard(world: SharedWorld) -> None:
    """Let a tenth of the deliveries come twice, at once or a moment later, and a fifth be overtaken by others."""
    for envelope in ("slash_commands", "interactive", "events_api"):
        for fault in (
            Fault(Kind.DUPLICATE, method=envelope, times=None, share=0.05),
            Fault(Kind.ECHO, method=envelope, times=None, share=0.05, seconds=0.3),
            Fault(Kind.REORDER, method=envelope, times=None, share=0.2, seconds=0.2),
        ):
            world.slack.faults.add(fault)


async def ask_and_count(world: SharedWorld, count: int) -> None:
    """Let the crowd ask, and assert that everything was answered, kept and recorded exactly once."""
    crowd = world.crowd
    make_it_hard(world)
    await crowd.ask_for(count)
    await world.settled()

    kept = await Kept.read(world.database_url)
    recognised = len(world.replicas.events("repeat")) + len(world.replicas.events("replay"))
    print("\n" + summary(crowd, recognised=recognised, kept=len(kept.inbox), audited=kept.entries))  # noqa: T201  # measured
    assert len(crowd.asked) == count
    each_answered_once(crowd, crowd.asked)
    nothing_else_was_said(crowd, crowd.asked)
    all_kept_once(crowd, kept, crowd.asked)
    # What the bot said itself comes back to it, too; a repeat of that is recognised by HTTP only, and answered nowhere.
    assert 0 < crowd.postman.repeats <= recognised <= world.slack.courier.repeats
    assert world.slack.courier.unacked == 0
    for replica in world.replicas.running.values():
        known = [*replica.events("repeat"), *replica.events("replay")]
        assert replica.role == "worker" or known, f"{replica.name} took no part"
    assert await world.replicas.stop_all() == [0] * len(world.replicas.running)
    assert world.replicas.troubles() == []
    await world.audit_is_whole(kept.entries)


async def test_two_replicas_answer_every_command_once(tmp_path: Path, store_url: str) -> None:
    """Whichever replica gets a delivery, or a second one of it: one answer, one post, one entry, and nothing lost."""
    async with shared_world(tmp_path, store_url) as world:
        await world.replicas.start_all("one", "two")
        await world.hears(4)
        await ask_and_count(world, COMMANDS)


async def test_two_that_chat_and_two_that_work_answer_every_command_once(tmp_path: Path, store_url: str) -> None:
    """Those who hear people are others than those who carry out and post."""
    async with shared_world(tmp_path, store_url) as world:
        await world.replicas.start_all("worker-one", "worker-two", role="worker")
        await world.replicas.start_all("chat-one", "chat-two", role="chat")
        await world.hears(4)
        await ask_and_count(world, COMMANDS)


async def test_signed_requests_to_two_replicas_are_answered_once(tmp_path: Path, store_url: str) -> None:
    """By HTTP a repeat may be the same request byte for byte, or signed anew."""
    async with shared_world(tmp_path, store_url, Shape(signed=True)) as world:
        await world.replicas.start_all("one", "two")
        async with world.signed("one", "two"):
            await ask_and_count(world, BY_HTTP)
