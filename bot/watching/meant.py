"""Which open alerts a person means by a word, and how they are named where the word is not enough. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.domain.catalogue import Catalogue
from bot.domain.text import count
from bot.domain.watch.episodes import Episode
from bot.watching.card import leading, one_line

MOST_NAMED = 3
_LONGEST = 80


def firing(episodes: Sequence[Episode]) -> list[Episode]:
    """Return those that people are told of: all others that are open do not fire yet."""
    return [episode for episode in episodes if episode.fires]


def meant_by(word: str, episodes: Sequence[Episode], catalogue: Catalogue) -> list[Episode]:
    """Return the alerts that fire about a service, a workload (`worker`, `deployment/worker`) or by a rule."""
    words = {word.lower(), catalogue.service_of(word).lower()} - {""}
    return [episode for episode in firing(episodes) if not words.isdisjoint(_names(episode))]


def _names(episode: Episode) -> Iterator[str]:
    """Name an episode by its object, and by the services, rules and objects of what fires in it."""
    yield from _object(episode.cause)
    for alert in episode.alerts:
        if alert.fires:
            yield alert.signal.service.lower()
            yield alert.signal.rule.lower()
            yield from _object(alert.signal.key.partition(":")[2])


def _object(said: str) -> Iterator[str]:
    """Name an object `deployment/worker` by its kind and name, and by its name."""
    yield said.lower()
    yield said.lower().rpartition("/")[2]


def several_words(word: str, episodes: Sequence[Episode]) -> str:
    """Say that a word means several alerts, and which: `2 alerts of api are open: 3f9a12c0 (api crashes), …`."""
    return f"{count(len(episodes), 'alert')} of {word} are open: {named(episodes)}."


def open_words(episodes: Sequence[Episode]) -> str:
    """Say what is open; that nothing is."""
    found = firing(episodes)
    return f"Open: {named(found)}." if found else "None is open."


def named(episodes: Sequence[Episode]) -> str:
    """Name alerts by their ids, each with what it is about."""
    told = [f"{each.id} ({one_line(leading(each).signal.title, _LONGEST)})" for each in episodes[:MOST_NAMED]]
    more = [f"{len(episodes) - MOST_NAMED} more"] if len(episodes) > MOST_NAMED else []
    return ", ".join([*told, *more])
