"""When Slack refuses, breaks off or says nothing: what others are to see arrives, once; private answers find a way."""

from __future__ import annotations

import time
from typing import Any

from tests.support.sandboxed import Stage
from tests.support.waiting import until


async def test_a_post_that_is_refused_for_its_rate_is_delivered_later(stage: Stage) -> None:
    """Retry-After is waited out, and nothing is lost."""
    await stage.control.set_fault("ratelimited", method="chat.postMessage", seconds=1)
    began = time.monotonic()

    await stage.control.say("/rag share status api", user="ann", channel="ops")

    assert len(await stage.posted(1)) == 1
    assert time.monotonic() - began > 1


async def test_many_shares_at_once_keep_to_the_rates(stage: Stage) -> None:
    """A channel takes five at once and one a second; all arrive, none was sent before its time."""
    texts = [f"/rag share status {name}" for name in ("api", "worker", "postgres", "redis", "qdrant", "api", "worker")]

    for text in texts:
        assert (await stage.control.say(text, user="ann", channel="ops")).ok
    posted = await stage.posted(len(texts))
    state = await stage.control.state()

    heads = sorted(message.text.split()[1] for message in posted)
    assert heads == ["api", "api", "postgres", "qdrant", "redis", "worker", "worker"]
    assert state["retry_after_violations"] == 0


BROKEN: tuple[dict[str, Any], ...] = (
    {"kind": "reset_after"},
    {"kind": "reply_lost", "seconds": 0.3},
    {"kind": "reset_before"},
    {"kind": "server_error", "status": 503},
    {"kind": "error", "error": "fatal_error"},
)


async def test_broken_posts_are_seen_exactly_once_and_one_that_hangs_holds_up_nobody(stage: Stage) -> None:
    """Whether a post had its effect is looked up before it is tried again; other channels do not wait for it."""

    async def look_backs() -> int:
        return int((await stage.control.state())["calls"].get("conversations.history", 0))

    async def shared() -> int:
        return len(await stage.public(channel="general"))

    await stage.control.set_fault("hang", method="chat.postMessage", seconds=11)
    assert "On its way" in (await stage.answer("/rag share status api")).text
    assert "worker is down" in (await stage.answer("/rag status worker", within_s=10)).text

    for number, fault in enumerate(BROKEN, 1):
        looked = await look_backs()
        await stage.control.set_fault(**fault, method="chat.postMessage")
        await stage.control.say("/rag share status worker", user="bob", channel="general")
        await until(look_backs, looked.__lt__)
        await until(shared, number.__le__)

    assert len(await stage.posted(1)) == 1
    assert await shared() == len(BROKEN)


async def test_a_private_address_that_fails_is_replaced_by_the_channel(stage: Stage) -> None:
    """The person is answered all the same, and still alone: expired, refused for its rate, failed or broken off."""
    faults: list[dict[str, Any]] = [
        {"kind": "error", "error": "expired_url"},
        {"kind": "ratelimited", "seconds": 30},
        {"kind": "server_error", "status": 502},
        {"kind": "reset_before"},
    ]
    for fault in faults:
        await stage.control.set_fault(**fault, method="response_url")

        answer = await stage.answer("/rag status")

        assert "rag-engine is degraded" in answer.text, fault
        assert answer.ephemeral
    assert await stage.public() == []


async def test_a_private_address_that_is_used_up_is_replaced_by_the_channel(stage: Stage) -> None:
    """An address takes five posts; a button pressed after that is answered in the channel."""
    await stage.answer("/rag status")
    for hook in stage.slack.workspace.hooks.values():
        hook.posts = 5

    await until(lambda: _refreshed(stage), lambda text: "rag-engine is degraded" in text)


async def _refreshed(stage: Stage) -> str:
    return (await stage.press("Refresh")).text


async def test_a_directory_that_fails_lets_nobody_in_on_a_guess(stage: Stage) -> None:
    """Rights that cannot be looked up are denied, in words, and work again afterwards."""
    await stage.control.set_fault("server_error", method="users.info", times=None)
    await stage.control.set_fault("server_error", method="usergroups.*", times=None)

    refused = await stage.answer("/rag status", user="bob")

    assert "degraded" not in refused.text
    assert "Nothing was changed." in refused.text

    await stage.control.clear_faults()

    async def ask() -> str:
        return (await stage.answer("/rag status", user="bob")).text

    await until(ask, lambda text: "rag-engine is degraded" in text)
