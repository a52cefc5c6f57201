"""The event loop's pulse, on a loop that is really blocked."""

from __future__ import annotations

import asyncio
import time

from bot.health.heartbeat import Heartbeat
from tests.bot.health.scrapes import make_meter, value
from tests.support.waiting import in_background


async def test_a_loop_that_turns_is_alive() -> None:
    meter = make_meter()
    heartbeat = Heartbeat(meter, every_s=0.01, limit_s=5)
    assert heartbeat.trouble() == ""
    async with in_background(heartbeat.run()):
        await asyncio.sleep(0.1)
        assert heartbeat.trouble() == ""
    assert (value(meter, "ragops_event_loop_lag_seconds") or 0) < 5


async def test_a_loop_that_stood_still_is_told_at_once_for_a_while_and_then_forgiven() -> None:
    """At once: also before the heart has had its next turn. The figure stays for a minute."""
    meter = make_meter()
    heartbeat = Heartbeat(meter, every_s=0.01, limit_s=0.3, forgiven_s=0.6)
    async with in_background(heartbeat.run()):
        await asyncio.sleep(0.05)
        time.sleep(0.5)  # noqa: ASYNC251  # blocking the loop is the point
        assert heartbeat.trouble().startswith("the event loop stood still for 0.")
        await asyncio.sleep(0.05)
        assert heartbeat.trouble()
        await asyncio.sleep(0.8)
        assert heartbeat.trouble() == ""
        assert (value(meter, "ragops_event_loop_lag_seconds") or 0) > 0.3


async def test_a_heart_that_beats_no_more_is_noticed() -> None:
    """Whatever ended it: nobody measures the loop any more."""
    heartbeat = Heartbeat(make_meter(), every_s=0.01, limit_s=0.1)
    async with in_background(heartbeat.run()):
        await asyncio.sleep(0.03)
    await asyncio.sleep(0.2)
    assert heartbeat.trouble()
