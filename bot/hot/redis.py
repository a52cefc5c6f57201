"""What the replicas share in Redis, and how this process manages while Redis is away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import TypeVar

from redis.exceptions import InvalidResponse

from bot.hot.connection import ANSWER_TIMEOUT_S, FAILURES, connect
from bot.hot.listener import CHANNEL, Listener
from bot.hot.memory import LARGEST_BYTES, MemoryHotState, window_number
from bot.hot.outage import Outage
from bot.hot.voided import Voided
from bot.ports import Clock, Meter

T = TypeVar("T")

_DEBTS_AT_ONCE = 500


class _Away(Exception):
    """Redis was not asked, or did not answer. It was logged where it was found out."""


class RedisHotState:
    """Implements `HotState` in Redis; the package's table tells what each use does while Redis is away."""

    def __init__(self, url: str, clock: Clock, meter: Meter) -> None:
        self.shared = True
        self._clock = clock
        self._twin = MemoryHotState(clock)
        self._outage = Outage(clock, meter)
        self._me = secrets.token_hex(8)
        self._numbers = count(1)
        self._voided = Voided(self._me)
        self._redis = connect(url, retries=1)
        self._listener = Listener(url, clock, self._twin.bells, sender=self._me)

    async def allow(self, key: str, *, limit: int, window_s: int) -> bool:
        """Count one use of `key` in the present window; False when it is over `limit`."""
        # The twin counts along, so that an outage does not give everybody a fresh window.
        here = await self._twin.allow(key, limit=limit, window_s=window_s)
        try:
            used = await self._ask(lambda: self._count(key, window_s))
        except _Away:
            return here
        return used <= limit

    async def first(self, key: str, *, keep_s: int) -> bool | None:
        """Note a key; False when it was noted before, None when that cannot be told now."""
        if key in self._twin.noted:
            return False  # this process told it first itself: an emptied Redis would not know
        mark = f"{self._me} {next(self._numbers)}".encode()
        try:
            holder = await self._ask(lambda: self._note(f"ragops:first:{key}", mark, keep_s))
        except _Away:
            return None
        if holder is None:
            return None
        return holder == mark and self._twin.noted.first(key, keep_s=keep_s) is not False

    async def read(self, key: str) -> bytes | None:
        """Return what was written; None when there is nothing, or when it cannot be told now."""
        before = self._voided.changes
        try:
            kept = await self._ask(lambda: self._get(_place(key)))
        except _Away:
            return None
        # What was removed while the answer was on its way is not given out.
        return None if kept is None or before != self._voided.changes else self._voided.opened(key, kept)

    async def write(self, key: str, value: bytes, *, keep_s: int) -> None:
        """Keep a value for some time; when that fails, an older value is removed later instead of being read."""
        if len(value) > LARGEST_BYTES:
            await self.forget(key)
            return
        number, sealed = self._voided.sealed(value)
        try:
            await self._ask(lambda: self._set(_place(key), sealed, keep_s))
        except _Away:
            self._voided.owe(key)
        else:
            self._voided.written(key, number)

    async def forget(self, key: str) -> None:
        """Remove a value; when that fails, it is removed before Redis is next used, and not read until then."""
        self._voided.owe(key)
        with suppress(_Away):  # the debt stays
            await self._ask(_nothing)

    async def wake(self, name: str) -> None:
        """Wake whoever waits for `name`, in this process for certain, in the others as far as they hear it."""
        self._twin.bells.ring(name)
        with suppress(_Away):  # the others look by themselves
            await self._ask(lambda: self._publish(f"{self._me} {name}"))

    def wakes(self, name: str) -> AsyncIterator[None]:
        """Yield when `name` was woken, here or elsewhere; many wakes at once are one."""
        self._listener.start()
        return self._twin.bells.wakes(name)

    async def close(self) -> None:
        """Close the connections."""
        await self._listener.stop()
        await self._redis.aclose()

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work` unless Redis is away, after what is still owed. Raises `_Away`."""
        if not self._outage.may_ask():
            raise _Away
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._pay()
                answer = await work()
        except FAILURES as error:
            self._outage.began(error)
            raise _Away from error
        self._outage.ended()
        return answer

    async def _pay(self) -> None:
        """Remove what could not be removed when it was forgotten."""
        while owed := self._voided.owed(_DEBTS_AT_ONCE):
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key in owed:
                    pipeline.unlink(_place(key))
                await pipeline.execute()
            self._voided.paid(owed)

    async def _count(self, key: str, window_s: int) -> int:
        # The window's number is part of the name: a count never lives on into the next window, even when the expiry
        # is late. Both commands in one transaction: a count without an expiry would stay forever.
        name = f"ragops:uses:{window_s}:{window_number(self._clock, window_s)}:{key}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.incr(name)
            pipeline.expire(name, window_s * 2)
            used, _ = await pipeline.execute()
        if not isinstance(used, int):
            raise InvalidResponse("no count")
        return used

    async def _note(self, name: str, mark: bytes, keep_s: int) -> bytes | None:
        """Put `mark` under a free name and return whose mark is there. A repeat after a lost answer finds its own."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(name, mark, nx=True, ex=max(1, keep_s))
            pipeline.get(name)
            _, holder = await pipeline.execute()
        return _bytes(holder)

    async def _get(self, name: str) -> bytes | None:
        return _bytes(await self._redis.get(name))

    async def _set(self, name: str, value: bytes, keep_s: int) -> None:
        await self._redis.set(name, value, ex=max(1, keep_s))

    async def _publish(self, message: str) -> None:
        await self._redis.publish(CHANNEL, message)


def _place(key: str) -> str:
    return f"ragops:kept:{key}"


def _bytes(answer: object) -> bytes | None:
    if answer is not None and not isinstance(answer, bytes):
        raise InvalidResponse("no bytes")
    return answer


async def _nothing() -> None:
    """Only what is owed is done."""
