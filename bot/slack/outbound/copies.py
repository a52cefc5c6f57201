"""Copies of what the platform said: how old they are, and one read for all who want the same thing."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bot.errors import DirectoryUnavailable
from bot.ports import Clock

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by two clocks: the time of day, which may be set, and seconds that only go on."""

    at: datetime
    tick: float


class Ages:
    """Tells how long ago something was, never too little: whichever clock says more is believed."""

    def __init__(self, clock: Clock, steady: Callable[[], float]) -> None:
        self._clock = clock
        self._steady = steady

    def now(self) -> Moment:
        """Return the present moment."""
        return Moment(self._clock.now(), self._steady())

    def of(self, moment: Moment) -> float:
        """Return seconds; infinite when the time of day was set back before the moment, so that nobody can tell."""
        by_day = (self._clock.now() - moment.at).total_seconds()
        return max(by_day, self._steady() - moment.tick) if by_day >= 0 else math.inf


@dataclass(frozen=True, slots=True)
class Copy(Generic[Value]):
    """A value and when it was asked for; that moment, not the answer's, is how old it is.

    `own`: this process asked the platform itself; another's word does not suffice for a decision.
    """

    value: Value
    read: Moment
    own: bool = True


class Brake:
    """Keeps us from asking while the platform wants to be left alone."""

    def __init__(self, ages: Ages) -> None:
        self._ages = ages
        self._held: Moment | None = None
        self._wait_s = 0.0

    def hold(self, seconds: float) -> None:
        """Ask no more for so long."""
        self._held, self._wait_s = self._ages.now(), seconds

    @property
    def left_s(self) -> float:
        """Say for how many seconds it is still not to be asked."""
        return 0.0 if self._held is None else max(0.0, self._wait_s - self._ages.of(self._held))


class Shared(Generic[Value]):
    """One value that many want: one reads it, the others wait and get the same copy, or the same failure.

    `elsewhere` may know a copy that another process read; it is looked at before the platform is asked.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Value]],
        ages: Ages,
        *,
        elsewhere: Callable[[], Awaitable[Copy[Value] | None]] | None = None,
    ) -> None:
        self._read = read
        self._ages = ages
        self._elsewhere = elsewhere
        self._lock = asyncio.Lock()
        self._copy: Copy[Value] | None = None
        self._reads = 0
        self._failure = (0, "")

    @property
    def newest(self) -> Copy[Value] | None:
        """The copy that is kept, however old."""
        return self._copy

    async def get(self, *, at_most_s: float, own: bool = True) -> Copy[Value]:
        """Return a copy that is at most so old, without waiting if there is one. Raises `DirectoryUnavailable`."""
        reads_before = self._reads
        if (kept := self._kept(at_most_s, own=own)) is not None:
            return kept
        async with self._lock:
            if (kept := self._kept(at_most_s, own=own)) is not None:
                return kept
            failed_read, words = self._failure
            if failed_read > reads_before:
                raise DirectoryUnavailable(words)
            if not own and self._elsewhere is not None:
                self._adopt(await self._elsewhere())
                if (kept := self._kept(at_most_s, own=own)) is not None:
                    return kept
            return await self._renew(at_most_s)

    def _kept(self, at_most_s: float, *, own: bool) -> Copy[Value] | None:
        copy = self._copy
        fits = copy is not None and (copy.own or not own) and self._ages.of(copy.read) <= at_most_s
        return copy if fits else None

    def _adopt(self, found: Copy[Value] | None) -> None:
        if found is not None and (self._copy is None or self._ages.of(found.read) < self._ages.of(self._copy.read)):
            self._copy = found

    async def _renew(self, at_most_s: float) -> Copy[Value]:
        """Ask the platform. An answer that took too long is kept for those to whom it is new enough."""
        started = self._ages.now()
        try:
            self._copy = copy = Copy(await self._read(), started)
            self._must_be_new_enough(copy, at_most_s)
        except DirectoryUnavailable as error:
            self._failure = (self._reads + 1, error.message)
            raise
        finally:
            self._reads += 1
        return copy

    def _must_be_new_enough(self, copy: Copy[Value], at_most_s: float) -> None:
        if self._ages.of(copy.read) > at_most_s:
            raise DirectoryUnavailable("Slack answered too late: what it said may not be true any more.")
