"""Everything that was read for one check, and why the rest was not. A record; sections are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.checkup.extent import Extent
from bot.diagnosis import Index, why_unread
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Finding, Report
from bot.domain.snapshot import Freshness, Part
from bot.domain.targets import ObjectRef, Scope
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import Probed
from bot.domain.watch.world import Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The state of the cluster as far as it was read: the report, its look-ups, and what the check is about."""

    report: Report
    index: Index
    findings: tuple[Finding, ...]
    extent: Extent
    focus: ObjectRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All readings of one check. `service` is what people call the one service that is meant; empty for all.

    `took_s` is how long each reading took, by its name. `with_dependencies`: they are part of this check.
    """

    scope: Scope
    now: datetime
    service: str
    catalogue: Catalogue
    watch: WatchPolicy
    cluster: Looked[Looks]
    health: Looked[Sequence[Probed]]
    dependencies: Looked[Sequence[Probed]]
    quotas: Looked[Sequence[Quota]]
    backups: Looked[Sequence[Backup]]
    certificates: Looked[Sequence[IssuedCertificate]]
    disks: Looked[Sequence[DiskUse]]
    took_s: Mapping[str, float]
    with_dependencies: bool = False

    @property
    def probed(self) -> tuple[Probed, ...]:
        """What all targets said that were asked."""
        return (*(self.health.seen or ()), *(self.dependencies.seen or ()))

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.cluster.seen.findings if self.cluster.seen else ()

    def named(self, kind: str, name: str) -> str:
        """Return what people call a workload."""
        return self.catalogue.alias_of(kind, name)


def unread(seen: Seen, parts: Iterable[Part]) -> str:
    """Say why parts of the cluster were not read, or are old; empty when all of them are up to date."""
    if seen.cluster.seen is None:
        return seen.cluster.problem
    snapshot = seen.cluster.seen.report.snapshot
    reasons: dict[str, list[str]] = {}
    for part in parts:
        status = snapshot.status(part)
        if status.freshness is not Freshness.LIVE:
            reasons.setdefault(why_unread(status, snapshot.observed_at), []).append(part.value)
    if len(reasons) == 1:
        return next(iter(reasons))
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
