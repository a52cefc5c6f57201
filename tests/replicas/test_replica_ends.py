"""Replicas end while people ask, in every way: the other one goes on, nothing is posted twice, nothing kept is lost.

What nobody can save: a delivery that the platform has handed to a replica which is killed, or stands still, before it
acknowledges. Slack tells its person so at once ("operation_timeout"), and delivers an event again. And a read that was
acknowledged, but not answered yet, by a replica that is killed in that moment: reads are not kept.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.slack.delivery import Timing
from tests.support.crowd import EVENTS, KEPT, SHARES, Ask, Asked
from tests.support.crowd_counts import Kept, answers_of, is_aside, shared_by, spoken_to, summary, tag_of
from tests.support.shared_world import LONG, Shape, SharedWorld, shared_world

# People wait as long for an acknowledgement as a slow machine may need, and then see that the command failed.
SHORT_OF_TIME = Timing(ack_s=6.0, retry_s=(0.0, 1.0, 3.0))
LEASE_S = 30.0
# Whatever was asked longer before a replica was killed has been answered by then.
UNDER_WAY_S = 20.0
# How long a process that stood still takes to do what has piled up meanwhile.
WAKING_S = 10.0
KILLS = 4 if LONG else 1

pytestmark = pytest.mark.timeout(300)


async def test_a_replica_that_is_told_to_end_finishes_what_it_began(tmp_path: Path, store_url: str) -> None:
    """It leaves with 0, and what it took is answered once; what was on the wire just then is told as failed."""
    async with shared_world(tmp_path, store_url, Shape(timing=SHORT_OF_TIME)) as world:
        await world.replicas.start_all("one", "two")
        await world.hears(4)
        asking = begin_to_ask(world)
        await world.answered_more(60)

        began = asyncio.get_running_loop().time()
        assert await world.replicas.stop("one") == 0
        ended = asyncio.get_running_loop().time()
        await world.answered_more(60)

        await end_asking(world, asking)
        lost = await nothing_is_lost(world, killed_at=())
        assert lost.acked_but_unanswered == []
        # Slack knows no way to say beforehand that a socket will close.
        assert [one for one in lost.not_acked if not began - UNDER_WAY_S < one.began < ended] == []
        assert await world.replicas.stop_all() == [0]
        assert world.replicas.troubles() == []


async def test_both_are_restarted_one_after_the_other(tmp_path: Path, store_url: str) -> None:
    """As a cluster does it with requests over HTTP, which leads none to a replica that is to end: nobody notices."""
    async with shared_world(tmp_path, store_url, Shape(signed=True, timing=SHORT_OF_TIME)) as world:
        await world.replicas.start_all("one", "two")
        async with world.signed("one", "two") as balancer:
            asking = begin_to_ask(world)
            await world.answered_more(60)
            for name in ("one", "two"):
                await balancer.leave(world.replicas.door(name))
                assert await world.replicas.stop(name) == 0
                await world.answered_more(20)
                await world.replicas.start(name)
                balancer.join(world.replicas.door(name))
                await world.answered_more(60)
            await end_asking(world, asking)
            lost = await nothing_is_lost(world, killed_at=())
        assert lost.acked_but_unanswered == []
        assert lost.not_acked == []
        assert await world.replicas.stop_all() == [0, 0]
        assert world.replicas.troubles() == []


async def test_a_replica_is_killed(tmp_path: Path, store_url: str) -> None:
    """The other takes over what it had begun, once its lease is over."""
    async with shared_world(tmp_path, store_url, Shape(timing=SHORT_OF_TIME)) as world:
        await world.replicas.start_all("one", "two")
        await world.hears(4)
        world.crowd.patience_s = UNDER_WAY_S
        asking = begin_to_ask(world)
        await world.answered_more(60)
        killed_at = []
        for _ in range(KILLS):
            killed_at.append(asyncio.get_running_loop().time())
            assert await world.replicas.stop("one", signal.SIGKILL) == -signal.SIGKILL
            await world.answered_more(20)
            await world.replicas.start("one")
            await world.answered_more(60)

        await end_asking(world, asking)
        await nothing_is_lost(world, killed_at=killed_at)
        assert await world.replicas.stop_all() == [0, 0]
        assert world.replicas.troubles() == []


@pytest.mark.skipif(not LONG, reason="takes longer than a lease: RAGOPS_TEST_COMMANDS above 300 runs it")
async def test_a_replica_stands_still_for_longer_than_its_lease(tmp_path: Path, store_url: str) -> None:
    """What it had begun is done by the other; when it goes on, it finds that out and does nothing twice."""
    async with shared_world(tmp_path, store_url, Shape(timing=SHORT_OF_TIME)) as world:
        still, _ = await world.replicas.start_all("one", "two")
        await world.hears(4)
        world.crowd.patience_s = UNDER_WAY_S
        asking = begin_to_ask(world)
        await world.answered_more(60)
        stopped_at = asyncio.get_running_loop().time()
        still.program.send(signal.SIGSTOP)
        await asyncio.sleep(LEASE_S + 5)
        await world.answered_more(20)
        went_on_at = asyncio.get_running_loop().time()
        still.program.send(signal.SIGCONT)
        await still.is_ready()
        await world.answered_more(60)

        await end_asking(world, asking)
        await nothing_is_lost(world, killed_at=[stopped_at], went_on_at=[went_on_at])
        assert await world.replicas.stop_all() == [0, 0]
        assert world.replicas.troubles() == []


def begin_to_ask(world: SharedWorld) -> asyncio.Task[None]:
    """Let the crowd ask until it is told to end."""
    world.crowd.pause_s = 0.1
    return asyncio.create_task(world.crowd.keep_asking())


async def end_asking(world: SharedWorld, asking: asyncio.Task[None]) -> None:
    """Let everybody have their last answer, and wait until nothing is on its way."""
    world.crowd.stopping = True
    await asking
    await world.settled()


@dataclass(frozen=True, slots=True)
class Lost:
    """What people had to ask again: Slack told them that it failed, or nothing came."""

    not_acked: list[Asked]
    acked_but_unanswered: list[Asked]


async def nothing_is_lost(world: SharedWorld, *, killed_at: Sequence[float], went_on_at: Sequence[float] = ()) -> Lost:
    """Assert that nothing happened twice, that everything kept was done, and that what is missing was under way.

    A replica that goes on after it stood still finds its connections old. What reaches it at that moment may not be
    kept: its person is told so, and a look that came by an event is answered to its person alone.
    """
    crowd, kept = world.crowd, await Kept.read(world.database_url)
    reads = [one for one in crowd.asked if one.kind not in KEPT]
    lost = Lost(
        [one for one in crowd.asked if not one.acked and one.kind not in EVENTS],
        [one for one in reads if one.acked and answers_of(one, crowd) == 0],
    )
    print(  # noqa: T201  # measured
        "\n"
        + summary(
            crowd,
            failed_as_Slack_told=len(lost.not_acked),
            reads_cut_off=len(lost.acked_but_unanswered),
            recognised=len(world.replicas.events("repeat")),
        )
    )
    assert [one for one in reads if answers_of(one, crowd) > 1] == []
    assert [one for one in lost.acked_but_unanswered if not _under_way(one, killed_at)] == []
    everything_kept_was_done_once(world, kept, went_on_at=went_on_at)
    await world.audit_is_whole(kept.entries)
    return lost


def _under_way(one: Asked, moments: Sequence[float]) -> bool:
    return any(one.began <= moment <= one.began + UNDER_WAY_S for moment in moments)


def everything_kept_was_done_once(world: SharedWorld, kept: Kept, *, went_on_at: Sequence[float] = ()) -> None:
    """Assert that every acknowledged request that must be kept was carried out, seen and audited exactly once."""
    crowd = world.crowd
    asked = [one for one in crowd.asked if one.kind in KEPT]
    accepted = [one for one in asked if one.key in kept.inbox]
    assert set(kept.inbox.values()) == {"done"}
    assert len(accepted) == len(kept.inbox)
    not_kept = [one for one in asked if one.key not in kept.inbox and (one.acked or one.kind in EVENTS)]
    assert [one for one in not_kept if not _under_way(one, [at + WAKING_S for at in went_on_at])] == []

    seen = [one for one in accepted if one.kind in EVENTS | SHARES]
    assert set(kept.outbox.values()) == {"delivered"}
    posted = [message for message in crowd.workspace.public if not is_aside(message)]
    assert Counter(map(tag_of, posted)) == Counter(dict.fromkeys(kept.outbox, 1))
    assert len(kept.outbox) == len(seen)
    assert shared_by(crowd) == Counter((one.person, one.channel) for one in seen if one.kind in SHARES)
    assert spoken_to(crowd) == Counter(one.person for one in seen if one.kind is Ask.DIRECT)
    assert {answers_of(one, crowd) for one in seen if one.kind is Ask.MENTION} == {1}

    done = Counter({(one.key, "done"): 1 for one in accepted if one.kind in SHARES})
    done += Counter({(one.key, "refused"): 1 for one in accepted if one.kind is Ask.FORBIDDEN_SHARE})
    refused = [one for one in crowd.asked if one.kind is Ask.FORBIDDEN]
    answered = Counter({(one.key, "refused"): 1 for one in refused if answers_of(one, crowd)})
    cut_off = Counter({(one.key, "refused"): 1 for one in refused if not answers_of(one, crowd)})
    # A look that is refused is refused without a database, too; then the log alone has it.
    woken = [one for one in refused if _under_way(one, [at + WAKING_S for at in went_on_at])]
    unsure = cut_off + Counter({(one.key, "refused"): 1 for one in woken})
    assert kept.audit - unsure == done + (answered - unsure)
