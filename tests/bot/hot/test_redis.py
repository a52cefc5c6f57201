"""A Redis that is away, silent, odd or late never makes a use fail; it is said once, and it comes back."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from bot.hot import open_hot_state
from bot.hot.outage import LOOK_AGAIN_S
from bot.ports import Clock, Unmetered

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class MovableClock(Clock, Protocol):
    def advance(self, seconds: float) -> None: ...


class TinyRedis:
    """Speaks as much of Redis's protocol as counting needs; `mood` makes it misbehave."""

    def __init__(self) -> None:
        self.mood = "well"
        self.asked = 0
        self.counts: dict[bytes, int] = {}
        self.expiries: dict[bytes, int] = {}
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._writers.add(writer)
        try:
            queued: list[bytes] | None = None
            while header := await reader.readline():
                words = [await self._word(reader) for _ in range(int(header[1:]))]
                if self.mood == "silent":
                    continue
                if self.mood == "refuses":
                    writer.write(b"-NOAUTH Authentication required.\r\n")
                elif self.mood == "babbles":
                    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                elif words[0] == b"MULTI":
                    queued = []
                    writer.write(b"+OK\r\n")
                elif words[0] == b"EXEC" and queued is not None:
                    writer.write(b"*%d\r\n%s" % (len(queued), b"".join(queued)))
                    queued = None
                elif queued is not None:
                    queued.append(self._act(words))
                    writer.write(b"+QUEUED\r\n")
                else:
                    writer.write(b"-ERR unknown command\r\n" if words[0] == b"HELLO" else b"+OK\r\n")
                await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()

    def hang_up(self) -> None:
        """Close every connection, as a restart does."""
        for writer in self._writers:
            writer.close()

    def _act(self, words: list[bytes]) -> bytes:
        if words[0] == b"INCRBY":
            self.counts[words[1]] = self.counts.get(words[1], 0) + 1
            return b":%d\r\n" % self.counts[words[1]]
        self.expiries[words[1]] = int(words[2])
        return b":1\r\n"

    @staticmethod
    async def _word(reader: asyncio.StreamReader) -> bytes:
        length = int((await reader.readline())[1:])
        return (await reader.readexactly(length + 2))[:-2]


@asynccontextmanager
async def serving(serve: Serve, port: int = 0) -> AsyncIterator[int]:
    """Run a server on the loopback and say its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def url(port: int) -> str:
    return f"redis://:hunter2@127.0.0.1:{port}/0"


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.__dict__["event"] for record in caplog.records if "event" in record.__dict__]


async def test_counts_are_kept_in_redis_and_expire(clock: MovableClock) -> None:
    """Each use is one increment with an expiry beside it, so nothing stays forever."""
    redis = TinyRedis()
    async with serving(redis.serve) as port, open_hot_state(url(port), clock, Unmetered()) as hot:
        allowed = [await hot.allow("U1", limit=2, window_s=60) for _ in range(3)]

    assert allowed == [True, True, False]
    assert list(redis.counts.values()) == [3]
    assert redis.expiries == dict.fromkeys(redis.counts, 120)
    assert all(re.fullmatch(rb"ragops:uses:60:\d+:U1", name) for name in redis.counts)


async def test_replicas_share_their_counts(clock: MovableClock) -> None:
    """A limit holds over all replicas together."""
    redis = TinyRedis()
    async with (
        serving(redis.serve) as port,
        open_hot_state(url(port), clock, Unmetered()) as one,
        open_hot_state(url(port), clock, Unmetered()) as two,
    ):
        allowed = [await hot.allow("U1", limit=3, window_s=60) for hot in (one, two) * 2]

    assert allowed == [True, True, True, False]


async def test_a_connection_that_was_closed_meanwhile_is_no_outage(
    clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    """An idle connection that the server dropped is opened anew within the same use."""
    redis = TinyRedis()
    async with serving(redis.serve) as port, open_hot_state(url(port), clock, Unmetered()) as hot:
        await hot.allow("U1", limit=1, window_s=60)
        redis.hang_up()
        again = await hot.allow("U1", limit=1, window_s=60)

    assert (again, redis.asked, events(caplog)) == (False, 2, [])


@pytest.mark.parametrize("mood", ["silent", "refuses", "babbles"])
async def test_an_outage_is_said_once_and_the_process_counts_alone(
    mood: str, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A Redis that does not answer, or answers wrong, costs at most half a second and never an exception."""
    caplog.set_level(logging.INFO)
    redis = TinyRedis()
    redis.mood = mood
    async with serving(redis.serve) as port, open_hot_state(url(port), clock, Unmetered()) as hot:
        async with asyncio.timeout(60):  # a silent one would never be heard of
            allowed = [await hot.allow("U1", limit=2, window_s=600) for _ in range(3)]
        clock.advance(LOOK_AGAIN_S)
        await hot.allow("U1", limit=2, window_s=600)

    assert allowed == [True, True, False]
    assert events(caplog) == ["hot_state_degraded"]
    assert "hunter2" not in caplog.text


async def test_during_an_outage_redis_is_left_alone(clock: MovableClock) -> None:
    """Only one use in a few seconds waits for a Redis that is away."""
    redis = TinyRedis()
    redis.mood = "silent"
    async with serving(redis.serve) as port, open_hot_state(url(port), clock, Unmetered()) as hot:
        await hot.allow("U1", limit=9, window_s=60)
        asked = redis.asked
        for _ in range(5):
            await hot.allow("U1", limit=9, window_s=60)
        before = redis.asked
        clock.advance(LOOK_AGAIN_S)
        await hot.allow("U1", limit=9, window_s=60)

    assert before == asked
    assert redis.asked > before


async def test_redis_that_comes_back_is_used_again(clock: MovableClock, caplog: pytest.LogCaptureFixture) -> None:
    """Each outage is said once, and so is each recovery."""
    caplog.set_level(logging.INFO)
    redis = TinyRedis()
    async with serving(redis.serve) as port, open_hot_state(url(port), clock, Unmetered()) as hot:
        for mood in ("well", "silent", "well", "refuses", "well"):
            redis.mood = mood
            await hot.allow("U1", limit=9, window_s=3600)
            clock.advance(LOOK_AGAIN_S)

    assert events(caplog) == ["hot_state_degraded", "hot_state_recovered"] * 2
    assert list(redis.counts.values()) == [3]


async def test_an_outage_does_not_give_a_fresh_window(clock: MovableClock) -> None:
    """What was used before the outage still counts in this process."""
    redis = TinyRedis()
    async with serving(redis.serve) as port, open_hot_state(url(port), clock, Unmetered()) as hot:
        before = [await hot.allow("U1", limit=2, window_s=60) for _ in range(2)]
        redis.mood = "silent"
        during = await hot.allow("U1", limit=2, window_s=60)

    assert (before, during) == ([True, True], False)


async def test_a_port_where_nobody_listens_is_an_outage(clock: MovableClock, caplog: pytest.LogCaptureFixture) -> None:
    """A refused connection is answered at once by the twin; the start does not wait for Redis."""
    async with serving(TinyRedis().serve) as port:
        pass
    async with open_hot_state(url(port), clock, Unmetered()) as hot:
        allowed = [await hot.allow("U1", limit=1, window_s=60) for _ in range(2)]

    assert allowed == [True, False]
    assert events(caplog) == ["hot_state_degraded"]


async def test_many_uses_at_once_during_an_outage_are_all_answered(
    clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage that many find out at the same time is still said once."""
    redis = TinyRedis()
    redis.mood = "silent"
    async with serving(redis.serve) as port, open_hot_state(url(port), clock, Unmetered()) as hot:
        results = await asyncio.gather(*(hot.allow("U1", limit=7, window_s=60) for _ in range(20)))

    assert sum(results) == 7
    assert events(caplog) == ["hot_state_degraded"]
