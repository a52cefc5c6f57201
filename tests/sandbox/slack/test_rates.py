"""Rate limits: tiers, one post a second a channel, and a count of those who do not wait."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import SlackControl
from sandbox.slack.methods.table import METHODS
from sandbox.slack.rates import RateLimits


@pytest.mark.parametrize(
    ("method", "burst", "wait"),
    [
        ("usergroups.list", 20, 3),
        ("chat.update", 50, 2),
        ("views.open", 100, 1),
        ("chat.postMessage", 5, 1),
        ("apps.connections.open", 10, 60),
    ],
)
def test_each_tier_grants_a_burst_and_then_its_pace(method: str, burst: int, wait: int) -> None:
    """After the burst Retry-After is the whole seconds until the next call is granted."""
    rates, spec = RateLimits(), METHODS[method]
    assert [rates.take(spec, "C1", 100.0) for _ in range(burst)] == [0] * burst
    assert rates.take(spec, "C1", 100.0) == wait
    assert rates.take(spec, "C1", 100.0 + wait) == 0


def test_channels_have_buckets_of_their_own() -> None:
    """A busy channel does not silence the others."""
    rates, post = RateLimits(), METHODS["chat.postMessage"]
    assert [rates.take(post, "C1", 0.0) for _ in range(6)][-1] == 1
    assert rates.take(post, "C2", 0.0) == 0


async def test_posting_within_retry_after_is_counted(client: AsyncWebClient, control: SlackControl, clock: Any) -> None:
    """A naive bot that does not wait is refused again, and it shows."""

    async def post() -> int:
        try:
            await client.chat_postMessage(channel="ops", text="x")
        except SlackApiError as error:
            return int(error.response.headers["Retry-After"])
        return 0

    assert [await post() for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert (await control.state())["retry_after_violations"] == 0
    clock.now += 0.5
    assert await post() == 1
    assert (await control.state())["retry_after_violations"] == 1
    clock.now += 0.5
    assert await post() == 0
