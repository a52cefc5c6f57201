"""How episodes change: by what our rules found (`step`), by what another source says (`hear`), by leaving (`leave`).

Pure. An alert is pending until it was true for as long as it takes, then it fires; it is over when it was not true for
as long as that takes, and fires on if it comes back before (no second message). What could not be judged stays as it
is, and what nobody watches or speaks of any more ends as that, never as over: see `alert_life`.
An episode is all alerts of one cause. Its `version` rises with what people should see: at once when it fires, gets
worse, ends, or another rule joins or leaves; a mere change of how many alerts a rule has waits for `COUNT_EVERY`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.targets import Scope
from bot.domain.watch.alert_life import (
    USUAL,
    Hearing,
    blinded,
    kept,
    left,
    may_move,
    missed,
    not_later,
    over,
    seen,
    unheard,
)
from bot.domain.watch.episodes import Alert, Ending, Episode, EpisodeState, Signal
from bot.domain.watch.policy import AlertChannels
from bot.domain.watch.world import Judged

OURS = "ragops"
# A message is not edited more often than this for nothing but another count.
COUNT_EVERY = timedelta(minutes=1)
# How old what is kept of an alert's words and of when it was seen may get.
FRESH_FOR = timedelta(minutes=1)
# Of an episode that does not end, alerts that are over are forgotten beyond this number, the oldest first.
MOST_OVER = 200


def _all(_: Signal) -> bool:
    return True


def step(
    open_episodes: Sequence[Episode],
    judged: Sequence[Judged],
    now: datetime,
    *,
    scope: Scope,
    channels: AlertChannels,
    new_id: Callable[[], str],
    is_watched: Callable[[Signal], bool] = _all,
    hearing: Hearing = USUAL,
) -> tuple[Episode, ...]:
    """Return the episodes that change by what all our rules found at one moment, new ones included.

    `is_watched` tells whether anything still judges what a signal is about. Alerts of other sources are left to them;
    that they are silent about one is noticed here.
    """
    book = _Book(open_episodes, now, scope=scope, new_id=new_id)
    true = _by_key(signal for each in judged for signal in each.signals)
    for signal in true.values():
        book.see(signal)
    verdict = _Verdict(judged)
    for alert in book.live():
        key = alert.signal.key
        if alert.signal.source != OURS:
            book.change(key, lambda before, at: unheard(before, hearing, at))
        elif key in true:
            continue
        elif not is_watched(alert.signal):
            book.change(key, left)
        else:
            book.change(key, verdict.of(key))
    return book.changed(channels)


def leave(
    open_episodes: Sequence[Episode],
    now: datetime,
    *,
    scope: Scope,
    channels: AlertChannels,
    new_id: Callable[[], str],
) -> tuple[Episode, ...]:
    """Return the episodes that change because nobody watches their scope: all of its alerts, whatever their source."""
    book = _Book(open_episodes, now, scope=scope, new_id=new_id)
    for alert in book.live():
        book.change(alert.signal.key, left)
    return book.changed(channels)


def hear(
    open_episodes: Sequence[Episode],
    firing: Sequence[Signal],
    ended: Collection[str],
    now: datetime,
    *,
    scope: Scope,
    channels: AlertChannels,
    new_id: Callable[[], str],
) -> tuple[Episode, ...]:
    """Return the episodes that change by what another source says: what fires, and the keys of what is over, at once.

    What it does not mention stays as it is.
    """
    book = _Book(open_episodes, now, scope=scope, new_id=new_id)
    for signal in _by_key(firing).values():
        book.see(signal)
    for key in ended:
        book.end(key)
    return book.changed(channels)


def _by_key(signals: Iterable[Signal]) -> Mapping[str, Signal]:
    """Return signals by key; of several with one key the worst."""
    worst: dict[str, Signal] = {}
    for signal in signals:
        if signal.key not in worst or signal.severity > worst[signal.key].severity:
            worst[signal.key] = signal
    return worst


_Change = Callable[[Alert, datetime], Alert | None]


class _Verdict:
    """What becomes of alerts that are not true now."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self._unknown = tuple(unknown for each in judged for unknown in each.unknown)
        self._stays = frozenset(key for each in judged for key in each.stays)
        self._fine = frozenset(key for each in judged for key in each.fine)

    def of(self, key: str) -> _Change:
        if key in self._stays:
            return kept
        why = next((unknown.why for unknown in self._unknown if key.startswith(unknown.beginning)), None)
        if why is None or key in self._fine:
            return missed
        return lambda before, now: blinded(before, why, now)


class _Book:
    """The alerts of a scope's open episodes while they are changed; the episodes themselves follow at the end."""

    def __init__(
        self, open_episodes: Sequence[Episode], now: datetime, *, scope: Scope, new_id: Callable[[], str]
    ) -> None:
        self._now = now.replace(microsecond=0)
        self._scope = scope
        self._new_id = new_id
        self._known = frozenset(episode.id for episode in open_episodes)
        self._episodes = {episode.id: episode for episode in open_episodes}
        self._by_cause = {episode.cause: episode for episode in open_episodes}
        # A clock that stepped back must not make anything wait for the time to come again.
        self._alerts = {
            episode.id: {alert.signal.key: not_later(alert, self._now) for alert in episode.alerts}
            for episode in open_episodes
        }
        self._home = {
            key: episode_id
            for episode_id, alerts in self._alerts.items()
            for key, alert in alerts.items()
            if alert.is_live
        }

    def live(self) -> Sequence[Alert]:
        """Return all alerts that are not over."""
        return [self._alerts[episode_id][key] for key, episode_id in self._home.items()]

    def see(self, signal: Signal) -> None:
        """Note that something is true. It stays where people were told of it, whatever its cause is thought to be."""
        key = signal.key
        home = self._home.get(key)
        if home is None or may_move(self._alerts[home][key]):
            there = self._episode_of(signal).id
            if home is not None and home != there:
                was = self._alerts[there].get(key)
                moved = self._alerts[home].pop(key)
                self._alerts[there][key] = replace(moved, told_at=None if was is None else was.told_at)
            self._home[key] = home = there
        self._alerts[home][key] = seen(self._alerts[home].get(key), signal, self._now)

    def change(self, key: str, how: _Change) -> None:
        """Note what became of an alert that is not over; nothing of it is left where nobody heard of it."""
        alerts = self._alerts[self._home[key]]
        after = how(alerts[key], self._now)
        if after is None:
            del alerts[key]
        else:
            alerts[key] = after

    def end(self, key: str) -> None:
        """Note that something is over, as its source says; nothing happens when it is not known."""
        if key in self._home:
            self.change(key, lambda before, now: over(before, Ending.OVER, now))

    def changed(self, channels: AlertChannels) -> tuple[Episode, ...]:
        """Return the episodes as they are now, those that are as before left out."""
        settled = (
            (before, _settled(before, tuple(self._alerts[before.id].values()), self._now, channels))
            for before in self._episodes.values()
        )
        return tuple(
            after for before, after in settled if before.id not in self._known or _is_news(before, after, self._now)
        )

    def _episode_of(self, signal: Signal) -> Episode:
        found = self._by_cause.get(signal.cause)
        if found is None:
            found = self._by_cause[signal.cause] = Episode(
                id=self._new_id(),
                scope=self._scope,
                cause=signal.cause,
                state=EpisodeState.WAITING,
                severity=signal.severity,
                alerts=(),
                began_at=self._now,
            )
            self._episodes[found.id] = found
            self._alerts[found.id] = {}
        return found


# --- an episode -------------------------------------------------------------------------------------------------------


def _settled(before: Episode, alerts: tuple[Alert, ...], now: datetime, channels: AlertChannels) -> Episode:
    """Return an episode as its alerts have it now."""
    firing = [alert.signal for alert in alerts if alert.fires]
    after = replace(before, alerts=_bounded(alerts))
    if not any(alert.is_live for alert in alerts):
        after = replace(after, state=EpisodeState.RESOLVED, resolved_at=now)
    elif before.state is EpisodeState.WAITING:
        waiting = [alert.signal.severity for alert in alerts if alert.is_live]
        after = replace(after, severity=max((signal.severity for signal in firing), default=max(waiting)))
        if firing:
            channel = channels.of(after.severity)
            after = replace(after, state=EpisodeState.FIRING, fired_at=now, channel=channel)
    else:
        after = replace(after, severity=max([before.severity, *(signal.severity for signal in firing)]))
    return _told(after, now) if _should_be_told(before, after, now) else after


def _should_be_told(before: Episode, after: Episode, now: datetime) -> bool:
    if after.state is EpisodeState.WAITING or (before.has_ended and after.has_ended):
        return False
    if before.state is EpisodeState.WAITING and after.has_ended:
        return False  # nobody was told that it began
    if (before.state, before.severity) != (after.state, after.severity):
        return True
    shown = {alert.signal.key: alert.signal.rule for alert in before.alerts if alert.told_at is not None}
    firing = {alert.signal.key: alert.signal.rule for alert in after.alerts if alert.fires}
    if set(shown.values()) != set(firing.values()):
        return True
    if _blind_rules(before) != _blind_rules(after):
        return True
    last = max((alert.told_at for alert in after.alerts if alert.told_at is not None), default=None)
    return shown.keys() != firing.keys() and (last is None or now - last >= COUNT_EVERY)


def _blind_rules(episode: Episode) -> frozenset[str]:
    return frozenset(alert.signal.rule for alert in episode.alerts if alert.is_blind)


def _told(episode: Episode, now: datetime) -> Episode:
    """Return an episode of a new version, which shows all of its alerts as they are."""
    alerts = tuple(replace(alert, told_at=now if alert.fires else None) for alert in episode.alerts)
    return replace(episode, alerts=alerts, version=episode.version + 1)


def _bounded(alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
    over = [alert for alert in alerts if not alert.is_live]
    if len(over) <= MOST_OVER:
        return alerts
    forgotten = {alert.signal.key for alert in sorted(over, key=lambda alert: alert.changed_at)[:-MOST_OVER]}
    return tuple(alert for alert in alerts if alert.signal.key not in forgotten)


def _is_news(before: Episode, after: Episode, now: datetime) -> bool:
    """Tell whether an episode has to be written: that it was seen again, and in other words, once a minute will do."""
    if replace(before, alerts=()) != replace(after, alerts=()) or len(before.alerts) != len(after.alerts):
        return True
    pairs = zip(before.alerts, after.alerts, strict=True)
    return any(_differs(was, now_is) or now_is.seen_at - was.seen_at >= FRESH_FOR for was, now_is in pairs) or any(
        alert.seen_at > now for alert in before.alerts
    )


def _differs(was: Alert, now_is: Alert) -> bool:
    """Tell whether more than words, and when it was seen, sets two apart."""
    if (was.signal.key, was.signal.severity) != (now_is.signal.key, now_is.signal.severity):
        return True
    return replace(was, signal=now_is.signal, seen_at=now_is.seen_at, blind=now_is.blind) != now_is
