"""What Slack refused for its rate is not called again before that time is over, whichever message it was about."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import DeliveryRefused, DeliveryThrottled
from bot.slack.outbound.turns import Turns
from tests.support.clocks import leaping_loop


async def call(turns: Turns, limit: str = "update", *, error: Exception | None = None) -> str:
    async with turns.turn(limit):
        await asyncio.sleep(0)
        if error is not None:
            raise error
    return "called"


async def test_nobody_calls_before_the_time_is_over() -> None:
    """They hear how long it still is; other limits are not concerned."""
    turns = Turns()
    with leaping_loop() as leap:
        with pytest.raises(DeliveryThrottled):
            await call(turns, error=DeliveryThrottled("wait", retry_after_s=100))
        with pytest.raises(DeliveryThrottled) as refused:
            await call(turns)
        assert 0 < refused.value.retry_after_s <= 100
        assert await call(turns, "post:C1") == "called"
        leap(refused.value.retry_after_s)
        assert await call(turns) == "called"


async def test_those_who_come_together_hear_of_it_too() -> None:
    """One is sent after another, so that the first refusal is the last."""
    turns, sent = Turns(), []

    async def refused() -> None:
        async with turns.turn("update"):
            sent.append(1)
            await asyncio.sleep(0.01)
            raise DeliveryThrottled("wait", retry_after_s=60)

    results = await asyncio.gather(*(refused() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in results] == [DeliveryThrottled] * 5
    assert len(sent) == 1


async def test_another_refusal_closes_nothing() -> None:
    """It was about one message."""
    turns = Turns()
    with pytest.raises(DeliveryRefused):
        await call(turns, error=DeliveryRefused("no"))
    assert await call(turns) == "called"
