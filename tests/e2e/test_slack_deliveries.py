"""What Slack does to deliveries: twice, late, over a socket that goes away; and how fast they are acknowledged."""

from __future__ import annotations

import asyncio
import statistics

import pytest

from tests.support.sandboxed import Stage
from tests.support.waiting import until


async def test_t34_a_command_that_is_delivered_twice_shares_once(stage: Stage) -> None:
    """Both deliveries carry one trigger, so the request is one."""
    await stage.control.set_fault("duplicate", method="slash_commands")

    said = await stage.control.say("/rag share status api", user="ann", channel="ops")

    assert said.ok, said.seen
    assert len(await stage.posted(1)) == 1
    assert len(stage.journal.events("repeat")) == 1


async def test_t34_a_press_that_is_delivered_twice_shares_once(stage: Stage) -> None:
    """A press is recognised by message, button, person and moment."""
    await stage.answer("/rag status api")
    await stage.control.set_fault("duplicate", method="interactive")

    pressed = await stage.control.press("Share", user="ann")

    assert pressed.ok, pressed.seen
    assert len(await stage.posted(1)) == 1
    assert len(stage.journal.events("repeat")) == 1


async def test_t34_a_mention_that_is_delivered_twice_at_once_is_answered_once(stage: Stage) -> None:
    """The same event in two envelopes at the same moment is one request."""
    await stage.control.set_fault("duplicate", method="events_api")

    await stage.control.say("@rag status api", user="ann", channel="ops")

    assert len(await stage.posted(1)) == 1


async def test_two_presses_are_two_shares(stage: Stage) -> None:
    """Recognising repeats does not swallow what a person really did twice."""
    await stage.answer("/rag status api")

    await stage.control.press("Share", user="ann")
    await stage.control.press("Share", user="ann")

    assert len(await stage.posted(2)) == 2


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "drop"])
async def test_commands_after_a_disconnect_are_answered(stage: Stage, reason: str) -> None:
    """The socket is replaced, and people notice nothing."""
    await stage.control.disconnect(reason)

    async def command() -> bool:
        assert await stage.control.connected()
        return (await stage.control.say("/rag whoami", user="ann")).ok

    await until(command, bool)
    await until(lambda: stage.seen(user="ann"), bool)

    assert "@ann" in (await stage.answer("/rag whoami")).text


async def test_a_mention_during_a_disconnect_is_not_lost(stage: Stage) -> None:
    """An event that nobody took comes again, and is answered then."""
    said, _ = await asyncio.gather(
        stage.control.say("@rag status api", user="ann", channel="ops"), stage.control.disconnect("refresh_requested")
    )

    posted = await stage.posted(1)

    assert [message.thread_ts for message in posted] == [said.ts]


async def test_a_mistyped_mention_is_told_to_its_person(stage: Stage) -> None:
    """The private answer is shown in the channel: in a thread that nobody has answered yet, nobody would see it."""
    answer = await stage.answer("@rag statsu", user="vic")

    assert answer.ephemeral
    assert 'There is no command "statsu"' in answer.text
    assert await stage.public() == []


async def test_a_mistyped_mention_in_a_thread_is_told_there(stage: Stage) -> None:
    """Whoever writes in a thread looks there for the answer."""
    parent = await stage.control.say("it is slow", user="vic", channel="ops")

    await stage.control.say("@rag statsu", user="vic", channel="ops", thread=parent.ts)
    answer = (await until(lambda: stage.seen(user="vic"), bool))[-1]

    assert answer.ephemeral
    assert answer.thread_ts == parent.ts


async def test_acknowledgements_are_quick(stage: Stage) -> None:
    """Slack waits three seconds: none is later, nine of ten are acknowledged far below one, shares included."""
    await stage.control.set_rates(enabled=False)

    async def work(user: str, channel: str) -> None:
        for _ in range(4):
            await stage.answer("/rag status", user=user, channel=channel)
            await stage.control.press("Refresh", user=user, channel=channel)
            await stage.control.press("Share", user=user, channel=channel)

    await asyncio.gather(work("ann", "ops"), work("bob", "general"), work("vic", "incidents"))
    state = await stage.control.state()

    acks_ms = state["acks_ms"]
    most = statistics.quantiles(acks_ms, n=10)[8]
    print(f"{len(acks_ms)} acks: p50 {statistics.median(acks_ms):.0f} ms, p90 {most:.0f} ms")  # noqa: T201  # measured
    assert len(acks_ms) == 36
    assert state["unacked"] == 0
    assert most < 1000
