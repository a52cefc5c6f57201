"""How one alert changes: what is seen, not seen, not to be judged, not heard of, and not watched any more. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.watch.episodes import Alert, AlertState, Ending, Signal

# For so long nobody is told that an alert cannot be judged: a look that fails now and then is none of their business.
BLIND_AFTER = timedelta(minutes=2)
# For so long an alert has to be watched by nobody before it ends: longer than replicas of the old configuration and of
# the new one work side by side.
LEFT_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Hearing:
    """How long another source may be silent about an alert before that is said, and how much longer before it ends."""

    quiet: timedelta = timedelta(hours=8)
    more: timedelta = timedelta(hours=16)


USUAL = Hearing()


def may_move(alert: Alert) -> bool:
    """Tell whether an alert may join another episode: nobody was told of it yet."""
    return alert.state is AlertState.PENDING and alert.told_at is None


def seen(before: Alert | None, signal: Signal, now: datetime) -> Alert:
    """Return an alert that is true now."""
    if before is None or not before.is_live:
        began = now if signal.since is None else min(signal.since, now)
        told_at = None if before is None else before.told_at
        before = Alert(
            signal=signal, state=AlertState.PENDING, began_at=began, changed_at=now, seen_at=now, told_at=told_at
        )
    after = replace(_judged(before), signal=signal, seen_at=now)
    waited = (now - before.changed_at).total_seconds()
    if before.state is AlertState.CLEARING or (before.state is AlertState.PENDING and waited >= signal.hold_s):
        return in_state(after, AlertState.FIRING, now)
    return after


def missed(before: Alert, now: datetime) -> Alert | None:
    """Return an alert that is not true now; None for one that never fired: nobody heard of it.

    What could not be judged for a while clears from its beginning: nobody knows what it was like meanwhile.
    """
    if before.state is AlertState.PENDING:
        return None if before.told_at is None else over(before, Ending.OVER, now)
    after = _judged(before)
    if after.state is not AlertState.CLEARING or before.blind_at is not None:
        after = in_state(after, AlertState.CLEARING, now)
    if (now - after.changed_at).total_seconds() >= after.signal.clear_s:
        return over(after, Ending.OVER, now)
    return after


def kept(before: Alert, now: datetime) -> Alert:
    """Return an alert that was looked at, and is neither true enough to begin nor untrue enough to end.

    It is not about to clear any more: that takes being untrue without a break.
    """
    after = replace(_judged(before), seen_at=now)
    return in_state(after, AlertState.FIRING, now) if before.state is AlertState.CLEARING else after


def blinded(before: Alert, why: str, now: datetime) -> Alert:
    """Return an alert that could not be judged: it stays as it is, and after a while that is said."""
    after = watched(before)
    if after.blind_at is not None or now - after.known_at < BLIND_AFTER:
        return after
    return replace(after, blind_at=now, blind=why or "it could not be looked at")


def unheard(before: Alert, hearing: Hearing, now: datetime) -> Alert | None:
    """Return an alert of another source, which tells us by itself; None for one that ends and that nobody heard of.

    The end counts from when it was said that it was not heard of, not from the last word: who was away for a day does
    not take that for silence.
    """
    after = watched(before)
    if now - after.seen_at < hearing.quiet:
        return after
    if after.blind_at is None:
        return replace(after, blind_at=now, blind="")
    return after if now - after.blind_at < hearing.more else _given_up(after, Ending.UNHEARD, now)


def left(before: Alert, now: datetime) -> Alert | None:
    """Return an alert of something that nobody watches by this configuration; None for one that nobody heard of.

    Replicas of two configurations may work side by side for a while. Each look of one that watches it takes the mark
    away again; only where none did for `LEFT_AFTER` it ends. So a roll-out in either direction ends nothing, and who
    still watches has the last word.
    """
    if before.left_at is None:
        return replace(before, left_at=now)
    return before if now - before.left_at < LEFT_AFTER else _given_up(before, Ending.UNWATCHED, now)


def watched(before: Alert) -> Alert:
    """Return an alert of something that is watched."""
    return before if before.left_at is None else replace(before, left_at=None)


def over(alert: Alert, ending: Ending, now: datetime) -> Alert:
    """Return an alert that ended."""
    return replace(in_state(_judged(alert), AlertState.RESOLVED, now), ending=ending)


def in_state(alert: Alert, state: AlertState, now: datetime) -> Alert:
    """Return an alert that takes a state now."""
    return replace(alert, state=state, changed_at=now)


def not_later(alert: Alert, now: datetime) -> Alert:
    """Return an alert of which nothing is yet to come: a clock that stepped back must make nobody wait for it."""

    def past(moment: datetime | None) -> datetime | None:
        return None if moment is None else min(moment, now)

    moments = (alert.began_at, alert.changed_at, alert.seen_at, alert.told_at, alert.blind_at, alert.left_at)
    if all(moment is None or moment <= now for moment in moments):
        return alert
    return replace(
        alert,
        began_at=min(alert.began_at, now),
        changed_at=min(alert.changed_at, now),
        seen_at=min(alert.seen_at, now),
        told_at=past(alert.told_at),
        blind_at=past(alert.blind_at),
        left_at=past(alert.left_at),
    )


def _judged(alert: Alert) -> Alert:
    if alert.blind_at is None and alert.left_at is None:
        return alert
    return replace(alert, blind_at=None, blind="", left_at=None)


def _given_up(alert: Alert, ending: Ending, now: datetime) -> Alert | None:
    if may_move(alert):
        return None
    return over(alert, ending, now)
