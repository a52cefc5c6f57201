"""What an operator decides about watching: targets, thresholds, channels, digests."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.findings import Severity
from bot.domain.targets import Scope
from bot.domain.watch.probes import ProbeTarget
from bot.domain.watch.schedules import DigestPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on something is worth an alert. Shares are percent; the defaults are the playbook's (lines 563-584).

    An alert ends a tenth of its threshold below it, so that a figure that swings around it is one episode.
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
        """Return the targets of a scope; with a service those that are it or that it uses."""
        return tuple(
            target
            for target in self.targets
            if target.scope == scope and (not service or service == target.service or service in target.used_by)
        )
