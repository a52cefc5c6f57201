"""Everything that the rules of alerts look at, of one scope at one moment. What was not looked at says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from bot.domain.catalogue import Catalogue
from bot.domain.findings import Report
from bot.domain.snapshot import Snapshot
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
    """One scope. `samples` are those of the last `Thresholds.cpu_minutes` and `restarts_minutes`, the oldest first.

    Of a cluster as a whole: `namespaces` that are watched, each with why it cannot be read (empty when it can),
    `pictures` of those that can (workloads, pods and nodes alone), and the names of its `nodes`; the rest is not looked
    at for it.
    """

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
    namespaces: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pictures: Mapping[str, Snapshot] = field(default_factory=lambda: MappingProxyType({}))
    nodes: Looked[Collection[str]] = UNSEEN


@dataclass(frozen=True, slots=True)
class Unknown:
    """Keys that begin so could not be judged, and why: what they fire stays as it is."""

    beginning: str
    why: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule found. What it does not mention is not true any more.

    `stays` are keys that were looked at and stand between what begins and what ends an alert. `fine` are keys that were
    judged, and are not true, though a beginning among the `unknown` fits them.
    """

    signals: tuple[Signal, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    stays: tuple[str, ...] = ()
    fine: tuple[str, ...] = ()
