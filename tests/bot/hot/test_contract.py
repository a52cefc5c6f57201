"""What every hot state promises: the in-process twin and a real Redis alike."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import pytest

from bot.hot import open_hot_state
from bot.ports import Clock, HotState, Unmetered
from tests.support.waiting import turns


class MovableClock(Clock, Protocol):
    def advance(self, seconds: float) -> None: ...


def address(request: pytest.FixtureRequest) -> str:
    """Return the server that was given, or one of our own."""
    given = os.environ.get("RAGOPS_TEST_REDIS_URL")
    if given:
        return given
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server, and RAGOPS_TEST_REDIS_URL names none")
    url: str = request.getfixturevalue("server").url
    return url


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str | None:
    return address(request) if request.param == "redis" else None


@pytest.fixture
async def hot(
    url: str | None, clock: MovableClock, caplog: pytest.LogCaptureFixture, patient: None
) -> AsyncIterator[HotState]:
    del patient
    caplog.set_level(logging.INFO)
    async with open_hot_state(url, clock, Unmetered()) as opened:
        yield opened
    events = [record.__dict__.get("event") for record in caplog.records]
    assert "hot_state_degraded" not in events, "the server was away, so the twin was tested instead"


@pytest.fixture
def key() -> str:
    """Return a key that no other run has used."""
    return f"test:{uuid.uuid4()}"


ODD = " \r\nä:*{{}}\x00\ud800"


def test_it_is_known_whether_other_replicas_see_the_same(hot: HotState, url: str | None) -> None:
    """The twin's word holds for one replica."""
    assert hot.shared is (url is not None)


# --- allow ------------------------------------------------------------------------------------------------------------


async def uses(hot: HotState, key: str, times: int, *, limit: int = 3, window_s: int = 60) -> list[bool]:
    return [await hot.allow(key, limit=limit, window_s=window_s) for _ in range(times)]


async def test_uses_up_to_the_limit_are_allowed(hot: HotState, key: str) -> None:
    """The limit itself is allowed, the next use is not."""
    assert await uses(hot, key, 5) == [True, True, True, False, False]


async def test_a_limit_of_nothing_allows_nothing(hot: HotState, key: str) -> None:
    """Zero means never."""
    assert await uses(hot, key, 1, limit=0) == [False]


async def test_keys_are_counted_apart(hot: HotState, key: str) -> None:
    """One person's haste does not slow another."""
    await uses(hot, key, 4)

    assert await uses(hot, f"{key}:other", 1) == [True]


async def test_windows_of_another_length_are_counted_apart(hot: HotState, key: str) -> None:
    """The same key may have a limit a minute and another an hour."""
    await uses(hot, key, 4)

    assert await uses(hot, key, 1, window_s=3600) == [True]


async def test_a_new_window_begins_at_nothing(hot: HotState, key: str, clock: MovableClock) -> None:
    """What was used counts until the window ends, and no longer."""
    await uses(hot, key, 4)
    clock.advance(59)
    late = await uses(hot, key, 1)
    clock.advance(1)

    assert late == [False]
    assert await uses(hot, key, 4) == [True, True, True, False]


async def test_a_clock_that_was_set_back_does_not_lock_out(hot: HotState, key: str, clock: MovableClock) -> None:
    """A step of the clock costs at most one window."""
    clock.advance(timedelta(hours=3).total_seconds())
    await uses(hot, key, 4)
    clock.advance(-timedelta(hours=3).total_seconds())

    assert await uses(hot, key, 1) == [True]


async def test_uses_at_the_same_time_are_each_counted(hot: HotState, key: str) -> None:
    """Of a hundred uses at once exactly the limit is allowed; that many are no outage."""
    results = await asyncio.gather(*(hot.allow(key, limit=7, window_s=60) for _ in range(100)))

    assert sum(results) == 7


async def test_any_text_is_a_key(hot: HotState, key: str) -> None:
    """Spaces, line ends and letters of any script count as what they are."""
    assert await uses(hot, key + ODD, 2, limit=1) == [True, False]
    assert await uses(hot, key, 1, limit=1) == [True]


# --- first ------------------------------------------------------------------------------------------------------------


async def test_a_key_is_first_once(hot: HotState, key: str) -> None:
    """The same key again is a repeat, another one is not."""
    answers = [await hot.first(name, keep_s=60) for name in (key, key, key + ODD, key, key + ODD)]

    assert answers == [True, False, True, False, False]


async def test_of_many_at_once_one_is_first(hot: HotState, key: str) -> None:
    """However they come together, one wins."""
    answers = await asyncio.gather(*(hot.first(key, keep_s=60) for _ in range(50)))

    assert sorted(map(str, answers)) == ["False"] * 49 + ["True"]


async def test_a_key_ends_by_its_time(hot: HotState, key: str, clock: MovableClock) -> None:
    """After that it is new again."""
    await hot.first(key, keep_s=1)
    clock.advance(1.2)
    await asyncio.sleep(1.2)  # the server has a clock of its own

    assert await hot.first(key, keep_s=1) is True


# --- read, write, forget ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"", b"\n", b"one two\nthree", bytes(range(256)) * 1000], ids=len)
async def test_what_was_written_is_read(hot: HotState, key: str, value: bytes) -> None:
    """Bytes come back as they are; the newest ones."""
    await hot.write(key + ODD, b"before", keep_s=60)
    await hot.write(key + ODD, value, keep_s=60)

    assert await hot.read(key + ODD) == value
    assert await hot.read(key) is None


async def test_a_value_ends_by_its_time(hot: HotState, key: str, clock: MovableClock) -> None:
    """After that there is nothing."""
    await hot.write(key, b"value", keep_s=1)
    clock.advance(1.2)
    await asyncio.sleep(1.2)

    assert await hot.read(key) is None


async def test_what_was_forgotten_is_not_read_and_can_be_written_anew(hot: HotState, key: str) -> None:
    """Forgetting what is not there is no error."""
    await hot.forget(key)
    await hot.write(key, b"old", keep_s=60)
    await hot.forget(key)
    nothing = await hot.read(key)
    await hot.write(key, b"new", keep_s=60)

    assert (nothing, await hot.read(key)) == (None, b"new")


async def test_a_value_that_is_too_large_is_not_kept_and_neither_is_the_one_before(hot: HotState, key: str) -> None:
    """A reader gets nothing rather than what was replaced."""
    await hot.write(key, b"before", keep_s=60)
    await hot.write(key, b"x" * (4 * 1024 * 1024 + 1), keep_s=60)

    assert await hot.read(key) is None


async def test_what_is_forgotten_while_it_is_written_stays_forgotten(hot: HotState, key: str) -> None:
    """Whichever of them arrives later: after both, the value is not read."""
    for _ in range(20):
        await asyncio.gather(hot.write(key, b"old", keep_s=60), hot.forget(key))
        assert await hot.read(key) is None


# --- wake -------------------------------------------------------------------------------------------------------------


async def woken(wakes: AsyncIterator[None], *, within_s: float = 60.0) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await anext(wakes)
    except TimeoutError:
        return False
    return True


async def test_a_wake_reaches_all_who_wait_for_its_name(hot: HotState, key: str) -> None:
    """Others go on waiting."""
    one, two, other = hot.wakes(key), hot.wakes(key), hot.wakes(key + ODD)
    await hot.wake(key)

    assert [await woken(one), await woken(two), await woken(other, within_s=0.2)] == [True, True, False]


async def test_many_wakes_while_nobody_looks_are_one(hot: HotState, key: str) -> None:
    """A burst is one look."""
    wakes = hot.wakes(key)
    for _ in range(10):
        await hot.wake(key)

    assert [await woken(wakes), await woken(wakes, within_s=0.2)] == [True, False]


async def test_a_wait_that_is_cancelled_takes_no_wake_away(hot: HotState, key: str) -> None:
    """The next wait gets it."""
    wakes = hot.wakes(key)
    waiting = asyncio.ensure_future(anext(wakes))
    await asyncio.sleep(0)
    await hot.wake(key)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
        await hot.wake(key)  # the wait was faster than its cancellation

    assert await woken(wakes)


async def test_a_loop_over_wakes_ends_when_it_is_cancelled(hot: HotState, key: str) -> None:
    """At once, and without a trace."""
    seen: list[None] = []

    async def loop() -> None:
        async for nothing in hot.wakes(key):
            seen.append(nothing)  # noqa: PERF401  # it is looked at while it grows

    task = asyncio.create_task(loop())
    await turns()
    await hot.wake(key)
    await turns()
    task.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait({task})

    assert (seen, task.cancelled()) == ([None], True)


async def test_a_wake_before_anybody_waits_is_lost(hot: HotState, key: str) -> None:
    """It is a hint and nothing more."""
    await hot.wake(key)

    assert not await woken(hot.wakes(key), within_s=0.2)
