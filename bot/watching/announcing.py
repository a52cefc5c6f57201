"""Tells of episodes: whatever changed them, the message follows. It is edited; nothing is said twice.

What is silenced is told when the silence ends, if it still fires then. That something is over is shown in the message
that told of it even then: an edit disturbs nobody.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain.requests import Place, Post
from bot.domain.targets import Scope
from bot.domain.watch.episodes import Episode, Silence
from bot.errors import StoreRefused
from bot.ports import Transaction
from bot.watching.card import episode_card
from bot.watching.quiet import is_silenced
from bot.watching.room import WatchRoom

log = logging.getLogger(__name__)

MOST = 100


class Announcer:
    """Puts the cards of changed episodes into the outbox."""

    def __init__(self, room: WatchRoom) -> None:
        self._room = room
        self._limit = MOST
        self._refused: set[Scope] = set()

    async def step(self) -> bool:
        """Tell of what changed; False when there was nothing to tell. Raises `StoreUnavailable`."""
        ids = await self._room.store.episodes.unannounced(limit=self._limit)
        silences = await self._room.store.episodes.silences() if ids else ()
        scopes: dict[Scope, list[str]] = {}
        for episode_id in ids:
            with contextlib.suppress(StoreRefused):  # a newer version's: the store says so, and never names it again
                found = await self._room.store.episodes.find(episode_id)
                if found is not None and not _is_kept_quiet(found, silences):
                    scopes.setdefault(found.scope, []).append(episode_id)
        told = [await self._tried(scope, own, silences) for scope, own in scopes.items()]
        # What is silenced must not hide what stands behind it.
        self._limit = MOST if any(told) or len(ids) < self._limit else self._limit * 4
        if any(told):
            self._room.put()
        return any(told) or self._limit > MOST

    async def _tried(self, scope: Scope, ids: Iterable[str], silences: Sequence[Silence]) -> bool:
        """Tell of a scope; one that a newer version wrote to is left to that one, and holds up no other."""
        try:
            return await self._scope(scope, ids, silences)
        except StoreRefused as error:
            if scope not in self._refused:
                self._refused.add(scope)
                extra = {"event": "announcing_refused", "scope": str(scope)}
                log.warning("alerts of a namespace are not told: %s", error.message, extra=extra)
            return False

    async def _scope(self, scope: Scope, ids: Iterable[str], silences: Sequence[Silence]) -> bool:
        """Tell of some episodes of a scope, as they are under its lock."""
        told: list[Episode] = []
        async with self._room.store.transaction() as transaction:
            known = {episode.id: episode for episode in await transaction.episodes(scope)}
            for episode_id in ids:
                episode = known.get(episode_id) or await self._room.store.episodes.find(episode_id)
                if episode is None or episode.version <= episode.announced:
                    continue
                if await self._tell(transaction, episode, silences):
                    told.append(episode)
        for episode in told:
            if not episode.announced and self._channels(episode, silences):
                self._room.meter.episode_told(episode.severity.word)
        return bool(told)

    async def _tell(self, transaction: Transaction, episode: Episode, silences: Sequence[Silence]) -> bool:
        if _is_kept_quiet(episode, silences):
            return False
        for channel in self._channels(episode, silences):
            await transaction.put(self._post(episode, channel))
        await transaction.save_episode(replace(episode, announced=episode.version))
        return True

    def _channels(self, episode: Episode, silences: Iterable[Silence]) -> tuple[str, ...]:
        """Return where an episode is told: where its message stands, and where those look whom it came to concern.

        What is silenced, and nobody was told of, is told nowhere.
        """
        if not episode.announced and is_silenced(episode, silences):
            return ()
        worse = self._room.policy.channels.of(episode.severity)
        return tuple(channel for channel in dict.fromkeys((episode.channel, worse)) if channel)

    def _post(self, episode: Episode, channel: str) -> Post:
        view = episode_card(episode, place=self._room.scopes.words(episode.scope, always=True))
        return Post(Place(channel), view, kind="alert", subject=subject(episode), version=episode.version)


def _is_kept_quiet(episode: Episode, silences: Iterable[Silence]) -> bool:
    """Tell whether an episode waits for the end of a silence."""
    return episode.fires and is_silenced(episode, silences)


def subject(episode: Episode) -> str:
    """Return the name of what a card is a picture of."""
    return f"episode:{episode.id}"
