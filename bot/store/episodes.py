"""Alerts as episodes: read by everybody, changed by one transaction of a namespace at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from bot.domain.targets import Scope
from bot.domain.watch.episodes import Episode, Silence
from bot.errors import StoreRefused
from bot.store.connections import Connections, Row, Session
from bot.store.episode_rows import columns, episode_of
from bot.store.watch_rows import aware, place, silence_of

log = logging.getLogger(__name__)


class PostgresEpisodes:
    """The tables `episodes` and `silences`, to be read.

    What a newer version wrote is left to that one: it is logged once, and holds up nothing here.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._unreadable: set[str] = set()

    async def open(self, scope: Scope | None = None) -> Sequence[Episode]:
        """Return those that are not resolved, the worst and then the oldest first; those that wait, too."""
        of: dict[str, str | None] = {"cluster": None, "namespace": None} if scope is None else {**place(scope)}
        async with self._connections.transaction() as session:
            rows = await session.fetch("episodes_unresolved", **of)
        return self._readable(rows)

    async def find(self, episode_id: str) -> Episode | None:
        """Return one; None when there is none of that id. Raises `StoreRefused` when a newer version wrote it."""
        async with self._connections.transaction() as session:
            row = await session.fetch_one("episode_read", id=episode_id)
        if row is None:
            return None
        self._read(row)  # one that cannot be read is told of no more
        return episode_of(row)

    async def since(self, scope: Scope, moment: datetime) -> Sequence[Episode]:
        """Return those that fired, and are open or were resolved at or after a moment, the oldest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("episodes_since", **place(scope), since=aware(moment))
        return self._readable(rows)

    async def unannounced(self, *, limit: int) -> Sequence[str]:
        """Return ids of those whose version is above what was announced, the worst and then the oldest first.

        Not of those that never fired, nor of those that fire and are silenced as a whole now (`*`, or their id).
        """
        async with self._connections.transaction() as session:
            rows = await session.fetch("episodes_to_tell", limit=limit, unreadable=list(self._unreadable))
        return tuple(row["id"] for row in rows)

    async def silences(self) -> Sequence[Silence]:
        """Return the silences that hold now, by the database's clock, the oldest first."""
        async with self._connections.transaction() as session:
            rows = await session.fetch("silences_that_hold")
        return tuple(silence_of(row) for row in rows)

    def _readable(self, rows: Sequence[Row]) -> tuple[Episode, ...]:
        return tuple(episode for row in rows if (episode := self._read(row)) is not None)

    def _read(self, row: Row) -> Episode | None:
        try:
            return episode_of(row)
        except StoreRefused as error:
            if row["id"] not in self._unreadable:
                extra = {"event": "episode_unreadable", "episode": row["id"]}
                log.warning("a stored alert cannot be read: %s", error.message, extra=extra)
            self._unreadable.add(row["id"])
            return None


async def lock(session: Session, scope: Scope) -> None:
    """Keep all others from changing a scope's episodes until the commit."""
    await session.fetch("episodes_lock", **place(scope))


async def locked(session: Session, scope: Scope) -> Sequence[Episode]:
    """Return the episodes of a scope that are not resolved, and lock the scope's episodes until the commit.

    The worst and then the oldest first. Raises `StoreRefused` when a newer version wrote one: that one watches then.
    """
    await lock(session, scope)
    # A statement of its own after the lock, so that it sees what the one before us committed.
    return tuple(episode_of(row) for row in await session.fetch("episodes_unresolved", **place(scope)))


async def save(session: Session, episode: Episode) -> None:
    """Keep an episode, new or changed. The scope's lock is held.

    Raises `StoreRefused` when it was changed meanwhile (its version is higher there) or is resolved there and not here,
    and when another one of its cause is not resolved.
    """
    if await session.fetch_one("episode_save", **columns(episode)) is None:
        raise StoreRefused(f"The alert {episode.id} was changed meanwhile, or is over.")
