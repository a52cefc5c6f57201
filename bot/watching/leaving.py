"""Ends the alerts of places that the configuration leaves out: as no longer watched, which is not over.

Nobody looks at such a place, so nothing that is told of it would ever end. During a roll-out replicas of the old
configuration and of the new one work side by side. Each replica of the new one marks the alerts once a minute, each
look (and each webhook) of an old one takes the mark away: they end when nobody did so for `LEFT_AFTER`. A roll-out that
is taken back ends nothing; and where a replica of the old configuration lives on for longer, it has the last word.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.domain.targets import Scope
from bot.domain.watch.transitions import leave
from bot.errors import StoreRefused
from bot.watching.counting import count_over
from bot.watching.room import WatchRoom

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)


class Leaving:
    """Looks for such alerts, once a minute; every replica does, for marking twice is marking once."""

    def __init__(self, room: WatchRoom) -> None:
        self._room = room
        self._looked_at: datetime | None = None
        self._refused: set[Scope] = set()

    async def step(self) -> bool:
        """Mark or end the alerts of places that nobody watches; False when there is none. Raises `StoreUnavailable`."""
        now = self._room.clock.now()
        if self._looked_at is not None and self._looked_at <= now < self._looked_at + EVERY:
            return False
        watched = frozenset(self._room.watched())
        left = dict.fromkeys(episode.scope for episode in await self._room.store.episodes.open())
        changed = [await self._tried(scope) for scope in left if scope not in watched]
        self._looked_at = now
        return any(changed)

    async def _tried(self, scope: Scope) -> bool:
        try:
            return await self._leave(scope)
        except StoreRefused as error:  # a newer version wrote there, and sees to it
            if scope not in self._refused:
                self._refused.add(scope)
                extra = {"event": "leaving_refused", "scope": str(scope)}
                log.warning("alerts of a place that nobody watches stay open: %s", error.message, extra=extra)
            return False

    async def _leave(self, scope: Scope) -> bool:
        room = self._room
        async with room.store.transaction() as transaction:
            known = await transaction.episodes(scope)
            now, channels = await transaction.now(), room.policy.channels
            changed = leave(known, now, scope=scope, channels=channels, new_id=room.new_id)
            for episode in changed:
                await transaction.save_episode(episode)
        count_over(room.meter, changed)
        if changed:
            room.changed()
        return bool(changed)
