"""A real Redis that is killed, restarted, frozen or emptied in the middle: what each use then says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest

from bot.hot import open_hot_state
from bot.hot.connection import ANSWER_TIMEOUT_S
from bot.hot.listener import CHANNEL
from bot.hot.outage import LOOK_AGAIN_S
from bot.ports import Clock, HotState, Meter, Unmetered
from tests.support.waiting import turns, until


class MovableClock(Clock, Protocol):
    def advance(self, seconds: float) -> None: ...


class TellingMeter(Meter, Protocol):
    told: list[tuple[str, bool]]


class Server(Protocol):
    url: str

    async def start(self) -> None: ...
    async def say(self, words: str) -> bytes: ...
    async def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


@pytest.fixture
async def hot(server: Server, clock: MovableClock, meter: TellingMeter) -> AsyncIterator[HotState]:
    async with open_hot_state(server.url, clock, meter) as opened:
        yield opened


@pytest.fixture
async def other(server: Server, clock: MovableClock) -> AsyncIterator[HotState]:
    """Another replica."""
    async with open_hot_state(server.url, clock, Unmetered()) as opened:
        yield opened


@asynccontextmanager
async def killed(server: Server) -> AsyncIterator[None]:
    await server.kill()
    yield
    await server.start()


@asynccontextmanager
async def frozen(server: Server) -> AsyncIterator[None]:
    server.freeze()
    yield
    server.thaw()


Away = Callable[[Server], "asynccontextmanager[None]"]
ways = pytest.mark.parametrize("away", [killed, frozen])


def at_once(use: Coroutine[Any, Any, object]) -> object:
    """Return the answer of what answers without waiting for anything."""
    try:
        use.send(None)
    except StopIteration as answered:
        return answered.value
    use.close()
    raise AssertionError("it waited")


@ways
async def test_no_use_fails_or_waits_long(away: Away, hot: HotState, server: Server, clock: MovableClock) -> None:
    """Each use that finds out by itself answers within about half a second, the ones after it at once."""
    assert ANSWER_TIMEOUT_S <= 0.5
    uses: list[tuple[Callable[[], Coroutine[Any, Any, object]], object]] = [
        (lambda: hot.allow("U1", limit=3, window_s=600), True),
        (lambda: hot.first("key", keep_s=60), None),
        (lambda: hot.read("key"), None),
        (lambda: hot.write("key", b"value", keep_s=60), None),
        (lambda: hot.forget("key"), None),
        (lambda: hot.wake("name"), None),
    ]
    async with away(server):
        for use, expected in uses:
            async with asyncio.timeout(60):  # of a frozen one nobody would ever hear
                assert await use() == expected
            assert at_once(use()) == expected
            clock.advance(LOOK_AGAIN_S)


@ways
async def test_going_and_coming_back_is_said_once(
    away: Away,
    hot: HotState,
    server: Server,
    clock: MovableClock,
    meter: TellingMeter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the log and to the meter."""
    caplog.set_level(logging.INFO)
    await hot.allow("U1", limit=1, window_s=60)
    async with away(server):
        for _ in range(3):
            await hot.read("key")
            clock.advance(LOOK_AGAIN_S)
    for _ in range(2):
        await hot.read("key")

    events = [record.__dict__["event"] for record in caplog.records if "event" in record.__dict__]
    assert events == ["hot_state_degraded", "hot_state_recovered"]
    assert meter.told == [("redis", True), ("redis", False)]


@ways
async def test_counts_go_on_in_the_process(away: Away, hot: HotState, server: Server) -> None:
    """What was used before the outage counts during it."""
    before = [await hot.allow("U1", limit=3, window_s=3600) for _ in range(2)]
    async with away(server):
        during = [await hot.allow("U1", limit=3, window_s=3600) for _ in range(2)]

    assert (before, during) == ([True, True], [True, False])


@ways
async def test_a_repeat_is_known_where_it_was_told_first(
    away: Away, hot: HotState, other: HotState, server: Server, clock: MovableClock
) -> None:
    """Elsewhere it is unknown until Redis is back; a key that nobody could note is new after that."""
    assert await hot.first("key", keep_s=600) is True
    async with away(server):
        during = [await asked.first("key", keep_s=600) for asked in (hot, other)]
        unknown = await hot.first("late", keep_s=600)
        clock.advance(LOOK_AGAIN_S)
    after = await hot.first("key", keep_s=600)

    assert (during, unknown, after) == ([False, None], None, False)


async def test_a_key_that_a_frozen_redis_noted_after_all_is_a_repeat(
    hot: HotState, server: Server, clock: MovableClock
) -> None:
    """It was answered with None, so whoever asked had to look elsewhere."""
    await hot.allow("U1", limit=1, window_s=60)  # a connection that can be written to while nobody reads
    async with frozen(server):
        assert await hot.first("key", keep_s=600) is None
    await until(lambda: server.say("EXISTS ragops:first:key"), lambda answer: answer == b":1")
    clock.advance(LOOK_AGAIN_S)

    assert await hot.first("key", keep_s=600) is False


@pytest.mark.usefixtures("patient")
async def test_an_emptied_redis_does_not_make_a_repeat_new_where_it_was_told_first(
    hot: HotState, other: HotState, server: Server
) -> None:
    """Another replica can only believe Redis: whoever must be certain asks the store too."""
    assert await hot.first("key", keep_s=600) is True
    await server.say("FLUSHALL")

    assert [await hot.first("key", keep_s=600), await other.first("key", keep_s=600)] == [False, True]


@pytest.mark.usefixtures("patient")
async def test_replicas_share_keys_and_values(hot: HotState, other: HotState) -> None:
    """What one says the other knows."""
    await hot.write("key", b"value", keep_s=60)
    assert [await hot.first("key", keep_s=60), await other.first("key", keep_s=60)] == [True, False]
    assert await other.read("key") == b"value"
    await other.forget("key")
    assert await hot.read("key") is None


async def test_what_could_not_be_forgotten_is_not_read_afterwards(
    hot: HotState, other: HotState, server: Server, clock: MovableClock
) -> None:
    """It is removed before Redis is used again, so no replica reads it any more; other values stay."""
    await other.write("key", b"stale", keep_s=600)
    await other.write("good", b"value", keep_s=600)
    async with frozen(server):
        await hot.forget("key")
    assert await hot.read("key") is None
    clock.advance(LOOK_AGAIN_S)

    assert [await asked.read("key") for asked in (hot, other)] == [None, None]
    assert [await asked.read("good") for asked in (hot, other)] == [b"value", b"value"]


async def test_what_could_not_be_replaced_is_not_read_afterwards(
    hot: HotState, server: Server, clock: MovableClock
) -> None:
    """The older value is no answer to who wrote a newer one, and neither is the newer one that arrived late."""
    await hot.write("key", b"old", keep_s=600)
    async with frozen(server):
        await hot.write("key", b"new", keep_s=600)
    await until(lambda: server.say("EXISTS ragops:kept:key"), lambda answer: answer == b":1")
    clock.advance(LOOK_AGAIN_S)
    assert await hot.read("key") is None
    await hot.write("key", b"newest", keep_s=600)
    assert await hot.read("key") == b"newest"


async def test_a_write_that_arrives_after_the_forgetting_is_not_read(
    hot: HotState, server: Server, clock: MovableClock
) -> None:
    """Redis was frozen with the write in its hands; the order in which it then works is not ours."""
    await hot.read("key")
    async with frozen(server):
        await hot.write("key", b"late", keep_s=600)
        await hot.forget("key")
    clock.advance(LOOK_AGAIN_S)
    for _ in range(20):
        assert await hot.read("key") is None
        await asyncio.sleep(0.01)


@pytest.mark.usefixtures("patient")
async def test_an_emptied_redis_has_no_values(hot: HotState, server: Server) -> None:
    """Nothing is invented, and writing goes on."""
    await hot.write("key", b"value", keep_s=60)
    await server.say("FLUSHALL")
    assert await hot.read("key") is None
    await hot.write("key", b"value", keep_s=60)
    assert await hot.read("key") == b"value"


@pytest.mark.parametrize(
    "words", ["SET ragops:kept:key nonsense", "LPUSH ragops:kept:key 1", "SADD ragops:first:key 1"]
)
async def test_what_a_stranger_wrote_is_no_answer(words: str, hot: HotState, server: Server) -> None:
    """Not even when it is of another kind."""
    await server.say(words)

    assert await hot.read("key") is None
    assert await hot.first("key", keep_s=60) in {None, True}


# --- wake-ups ---------------------------------------------------------------------------------------------------------


class Ear:
    """Counts what it hears of a name."""

    def __init__(self, hot: HotState, name: str = "name") -> None:
        self.heard = 0
        self._task = asyncio.create_task(self._listen(hot, name))

    async def _listen(self, hot: HotState, name: str) -> None:
        async for _ in hot.wakes(name):
            self.heard += 1

    async def count(self) -> int:
        return self.heard

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


@pytest.fixture
async def ear(hot: HotState, server: Server) -> AsyncIterator[Ear]:
    ear = Ear(hot)
    await asyncio.sleep(0)
    await heard_by(server, 1)
    yield ear
    await ear.stop()


async def heard_by(server: Server, listeners: int) -> None:
    """Wait until so many listen."""
    await until(lambda: server.say(f"PUBLISH {CHANNEL} nobody"), lambda answer: answer == b":%d" % listeners)


async def test_a_wake_is_heard_by_other_replicas(ear: Ear, other: HotState) -> None:
    """Of its name only, and a burst need not be heard one by one."""
    for _ in range(10):
        await other.wake("name")
        await other.wake("another name")
    await until(ear.count, bool)
    await asyncio.sleep(0.1)

    assert 1 <= ear.heard <= 10


async def test_a_wake_is_heard_once_by_oneself(ear: Ear, hot: HotState) -> None:
    """What comes back from Redis is left out."""
    await hot.wake("name")
    await until(ear.count, bool)
    await asyncio.sleep(0.1)

    assert ear.heard == 1


@ways
async def test_wakes_inside_the_process_need_no_redis(away: Away, ear: Ear, hot: HotState, server: Server) -> None:
    """They come at once while Redis is away."""
    async with away(server):
        waking = asyncio.create_task(hot.wake("name"))
        await turns(20)
        assert ear.heard == 1
        await waking


async def test_listening_comes_back_by_itself(
    ear: Ear, other: HotState, server: Server, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The loss and the return are said once; on the return everybody looks, as something may have been missed."""
    caplog.set_level(logging.INFO)
    async with killed(server):
        await asyncio.sleep(0.2)
    await heard_by(server, 1)
    await until(ear.count, lambda heard: heard == 1)
    await other.read("key")  # finds out that its connection is gone
    clock.advance(LOOK_AGAIN_S)
    await other.wake("name")
    await until(ear.count, lambda heard: heard == 2)

    events = [record.__dict__["event"] for record in caplog.records if "event" in record.__dict__]
    assert [event for event in events if event.startswith("wakes")] == ["wakes_lost", "wakes_heard"]


async def test_a_connection_without_a_word_is_opened_anew(
    hot: HotState, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A quiet one is tried, and one that does not answer is given up; a healthy quiet one stays."""
    monkeypatch.setattr("bot.hot.listener.QUIET_S", 0.1)
    caplog.set_level(logging.INFO)
    ear = Ear(hot)
    await asyncio.sleep(0)
    await heard_by(server, 1)
    await asyncio.sleep(0.5)
    assert "wakes_lost" not in [record.__dict__.get("event") for record in caplog.records]

    async def events() -> list[str]:
        return [record.__dict__.get("event", "") for record in caplog.records]

    async with frozen(server):
        await until(events, lambda told: "wakes_lost" in told)
    await until(ear.count, lambda heard: heard == 1)
    await ear.stop()


async def test_nonsense_on_the_channel_is_not_heard(ear: Ear, other: HotState, server: Server) -> None:
    """Whoever can publish can at most wake."""
    for words in (f'PUBLISH {CHANNEL} "\\xff\\xfe"', f"PUBLISH {CHANNEL} name", f'PUBLISH {CHANNEL} ""'):
        await server.say(words)
    await other.wake("name")
    await until(ear.count, bool)

    assert ear.heard == 1
