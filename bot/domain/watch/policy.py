"""What an operator decides about watching: targets, thresholds, channels, digests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.domain.findings import Severity
from bot.domain.targets import Scope
from bot.domain.watch.alert_life import Hearing
from bot.domain.watch.probes import ProbeTarget
from bot.domain.watch.schedules import DigestPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on something is worth an alert. Shares are percent; the defaults are usual ones.

    An alert ends a tenth of its threshold below it, so that a figure that swings around it is one episode.
    `unheard_hours` is how long Alertmanager may say nothing of an alert before that is told: twice its usual
    `repeat_interval`. After `forgotten_hours` more the alert ends by it.
    """

    restarts: int = 3
    restarts_minutes: int = 10
    down_s: float = 120.0
    cpu_percent: float = 80.0
    cpu_minutes: int = 5
    memory_percent: float = 85.0
    response_s: float = 2.0
    certificate_days: int = 7
    disk_percent: float = 90.0
    backup_hours: int = 26
    clear_s: float = 120.0
    unheard_hours: int = 8
    forgotten_hours: int = 16

    @property
    def hearing(self) -> Hearing:
        """The two bounds of Alertmanager's silence."""
        return Hearing(timedelta(hours=self.unheard_hours), timedelta(hours=self.forgotten_hours))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChannels:
    """The channel of each severity, by id; empty: the next milder one's, and nowhere when that is empty, too."""

    critical: str = ""
    warning: str = ""
    info: str = ""

    def of(self, severity: Severity) -> str:
        """Return the channel of a severity; empty for nowhere."""
        ways = {
            Severity.CRITICAL: (self.critical, self.warning, self.info),
            Severity.WARNING: (self.warning, self.info),
            Severity.INFO: (self.info,),
        }
        return next(filter(None, ways[severity]), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """The parts of `ragops.toml` about watching. `history_days` is how long samples are kept."""

    targets: tuple[ProbeTarget, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    channels: AlertChannels = field(default_factory=AlertChannels)
    digests: tuple[DigestPlan, ...] = ()
    history_days: int = 14
    every_s: float = 15.0

    def targets_of(self, scope: Scope, service: str = "") -> tuple[ProbeTarget, ...]:
        """Return the targets of a scope; with a service of it those that are it or that it uses, wherever they are."""
        return tuple(
            target
            for target in self.targets
            if (target.scope == scope and service in {"", target.service}) or (service and service in target.used_by)
        )

    def settled(self, home: Scope) -> WatchPolicy:
        """Return the same with what has no namespace at `home`: without `[clusters]` only a context knows it."""

        def place(scope: Scope) -> Scope:
            return scope if scope.namespace else home

        return replace(
            self,
            targets=tuple(replace(target, scope=place(target.scope)) for target in self.targets),
            digests=tuple(replace(plan, scopes=tuple(map(place, plan.scopes))) for plan in self.digests),
        )
