"""Tells of episodes: whatever changed them, the message follows. It is edited; nothing is said twice.

What is silenced is told when the silence ends, if it still fires then. That something is over is shown in the message
that told of it even then: an edit disturbs nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain.requests import Place, Post
from bot.domain.targets import Scope
from bot.domain.watch.episodes import Episode, EpisodeState, Silence
from bot.ports import Transaction
from bot.watching.card import episode_card
from bot.watching.quiet import is_silenced
from bot.watching.room import WatchRoom

MOST = 100


class Announcer:
    """Puts the cards of changed episodes into the outbox."""

    def __init__(self, room: WatchRoom) -> None:
        self._room = room
        self._limit = MOST

    async def step(self) -> bool:
        """Tell of what changed; False when there was nothing to tell. Raises `StoreUnavailable`."""
        ids = await self._room.store.episodes.unannounced(limit=self._limit)
        silences = await self._room.store.episodes.silences() if ids else ()
        scopes: dict[Scope, list[str]] = {}
        for episode_id in ids:
            found = await self._room.store.episodes.find(episode_id)
            if found is not None and not _is_kept_quiet(found, silences):
                scopes.setdefault(found.scope, []).append(episode_id)
        told = [await self._scope(scope, own, silences) for scope, own in scopes.items()]
        # What is silenced must not hide what stands behind it.
        self._limit = MOST if any(told) or len(ids) < self._limit else self._limit * 4
        if any(told):
            self._room.put()
        return any(told) or self._limit > MOST

    async def _scope(self, scope: Scope, ids: Iterable[str], silences: Sequence[Silence]) -> bool:
        """Tell of some episodes of a scope, as they are under its lock."""
        told = False
        async with self._room.store.transaction() as transaction:
            known = {episode.id: episode for episode in await transaction.episodes(scope)}
            for episode_id in ids:
                episode = known.get(episode_id) or await self._room.store.episodes.find(episode_id)
                if episode is not None and episode.version > episode.announced:
                    told |= await self._tell(transaction, episode, silences)
        return told

    async def _tell(self, transaction: Transaction, episode: Episode, silences: Sequence[Silence]) -> bool:
        if _is_kept_quiet(episode, silences):
            return False
        if episode.announced or not is_silenced(episode, silences):
            for channel in self._channels(episode):
                await transaction.put(self._post(episode, channel))
        await transaction.save_episode(replace(episode, announced=episode.version))
        return True

    def _channels(self, episode: Episode) -> tuple[str, ...]:
        """Return where an episode is told: where its message stands, and where those look whom it came to concern."""
        worse = self._room.policy.channels.of(episode.severity)
        return tuple(channel for channel in dict.fromkeys((episode.channel, worse)) if channel)

    def _post(self, episode: Episode, channel: str) -> Post:
        view = episode_card(episode, place=self._room.scopes.words(episode.scope, always=True))
        return Post(Place(channel), view, kind="alert", subject=subject(episode), version=episode.version)


def _is_kept_quiet(episode: Episode, silences: Iterable[Silence]) -> bool:
    """Tell whether an episode waits for the end of a silence."""
    return episode.state is EpisodeState.FIRING and is_silenced(episode, silences)


def subject(episode: Episode) -> str:
    """Return the name of what a card is a picture of."""
    return f"episode:{episode.id}"
