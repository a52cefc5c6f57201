"""Much to compute on one event loop: in turns of about a millisecond, one at a time, so that everybody else goes on.

Yielding alone is not enough: a dozen lists that are read side by side, each yielding, would all go on in the same round
of the loop, and whoever waits would wait for the sum of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

SLICE_S = 0.001

ItemT = TypeVar("ItemT")
DoneT = TypeVar("DoneT")


class Turns:
    """Hands out turns, in the order in which they were asked for; between two of them the loop goes round."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def take(self, work: Callable[[], DoneT]) -> DoneT:
        """Do something that cannot be divided, in one turn."""
        async with self._lock:
            done = work()
            await asyncio.sleep(0)  # within the turn, so that the next one is not taken in the same round
            return done

    async def each(self, items: Iterable[ItemT], work: Callable[[ItemT], object]) -> None:
        """Do something with each item, a turn's worth at a time."""
        rest = iter(items)
        while await self.take(partial(_slice, rest, work)):
            pass


def _slice(rest: Iterator[ItemT], work: Callable[[ItemT], object]) -> bool:
    """Go on until a turn is over; tell whether anything may be left."""
    until = time.monotonic() + SLICE_S
    for item in rest:
        work(item)
        if time.monotonic() >= until:
            return True
    return False
