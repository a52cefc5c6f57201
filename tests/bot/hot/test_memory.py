"""The twin does not grow."""

from __future__ import annotations

import gc
from typing import Protocol

from bot.hot.bells import Bells
from bot.hot.memory import MemoryHotState, Noted, Values
from bot.ports import Clock


class MovableClock(Clock, Protocol):
    def advance(self, seconds: float) -> None: ...


async def test_only_the_present_window_is_kept(clock: MovableClock) -> None:
    """Keys of windows that are over are dropped at once."""
    hot = MemoryHotState(clock)
    for hour in range(50):
        for person in range(20):
            await hot.allow(f"U{hour}-{person}", limit=1, window_s=60)
        clock.advance(3600)

    assert [len(window.counts) for window in hot._windows.values()] == [20]


def test_keys_that_ended_make_room_first(clock: MovableClock) -> None:
    """As long as they suffice, nothing that still counts is dropped."""
    noted = Noted(clock, most=20)
    for number in range(10):
        noted.first(f"short-{number}", keep_s=5)
    for number in range(10):
        noted.first(f"long-{number}", keep_s=500)
    clock.advance(6)

    assert noted.first("one more", keep_s=500) is True
    assert (len(noted), noted.first("long-0", keep_s=500)) == (11, False)


def test_what_had_to_be_dropped_is_unknown_until_it_would_have_ended(clock: MovableClock) -> None:
    """A dropped key may come again, so no key can be called new meanwhile; known repeats are still told."""
    noted = Noted(clock, most=10)
    for number in range(11):
        noted.first(f"key-{number}", keep_s=60)
    answers = [noted.first(key, keep_s=600) for key in ("key-0", "new", "key-10")]
    clock.advance(61)

    assert answers == [None, None, False]
    assert noted.first("newer", keep_s=60) is True
    assert len(noted) <= 10


def test_values_are_bounded_in_number_and_size(clock: MovableClock) -> None:
    """The oldest leave."""
    values = Values(clock, most=3, most_bytes=10)
    for key in "abcd":
        values.put(key, b"12", keep_s=60)
    assert [values.get(key) for key in "abcd"] == [None, b"12", b"12", b"12"]
    values.put("e", b"123456789", keep_s=60)
    assert [values.get(key) for key in "bcde"] == [None, None, None, b"123456789"]
    values.drop("e")
    assert (len(values), values._bytes) == (0, 0)


def test_a_value_from_after_now_is_not_read(clock: MovableClock) -> None:
    """A clock that was set back leaves its age unknown."""
    values = Values(clock)
    values.put("a", b"1", keep_s=60)
    clock.advance(-1)

    assert values.get("a") is None


def test_nobody_is_remembered_who_waits_no_more() -> None:
    """Waiters leave by being forgotten."""
    bells = Bells()
    for number in range(10):
        bells.wakes(f"name-{number}")
    gc.collect()
    bells.ring_all()

    assert bells._waiting == {}
