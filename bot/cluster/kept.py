"""Answers that are kept for a while: who asks while one is being read waits for the same one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.errors import ClusterError, ClusterForbidden, ClusterNotFound
from bot.ports import Clock

FOR = timedelta(seconds=30)
ABSENT_FOR = timedelta(minutes=5)
_FAILED_FOR = timedelta(seconds=5)  # so that those who waited for it do not all find out for themselves

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[ValueT]):
    at: datetime
    kept_for: timedelta
    value: ValueT | None = None
    error: ClusterError | None = None


class Kept(Generic[KeyT, ValueT]):
    """What was read, by key: a value and a refusal for half a minute, that there is no such thing for five."""

    def __init__(self, clock: Clock, read: Callable[[KeyT], Awaitable[ValueT]]) -> None:
        self._clock = clock
        self._read = read
        self._reading: defaultdict[KeyT, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._outcomes: dict[KeyT, _Outcome[ValueT]] = {}

    async def get(self, key: KeyT) -> ValueT:
        """Return what was read, reading it if need be. Raises `ClusterError`, one that is kept as well."""
        async with self._reading[key]:
            outcome = self._outcomes.get(key)
            if outcome is None or not timedelta(0) <= self._clock.now() - outcome.at < outcome.kept_for:
                outcome = self._outcomes[key] = await self._try(key)
        if outcome.error is not None:
            raise copy(outcome.error) from outcome.error
        value: ValueT = outcome.value  # type: ignore[assignment]  # without an error there is one
        return value

    async def _try(self, key: KeyT) -> _Outcome[ValueT]:
        try:
            value = await self._read(key)
        except ClusterError as error:
            return _Outcome(self._clock.now(), _kept_for(error), error=error)
        return _Outcome(self._clock.now(), FOR, value)


def _kept_for(error: ClusterError) -> timedelta:
    if isinstance(error, ClusterNotFound):
        return ABSENT_FOR
    return FOR if isinstance(error, ClusterForbidden) else _FAILED_FOR
