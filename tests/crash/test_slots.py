"""Whatever is due is told once, whoever dies, over any number of replicas."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.crash.nursery import hatched
from tests.crash.slot_worker import POINTS, SlotOrder
from tests.crash.slots import Storm, Told, make_known, read_outbox, storm_of_ours
from tests.crash.worker import Order
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(300)

# Of two moments of one schedule that were both missed only the later is made up for: so long nothing stands still.
STORM = Storm(schedules=21, dues=2, every_s=8, lease_s=1.0, replicas=(8, 2, 5), lives_s=(0.5, 2.5), chance=0.1, seed=1)


@pytest.mark.parametrize("point", POINTS)
async def test_t37_a_replica_that_is_killed_at_any_point(point: str, workers: Path, store_url: str) -> None:
    """Another one tells what is due, once, when the lease is over; what was committed is not told again."""
    begins = time.time() // 1 + 1
    order = SlotOrder(schedules=1, every_s=60, begins=begins, ends=begins + 1, lease_s=0.5, point=point, chance=1.0)
    await make_known(order, store_url)
    told = Told(order.due())

    async def look() -> Told:
        await read_outbox(store_url, told)
        return told

    async with hatched(workers, Order(database_url=store_url, name="first", slots=asdict(order))) as first:
        await first.says("struck")
        assert "struck" in first.events
        assert (await look()).missed == (point != "slot:done")
        calm = replace(order, chance=0.0)
        async with hatched(workers, Order(database_url=store_url, name="second", slots=asdict(calm))):
            await until(look, lambda seen: not seen.missed)
            await asyncio.sleep(2 * order.lease_s)

    assert (await look()).problems == []


async def test_t37_replicas_that_come_and_go_by_sigkill(workers: Path, store_url: str) -> None:
    """Two to eight of them: none of what is due is missed, none is told twice."""
    told = await storm_of_ours(STORM, workers, store_url)

    print(told)  # noqa: T201  # whether the kills hit anything is to be seen
    assert told.problems == []
    assert len(told.due) == 42
    assert told.each == 1.0
    assert told.killed > 10
    assert told.struck > 0
