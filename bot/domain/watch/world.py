"""Everything that the rules of alerts look at, of one scope at one moment. What was not looked at says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from bot.domain.catalogue import Catalogue
from bot.domain.findings import Report
from bot.domain.targets import Scope
from bot.domain.watch.episodes import Signal
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate
from bot.domain.watch.policy import Thresholds
from bot.domain.watch.probes import Probed
from bot.domain.watch.samples import SampleAt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Looked(Generic[T]):
    """Something that was read, or why it was not. `absent`: it is not there at all (no Velero), which is no fault."""

    seen: T | None = None
    problem: str = ""
    absent: bool = False


UNSEEN: Looked[Any] = Looked(problem="not looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One scope. `samples` are those of the last `Thresholds.cpu_minutes` and `restarts_minutes`, the oldest first."""

    scope: Scope
    now: datetime
    report: Looked[Report]
    samples: Looked[Sequence[SampleAt]]
    probed: Looked[Sequence[Probed]]
    backups: Looked[Sequence[Backup]]
    certificates: Looked[Sequence[IssuedCertificate]]
    disks: Looked[Sequence[DiskUse]]
    thresholds: Thresholds
    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule found. `unknown` are beginnings of keys that could not be judged: what they fire stays as it is."""

    signals: tuple[Signal, ...] = ()
    unknown: tuple[str, ...] = ()
