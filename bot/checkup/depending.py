"""What services depend on: asked by us, and compared with what the pods that use it say themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bot.checkup.bounded import BoundedCluster, BoundedLogs
from bot.checkup.probing import probe_all
from bot.checkup.reading import BESIDES, Asked, looked, targets_of, usage_error_in
from bot.diagnosis import Index
from bot.diagnosis.dependency_verdicts import DependencyVerdict, dependency_verdict, logs_wanted
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Report
from bot.domain.snapshot import LogKey, LogQuery, LogRead, Snapshot
from bot.domain.targets import Scope
from bot.domain.watch.probes import Probed, ProbeTarget
from bot.domain.watch.world import Looked
from bot.examine import examine

# Of each log so much is looked through for complaints.
LOG_LINES = 200
LOG_S = 300


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a target said, and what came of comparing it; None where the pods could not be looked at."""

    probed: Probed
    verdict: DependencyVerdict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Everything that was asked. `problem` says why nothing was, though there are `targets`."""

    scope: Scope
    at: datetime
    catalogue: Catalogue
    service: str = ""
    targets: tuple[ProbeTarget, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    report: Looked[Report]
    problem: str = ""
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Pods:
    """What the pods say: the findings about them, and their logs."""

    report: Report
    service: str
    logs: Mapping[LogKey, LogRead]


async def look_at_dependencies(asked: Asked) -> Dependencies:
    """Ask everything that a scope's services, or one of them, depend on, and read what the pods say meanwhile.

    Raises `UsageError` when `service` is none. A cluster that cannot be read is said; what we see ourselves is told
    without it.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    targets, probes = targets_of(asked, dependencies=True), asked.probes
    try:
        async with asyncio.TaskGroup() as group:
            said_by_pods = group.create_task(looked(_pods(asked, targets), asked.limit_s))
            said_by_targets = group.create_task(probe_all(probes, targets, asked.now)) if probes is not None else None
    except ExceptionGroup as group_error:
        raise usage_error_in(group_error) from None
    pods = said_by_pods.result().seen
    return Dependencies(
        scope=asked.scope,
        at=asked.now,
        catalogue=asked.catalogue,
        service=pods.service if pods else asked.alias or asked.service,
        targets=targets,
        dependencies=_compared(said_by_targets.result() if said_by_targets else (), pods, asked.catalogue),
        report=Looked(pods.report if pods else None, problem=said_by_pods.result().problem),
        problem="nothing is probed from here" if targets and probes is None else "",
        took_s=loop.time() - began,
    )


async def _pods(asked: Asked, targets: Sequence[ProbeTarget]) -> _Pods:
    """Read what the pods say: all of the scope, for others than the service that is meant may use the same target."""
    besides_s, names = asked.limit_s * BESIDES, []

    def name(snapshot: Snapshot) -> None:
        focus = asked.find(snapshot)
        names.append(asked.catalogue.alias_of(focus.kind, focus.name) if focus else "")

    logs = BoundedLogs(asked.logs, besides_s)
    report, _ = await examine(BoundedCluster(asked.cluster, besides_s), logs, asked.scope, find=name)
    keys = logs_wanted(Index(report.snapshot), targets, asked.catalogue) if asked.probes is not None else ()
    queries = [LogQuery(key=key, tail=LOG_LINES, since_s=LOG_S) for key in keys]
    read = await logs.read(asked.scope, queries) if queries else {}
    return _Pods(report, names[0], MappingProxyType(dict(read)))


def _compared(probed: tuple[Probed, ...], pods: _Pods | None, catalogue: Catalogue) -> tuple[Dependency, ...]:
    if pods is None:
        return tuple(Dependency(each, None) for each in probed)
    index = Index(pods.report.snapshot)
    return tuple(
        Dependency(each, dependency_verdict(index, pods.report.findings, each, catalogue, pods.logs)) for each in probed
    )
