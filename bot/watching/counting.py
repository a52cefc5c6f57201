"""What operators watch of the watching: counted once it is committed."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.watch.episodes import Episode
from bot.ports import Meter


def count_over(meter: Meter, changed: Iterable[Episode]) -> None:
    """Count those of the episodes that changed which are over now; not those that nobody could be told of."""
    for episode in changed:
        if episode.has_ended and episode.fired_at is not None:
            meter.episode_resolved(episode.severity.word)
