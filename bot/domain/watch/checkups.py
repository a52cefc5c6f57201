"""A health check: everything that was looked at side by side, section by section, and what needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.findings import NextStep, Report, Severity, Verdict
from bot.domain.targets import Scope
from bot.domain.text import Redacted
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota
from bot.domain.watch.probes import Probed
from bot.domain.watch.world import UNSEEN, Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Something that needs a person. `key` is stable while it lasts, so that new and old can be told apart.

    `service` is the alias or the name that people know it by.
    """

    key: str
    severity: Severity
    service: str
    title: str
    words: Redacted
    next: NextStep | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a check (`workloads`, `usage`, `services`, `ingresses`, `health URLs`, `certificates`, …).

    `problem` says why it could not be looked at (all of it, or in part); `words` is its one line when it could.
    `took_s` is how long it took; `absent`: there is nothing of the kind here, which is no fault. `noted`: its line says
    something that people should read, though nobody has to act on it, or another section tells what to do.
    """

    name: str
    words: str = ""
    problem: str = ""
    absent: bool = False
    took_s: float = 0.0
    noted: bool = False
    attentions: tuple[Attention, ...] = ()

    @property
    def is_fine(self) -> bool:
        """Tell whether all of it was looked at and is well."""
        return bool(self.words) and not (self.problem or self.absent or self.noted or self.attentions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """All of it. `verdict` is UNKNOWN when what decides could not be looked at, never HEALTHY."""

    scope: Scope
    at: datetime
    verdict: Verdict
    sections: tuple[Section, ...]
    service: str = ""
    took_s: float = 0.0
    report: Looked[Report] = UNSEEN
    probed: Looked[Sequence[Probed]] = UNSEEN
    quotas: Looked[Sequence[Quota]] = UNSEEN
    backups: Looked[Sequence[Backup]] = UNSEEN
    certificates: Looked[Sequence[IssuedCertificate]] = UNSEEN
    disks: Looked[Sequence[DiskUse]] = UNSEEN

    @property
    def attentions(self) -> tuple[Attention, ...]:
        """Everything that needs a person, the worst first."""
        found = [attention for section in self.sections for attention in section.attentions]
        return tuple(sorted(found, key=lambda each: -each.severity))
