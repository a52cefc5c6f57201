"""Turns: long computations of several do not add up for those who wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from bot.cluster.turns import SLICE_S, Turns


async def test_everything_is_done_in_order_and_once() -> None:
    """However it is cut."""
    done: list[int] = []
    await Turns().each(range(5000), done.append)
    assert done == list(range(5000))
    await Turns().each([], done.append)
    assert len(done) == 5000


async def test_of_many_only_one_goes_on_in_a_round_of_the_loop() -> None:
    """So that a round takes as long as one turn, not as the sum of all."""
    turns, rounds, taken = Turns(), 0, list[int]()

    async def count_rounds() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_rounds())
    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(turns.take(lambda: taken.append(rounds)))
    counting.cancel()
    assert len(set(taken)) == 10


async def test_who_has_little_to_do_does_not_wait_for_who_has_much() -> None:
    """Turns are taken in the order in which they are asked for."""
    turns, finished = Turns(), list[str]()

    async def work(name: str, items: int) -> None:
        await turns.each(range(items), lambda _: time.sleep(SLICE_S))
        finished.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(work("much", 20))
        group.create_task(work("little", 2))
    assert finished == ["little", "much"]


def _fail(_: int) -> None:
    raise ValueError("unreadable")


@pytest.mark.parametrize("work", [_fail, lambda _: None], ids=["a failure", "a cancellation"])
async def test_a_turn_that_ends_badly_is_handed_on(work: Callable[[int], None]) -> None:
    """Nobody holds a turn for good."""
    turns = Turns()
    first = asyncio.create_task(turns.each(range(3), work))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    async with asyncio.timeout(60):
        assert await turns.take(lambda: "next") == "next"
