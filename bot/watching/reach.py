"""What a place has to do with its cluster as a whole: whose alerts are told of there, and who may silence them."""

from __future__ import annotations

from datetime import datetime

from bot.domain.people import Permission
from bot.domain.policy import Asked
from bot.domain.targets import Scope, Where
from bot.domain.watch.episodes import Episode
from bot.ports import Episodes, Sources


async def open_at(episodes: Episodes, scope: Scope) -> list[Episode]:
    """Return the open episodes of a place and of its cluster, as far as they concern it. Raises `StoreUnavailable`."""
    found = [*await episodes.open(scope), *await episodes.open(scope.whole)]
    return [episode for episode in found if concerns(episode, scope)]


async def since_at(episodes: Episodes, scope: Scope, moment: datetime) -> list[Episode]:
    """Return those that fired and are open, or ended since a moment. Raises `StoreUnavailable`."""
    found = [*await episodes.since(scope, moment), *await episodes.since(scope.whole, moment)]
    return [episode for episode in found if concerns(episode, scope)]


def concerns(episode: Episode, scope: Scope) -> bool:
    """Tell whether an episode is told of at a place: there, or of its cluster and not of another namespace alone."""
    if episode.scope == scope:
        return True
    of_one = f"cluster/{scope.cluster}/"
    if episode.scope != scope.whole:
        return False
    return not episode.cause.startswith(of_one) or episode.cause == f"{of_one}{scope.namespace}"


async def may_for_cluster(sources: Sources, verb: str) -> bool:
    """Tell whether a person who was let in at a place may silence what all namespaces of its cluster share.

    Who operates every namespace may, and who operates the cluster's first one, where such alerts lead.
    """
    if sources.places is None or sources.rights is None:
        raise ValueError(f"{verb} needs the places and the rights")
    if sources.scope == next((each for each in sources.places if each.cluster == sources.scope.cluster), None):
        return True
    asked = Asked(Permission.OPERATE, verb, Where(sources.scope.whole))
    return (await sources.rights.of(sources.request.actor, asked)).allowed
