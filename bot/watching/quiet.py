"""What is silenced. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bot.domain.targets import Scope
from bot.domain.watch.episodes import Alert, Episode, Silence

EVERYTHING = "*"


def is_silenced(episode: Episode, silences: Iterable[Silence]) -> bool:
    """Tell whether nobody wants to hear of an episode: of itself, of all, or of each of its alerts that is not over.

    One rule that is silenced does not silence what else there is to say.
    """
    said = _said(silences, episode.scope)
    if said & {EVERYTHING, episode.id}:
        return True
    told = [alert for alert in episode.alerts if alert.is_live] or episode.alerts
    return bool(told) and all(_names(alert, said) for alert in told)


def is_quiet(scope: Scope, service: str, silences: Iterable[Silence]) -> bool:
    """Tell whether nobody wants to hear of a scope, or of one service of it."""
    return bool(_said(silences, scope) & ({EVERYTHING, service} if service else {EVERYTHING}))


def _said(silences: Iterable[Silence], scope: Scope) -> frozenset[str]:
    return frozenset(silence.what for silence in silences if silence.scope == scope)


def _names(alert: Alert, said: Collection[str]) -> bool:
    return alert.signal.rule in said or (bool(alert.signal.service) and alert.signal.service in said)
