"""An episode: one cause, from its first alert to its last; one message, edited. Records only; see `transitions`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.findings import Severity
from bot.domain.targets import Scope
from bot.domain.text import Redacted


class AlertState(StrEnum):
    """`PENDING`: true, but not for long enough; `CLEARING`: no longer true, but not for long enough."""

    PENDING = "pending"
    FIRING = "firing"
    CLEARING = "clearing"
    RESOLVED = "resolved"


class Ending(StrEnum):
    """How an alert ended. `UNWATCHED`: the configuration leaves it out; `UNHEARD`: its source speaks of it no more.

    Only of what is `OVER` anybody knows that it is not true any more.
    """

    OVER = "over"
    UNWATCHED = "unwatched"
    UNHEARD = "unheard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A rule that is true of something now. `cause` groups: signals with the same cause are one episode.

    `key` tells it from all others of its scope (rule and object). It fires once it was true for `hold_s` seconds, and
    is over once it was not for `clear_s`. `source` is `ragops` or `alertmanager`; `since` when the source knows better
    than we when it began. `unsafe_link` is shown as text, never as a link with a name of its own. `targets` are the
    configured targets (`redis:cache`) by which alone it is known, if there are any.
    """

    key: str
    rule: str
    severity: Severity
    cause: str
    title: str
    words: Redacted
    hold_s: float = 0.0
    clear_s: float = 120.0
    source: str = "ragops"
    service: str = ""
    since: datetime | None = None
    unsafe_link: str = ""
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A signal's life within its episode. `changed_at` is when it took this state.

    `told_at` is when the last version was made in which it fires; None while there is none, or a newer one says that it
    is over. `blind_at` is since when it is said that nobody can tell whether it is still true, and `blind` why: it
    could not be looked at; empty where its source was not heard of. `left_at` is since when nobody watches it. How it
    ended, `ending` says once it is over.
    """

    signal: Signal
    state: AlertState
    began_at: datetime
    changed_at: datetime
    seen_at: datetime
    told_at: datetime | None = None
    blind_at: datetime | None = None
    blind: str = ""
    left_at: datetime | None = None
    ending: Ending = Ending.OVER

    @property
    def is_live(self) -> bool:
        """Tell whether it is not over."""
        return self.state is not AlertState.RESOLVED

    @property
    def fires(self) -> bool:
        """Tell whether it is shown as firing: one that is clearing may come back at any moment."""
        return self.state in (AlertState.FIRING, AlertState.CLEARING)

    @property
    def is_blind(self) -> bool:
        """Tell whether it is shown as firing though nobody can tell whether it is still true."""
        return self.fires and self.blind_at is not None

    @property
    def known_at(self) -> datetime:
        """When anybody could tell last."""
        return max(self.seen_at, self.changed_at)


class EpisodeState(StrEnum):
    """`WAITING` while none of its alerts has fired: nobody is told. `RESOLVED` is every end, see `Ending`."""

    WAITING = "waiting"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One cause. At most one episode of a cause is not resolved.

    `version` rises with each change that people are to see; `announced` is the version that was handed to the outbox.
    `severity` is the highest that any of its alerts had. `channel` is where its message stands, fixed when it fires.
    """

    id: str
    scope: Scope
    cause: str
    state: EpisodeState
    severity: Severity
    alerts: tuple[Alert, ...]
    began_at: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    acked_by: str = ""
    acked_at: datetime | None = None
    channel: str = ""
    version: int = 0
    announced: int = 0

    @property
    def fires(self) -> bool:
        """Tell whether people are told of it as something that is true now."""
        return self.state is EpisodeState.FIRING

    @property
    def has_ended(self) -> bool:
        """Tell whether it is resolved, in whatever way."""
        return self.state is EpisodeState.RESOLVED

    @property
    def ended_in_doubt(self) -> bool:
        """Tell whether it ended and nobody knows whether it is over."""
        return self.has_ended and self.ending is not Ending.OVER

    @property
    def ending(self) -> Ending:
        """How it ended, once it is resolved: over only when all that fired is known to be over, else as the last."""
        unknown = [alert for alert in self.alerts if not alert.is_live and alert.ending is not Ending.OVER]
        last = max(unknown, key=lambda alert: alert.changed_at, default=None)
        return Ending.OVER if last is None else last.ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No messages about something until a time: an episode's id, a rule's name, a service's alias, or `*`.

    A silenced episode is watched and kept all the same; it is told when the silence ends and it still fires.
    """

    id: str
    what: str
    scope: Scope
    by: str
    at: datetime
    until: datetime
    why: str = ""
