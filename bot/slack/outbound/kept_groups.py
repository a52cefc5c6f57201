"""The list of groups, kept for moments, shared with the other replicas, renewed before it is too old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from bot.cancellation import was_cancelled
from bot.errors import DirectoryUnavailable
from bot.ports import Clock, HotState
from bot.slack.outbound.copies import Ages, Copy, Moment, Shared
from bot.slack.outbound.groups import Groups, from_entry, to_entry

log = logging.getLogger(__name__)

CHANGED: Final = "groups-changed"
FRESH_S: Final = 5.0
CACHED_S: Final = 60.0
LOOK_UP_S: Final = 10.0
SHARED_S: Final = 30.0
"""A copy is handed to the other replicas until it is so old, and counts as so old where it is taken: so nobody has to
trust another's clock, only that an entry ends in time."""
SKEW_S: Final = 2.0
"""A stamp that is off by more is not believed although the entry is there: it came late, or was put back."""
_RENEW_S: Final = 40.0  # more than SHARED_S: what was taken from another replica is good for a while
_SPREAD_S: Final = 10.0
_WARM_S: Final = 600.0
_LOOK_EVERY_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0


class KeptGroups:
    """Gives out the groups; a decision gets what this process read itself, at most five seconds ago.

    A change replaces the place where a read puts its answer. So a read that was on its way lands where nobody looks,
    and whoever waited for it asks anew.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Groups]],
        ages: Ages,
        *,
        team_id: str,
        clock: Clock,
        hot: HotState | None,
        chance: Callable[[], float],
    ) -> None:
        self._read = read
        self._ages = ages
        self._team_id = team_id
        self._clock = clock
        self._hot = hot
        self._chance = chance
        # Replicas that adopted the same copy would otherwise all renew it at the same moment.
        self._renew_s = _RENEW_S + _SPREAD_S * chance()
        self._changed: Moment | None = None
        self._asked: Moment | None = None
        self._published: Copy[Groups] | None = None
        self._known = self._new()

    @property
    def source(self) -> str:
        """Where the groups are from, by the newest copy; empty before the first and after a change."""
        return self._known.newest.value.source if self._known.newest is not None else ""

    async def get(self, *, fresh: bool) -> Copy[Groups]:
        """Return the groups. Raises `DirectoryUnavailable`: an older copy is never given instead."""
        self._asked = self._ages.now()
        return await self._get(at_most_s=FRESH_S if fresh else CACHED_S, own=fresh)

    async def changed(self) -> None:
        """Forget every copy, here and in the other replicas."""
        self._drop()
        if self._hot is not None:
            await self._hot.forget(self._place)
            await self._hot.wake(CHANGED)

    async def run(self) -> None:
        """Renew the copy in time while somebody asks, and hear of changes from other replicas, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_in_time())
            if self._hot is not None:
                group.create_task(self._hear(self._hot))

    async def renew(self) -> None:
        """Renew the copy if it will soon be too old and somebody asked lately. Raises `DirectoryUnavailable`."""
        if self._asked is None or self._ages.of(self._asked) > _WARM_S:
            return
        try:
            async with asyncio.timeout(LOOK_UP_S):
                await self._get(at_most_s=self._renew_s, own=False)
        except TimeoutError as error:
            raise DirectoryUnavailable("Slack did not answer in time.") from error

    async def _get(self, *, at_most_s: float, own: bool) -> Copy[Groups]:
        while True:
            known = self._known
            try:
                copy = await known.get(at_most_s=at_most_s, own=own)
            except DirectoryUnavailable:
                if known is self._known:
                    raise
                continue
            await self._publish(known, copy)
            if known is self._known and self._ages.of(copy.read) <= at_most_s:
                return copy

    def _new(self) -> Shared[Groups]:
        return Shared(self._read, self._ages, elsewhere=self._elsewhere)

    def _drop(self) -> None:
        self._changed = self._ages.now()
        self._known = self._new()

    # What the replicas share

    @property
    def _place(self) -> str:
        return f"groups:{self._team_id}"

    async def _elsewhere(self) -> Copy[Groups] | None:
        """Return what another replica read, unless it may be from before a change that we know of."""
        if self._hot is None or not self._hot.shared:
            return None
        entry = await self._hot.read(self._place)
        found = from_entry(entry, team_id=self._team_id) if entry is not None else None
        if found is None:
            return None
        groups, read_at = found
        now = self._ages.now()
        stamped = (now.at - read_at).total_seconds()
        tick = now.tick - SHARED_S
        if not -SKEW_S <= stamped <= SHARED_S + SKEW_S or (self._changed is not None and tick <= self._changed.tick):
            return None
        return Copy(groups, Moment(min(read_at, now.at), tick), own=False)

    async def _publish(self, known: Shared[Groups], copy: Copy[Groups]) -> None:
        """Hand a copy that was just read to the other replicas, until it is too old."""
        if self._hot is None or not self._hot.shared or not copy.own or copy is self._published:
            return
        left = SHARED_S - 1 - self._ages.of(copy.read)  # the entry's time begins when it arrives
        if known is self._known and left >= 1:
            self._published = copy
            entry = to_entry(copy.value, team_id=self._team_id, read_at=copy.read.at)
            await self._hot.write(self._place, entry, keep_s=int(left))

    # In the background

    async def _hear(self, hot: HotState) -> None:
        async for _ in hot.wakes(CHANGED):
            self._drop()

    async def _renew_in_time(self) -> None:
        failures = 0
        while not was_cancelled():
            pause = min(_LONGEST_PAUSE_S, _LOOK_EVERY_S * 2 ** min(failures, 6))
            await self._clock.sleep(pause if failures == 0 else pause * (0.5 + self._chance() / 2))
            try:
                await self.renew()
            except DirectoryUnavailable as error:
                if failures == 0:
                    log.warning("the groups were not renewed: %s", error.message, extra={"event": "groups_not_renewed"})
                failures += 1
            else:
                failures = 0
