"""The event loop's pulse, on a loop whose time leaps as if it had stood still."""

from __future__ import annotations

import asyncio

from bot.health.heartbeat import Heartbeat
from tests.bot.health.scrapes import make_meter, value
from tests.support.clocks import leaping_loop
from tests.support.waiting import in_background, until

LAG = "ragops_event_loop_lag_seconds"


async def test_a_loop_that_turns_is_alive() -> None:
    meter = make_meter()
    heartbeat = Heartbeat(meter, every_s=0.01, limit_s=60)
    assert heartbeat.trouble() == ""
    async with in_background(heartbeat.run()):
        await asyncio.sleep(0.1)
        assert heartbeat.trouble() == ""
    assert (value(meter, LAG) or 0) < 60


async def test_a_loop_that_stood_still_is_told_at_once_for_a_while_and_then_forgiven() -> None:
    """At once: also before the heart has had its next turn. The figure stays for a minute."""
    meter = make_meter()
    heartbeat = Heartbeat(meter, every_s=0.01, limit_s=20, forgiven_s=30)

    async def lag() -> float:
        return value(meter, LAG) or 0.0

    with leaping_loop() as leap:
        async with in_background(heartbeat.run()):
            await asyncio.sleep(0)
            leap(30)
            assert heartbeat.trouble().startswith("the event loop stood still for 3")
            await until(lag, lambda told: told > 20, every_s=0.01)
            assert heartbeat.trouble()
            for _ in range(5):
                leap(7)
                await asyncio.sleep(0.02)
            assert heartbeat.trouble() == ""
            assert await lag() > 20


async def test_a_heart_that_beats_no_more_is_noticed() -> None:
    """Whatever ended it: nobody measures the loop any more."""
    heartbeat = Heartbeat(make_meter(), every_s=0.01, limit_s=60)
    with leaping_loop() as leap:
        async with in_background(heartbeat.run()):
            await asyncio.sleep(0.03)
        assert heartbeat.trouble() == ""
        leap(90)
        assert heartbeat.trouble()
