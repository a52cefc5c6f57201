"""Does what is due by the calendar, each due moment once, whichever replica comes first and whoever dies meanwhile.

A due moment is claimed with a lease, its posts are made, and one transaction puts them into the outbox and marks the
moment done: who was killed before that left nothing, and another one takes the moment over when the lease is over. Of
due moments that nobody was there for only the newest is made up for, and what is sent is told how late it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.requests import Post
from bot.domain.watch.schedules import CatchUp, Schedule
from bot.errors import Lost, StoreUnavailable
from bot.ports import Clock, Meter, Store, Unmetered
from bot.ports.watch import Calendar, SlotClaim

log = logging.getLogger(__name__)

LEASE_S = 60.0
# So much of the lease may the work take: it has ended, one way or the other, before anybody else may begin.
_WORK = 0.8
# How often others' due moments are looked after, as a part of the lease.
_LOOK = 0.25
# How long after its moment what somebody began is still taken over, though the schedule has been due again.
TAKE_OVER = timedelta(hours=1)
# So many schedules are attended to beside each other: what is due at nine for all must not take all the connections.
AT_ONCE = 8
# Work that failed so often in a row is given up once its schedule is due again. A process that stood still fails once.
TRIES = 3
SHORTEST_DELAY_S = 5.0
LONGEST_DELAY_S = 300.0

SENT = "sent"
SKIPPED = "skipped"
FAILED = "failed"
# The due moment before a schedule was known: whatever is due after it is missed when it is not done.
KNOWN = "known"

Work = Callable[[datetime, timedelta], Awaitable[Sequence[Post]]]


async def _nowhere(_: str) -> None:
    """Let all points pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a schedule does: `work(due_at, late)` returns what is to be posted. It may run again when it was cut off.

    It has four fifths of the lease for that. What it raises is logged, and it is tried again, less and less often,
    until the schedule is due the next time; three times at least.
    """

    schedule: Schedule
    work: Work


@dataclass(slots=True)
class _Line:
    """A job and what is known of it here. `newest` is the newest due moment that is known to be in anybody's hands."""

    job: Job
    busy: bool = False
    newest: datetime | None = None
    looked_at: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0

    @property
    def name(self) -> str:
        return self.job.schedule.name

    @property
    def delay_s(self) -> float:
        """Return how long to wait after the last failure."""
        return float(min(LONGEST_DELAY_S, SHORTEST_DELAY_S * 2 ** min(self.failures - 1, 16)))

    def rests(self, now: datetime) -> bool:
        """Tell whether the last failure is too fresh. A clock that was set back makes nobody wait."""
        return self.failed_at is not None and _since(self.failed_at, now, self.delay_s)


class Runner:
    """Does what is due. Its step is meant to run several times beside each other: then no schedule holds others up.

    At most `AT_ONCE` schedules are attended to at the same time. `started_at`: what was due before that, of a schedule
    that nobody ever did anything for, is not made up for. `wake` is called when something was put into the outbox. `at`
    is told the points that a due moment passes.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        *,
        store: Store,
        calendar: Calendar,
        clock: Clock,
        lease_s: float = LEASE_S,
        started_at: datetime | None = None,
        wake: Callable[[], None] = lambda: None,
        at: Callable[[str], Awaitable[None]] = _nowhere,
        meter: Meter | None = None,
    ) -> None:
        self._lines = [_Line(job) for job in jobs]
        self._store = store
        self._calendar = calendar
        self._clock = clock
        self._lease_s = lease_s
        self._started_at = started_at or clock.now()
        self._wake = wake
        self._at = at
        self._meter = meter or Unmetered()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def step(self) -> bool:
        """Do one due moment of each schedule that no other step is at; False when none was due.

        Raises `StoreUnavailable`.
        """
        free = [line for line in self._lines if not line.busy]
        for line in free:
            line.busy = True
        done = await asyncio.gather(*(self._attend(line) for line in free), return_exceptions=True)
        wrong = [each for each in done if isinstance(each, BaseException)]
        # A bug is told before a database that is away, of which everybody hears anyway.
        for error in sorted(wrong, key=lambda each: isinstance(each, StoreUnavailable)):
            raise error
        return any(done)

    def next_due(self) -> datetime | None:
        """Return when anything is due next; None when nothing ever is."""
        now = self._clock.now()
        moments = (self._calendar.next(line.job.schedule, now) for line in self._lines)
        return min((moment for moment in moments if moment is not None), default=None)

    async def _attend(self, line: _Line) -> bool:
        try:
            async with self._places:
                claim = await self._claim(line)
                if claim is None:
                    return False
                await self._at("slot:claimed")
                await self._settle(line, claim)
        except Lost:
            log.warning("a due moment is in other hands", extra={"event": "slot_lost", "schedule": line.name})
            return False
        else:
            return True
        finally:
            line.busy = False

    # --- which moment -------------------------------------------------------------------------------------------------

    async def _claim(self, line: _Line) -> SlotClaim | None:
        """Claim what is due: the newest moment, else one that somebody began and nobody ended; None for nothing.

        A moment before the newest one in anybody's hands is never begun, so a clock that was set back does no harm.
        """
        now = self._clock.now()
        latest = self._calendar.latest(line.job.schedule, now)
        if latest is None:
            return None
        if line.newest is None or latest > line.newest:
            claim = await self._begin(line, latest)
            if claim is not None:
                return claim
        return await self._take_over(line, latest, now)

    async def _begin(self, line: _Line, latest: datetime) -> SlotClaim | None:
        """Claim the newest moment unless it, or a newer one, is in anybody's hands."""
        slots, newest = self._store.slots, await self._store.slots.newest(line.name)
        if newest is not None and newest >= latest:
            line.newest = newest
            return None
        claim = await slots.begin(line.name, latest, lease_s=self._lease_s)
        line.newest = latest
        if claim is None or newest is not None or latest > self._started_at:
            return claim
        await self._finish(claim, KNOWN)
        return None

    async def _take_over(self, line: _Line, latest: datetime, now: datetime) -> SlotClaim | None:
        """Claim what was begun and not ended: the newest moment however old it is, and others of the last hour."""
        if line.rests(now) or _since(line.looked_at, now, self._lease_s * _LOOK):
            return None
        for due_at in await self._store.slots.unfinished(line.name, since=min(latest, now - TAKE_OVER)):
            claim = await self._store.slots.begin(line.name, due_at, lease_s=self._lease_s)
            if claim is not None:
                return claim
        line.looked_at = now
        return None

    # --- what is done -------------------------------------------------------------------------------------------------

    async def _settle(self, line: _Line, claim: SlotClaim) -> None:
        schedule, now = line.job.schedule, self._clock.now()
        late = max(now - claim.due_at, timedelta())
        if await self._paused(schedule.name) or _too_late(schedule, late):
            await self._finish(claim, SKIPPED)
            return
        try:
            async with asyncio.timeout(self._lease_s * _WORK):
                posts = await line.job.work(claim.due_at, late)
        except Exception:
            extra = {"event": "schedule_failed", "schedule": line.name, "due": claim.due_at.isoformat()}
            log.exception("what a schedule does failed", extra=extra)
            await self._failed(line, claim)
            return
        await self._at("slot:worked")
        # Whoever paused it meanwhile does not want to see it any more.
        if await self._paused(schedule.name):
            await self._finish(claim, SKIPPED)
            return
        await self._finish(claim, SENT, posts)
        line.failures, line.failed_at = 0, None
        self._wake()

    async def _failed(self, line: _Line, claim: SlotClaim) -> None:
        """Let a moment go, to be tried again; or give it up when the schedule is due again before that."""
        line.failures, line.failed_at = line.failures + 1, self._clock.now()
        again_at = line.failed_at + timedelta(seconds=line.delay_s)
        following = self._calendar.next(line.job.schedule, claim.due_at)
        if line.failures < TRIES or following is None or again_at < following:
            await self._store.slots.release(claim)
            return
        line.failures, line.failed_at = 0, None
        extra = {"event": "schedule_given_up", "schedule": line.name, "due": claim.due_at.isoformat()}
        log.error("what a schedule does was given up", extra=extra)
        await self._finish(claim, FAILED)

    async def _paused(self, name: str) -> bool:
        return name in await self._store.slots.pauses()

    async def _finish(self, claim: SlotClaim, outcome: str, posts: Sequence[Post] = ()) -> None:
        """Mark a moment done with its posts, all or nothing. Raises `Lost` when it is not ours any more."""
        async with self._store.transaction() as transaction:
            for post in posts:
                await transaction.put(post)
            if not await transaction.finish_slot(claim, outcome=outcome):
                raise Lost
            await self._at("slot:before-commit")
        self._meter.schedule_ended(outcome, (self._clock.now() - claim.due_at).total_seconds())
        await self._at("slot:done")


def _too_late(schedule: Schedule, late: timedelta) -> bool:
    return schedule.catch_up is CatchUp.SKIP and late > timedelta(seconds=schedule.late_after_s)


def _since(moment: datetime | None, now: datetime, seconds: float) -> bool:
    """Tell whether a moment is less than so many seconds ago; not when it is yet to come: a clock was set back."""
    return moment is not None and moment <= now < moment + timedelta(seconds=seconds)
