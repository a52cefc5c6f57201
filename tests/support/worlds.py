"""What rules look at, in short calls: what a test does not say is seen, and well. Times are seconds before `NOW`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.diagnosis import Index, diagnose
from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.findings import Finding, Report, Severity, Verdict
from bot.domain.snapshot import Snapshot
from bot.domain.targets import Namespace, ObjectRef, Scope
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate
from bot.domain.watch.policy import Thresholds
from bot.domain.watch.probes import Probed
from bot.domain.watch.samples import Sample, SampleAt
from bot.domain.watch.world import UNSEEN, Judged, Looked, World
from bot.watching.recording import samples_of
from tests.support.builders import NOW, SCOPE, ago, snapshot

CATALOGUE = Catalogue(
    MappingProxyType(
        {
            "search": CatalogueEntry("search", "Deployment", "api"),
            "postgres": CatalogueEntry("postgres", "StatefulSet", "db"),
        }
    )
)
API = ObjectRef("Deployment", "shop", "api")
ABSENT: Looked[Any] = Looked(problem="not installed", absent=True)


def world(
    *objects: object,
    shown: Snapshot | None = None,
    findings: Sequence[Finding] | None = None,
    away: str = "",
    probed: Sequence[Probed] = (),
    history: Sequence[SampleAt] = (),
    backups: Looked[Sequence[Backup]] = ABSENT,
    certificates: Looked[Sequence[IssuedCertificate]] = ABSENT,
    disks: Looked[Sequence[DiskUse]] = ABSENT,
    thresholds: Thresholds | None = None,
    scope: Scope = SCOPE,
) -> World:
    """Make a world of these objects, or of a snapshot or findings; `away` is why the cluster cannot be read."""
    seen = shown or snapshot(*objects)
    index = Index(seen)
    report = diagnose(index)
    if findings is not None:
        report = Report(Verdict.DEGRADED, seen, tuple(findings), (), ())
    now = () if away else samples_of(index, probed, CATALOGUE, NOW)
    return World(
        scope=scope,
        now=NOW,
        report=Looked(problem=away) if away else Looked(report),
        samples=Looked((*history, *(SampleAt(NOW, each) for each in now))),
        probed=Looked(probed),
        backups=backups,
        certificates=certificates,
        disks=disks,
        thresholds=thresholds or Thresholds(),
        catalogue=CATALOGUE,
    )


def of_cluster(
    *,
    namespaces: Mapping[str, str] | None = None,
    nodes: Sequence[str] | None = None,
    disks: Looked[Sequence[DiskUse]] = ABSENT,
    pictures: Mapping[Namespace, Snapshot] | None = None,
) -> World:
    """Make a world of a cluster as a whole; nodes that are not named could not be listed.

    `pictures` are what was seen of its namespaces; without them, an empty one.
    """
    return replace(
        world(scope=SCOPE.whole, disks=disks),
        report=UNSEEN,
        samples=UNSEEN,
        probed=UNSEEN,
        namespaces=MappingProxyType(dict(namespaces or {SCOPE.namespace: ""})),
        pictures=MappingProxyType(dict({SCOPE.namespace: snapshot()} if pictures is None else pictures)),
        nodes=Looked(problem="no right") if nodes is None else Looked(tuple(nodes)),
    )


def finding(
    code: str = "NOT_READY",
    target: ObjectRef = API,
    *,
    severity: Severity = Severity.CRITICAL,
    because: tuple[ObjectRef, ...] = (),
) -> Finding:
    """Make a finding of which only its code, its object and its cause matter."""
    return Finding(
        code=code,
        severity=severity,
        target=target,
        title="is in trouble",
        summary="Nothing works.",
        because=because,
    )


def minutes(*shares: float | None, ref: ObjectRef = API, restarts: Sequence[int] = ()) -> tuple[SampleAt, ...]:
    """Make the samples of the last minutes, the oldest first, by the share of the CPU limit."""
    given = restarts or [0] * len(shares)
    return tuple(
        SampleAt(
            ago(60 * (len(given) - number)),
            Sample(ref=ref, desired=1, ready=1, restarts=count, cpu_share=share, cpu_m=100),
        )
        for number, (share, count) in enumerate(zip(shares or [None] * len(given), given, strict=True))
    )


def keys(judged: Judged) -> tuple[str, ...]:
    """Return what is true."""
    return tuple(signal.key for signal in judged.signals)
