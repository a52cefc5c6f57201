"""Reads everything that a check looks at, side by side, each part within its own time. What fails is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from bot.checkup.bounded import BoundedCluster, BoundedLogs, too_late
from bot.checkup.extent import extent_of
from bot.checkup.probing import dependency_targets, health_targets, probe_all
from bot.checkup.seen import Looks, Seen
from bot.diagnosis import Index, diagnose
from bot.domain.catalogue import Catalogue
from bot.domain.snapshot import Snapshot
from bot.domain.targets import ObjectRef, Scope
from bot.domain.text import first_line
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import Probed, ProbeTarget
from bot.domain.watch.world import UNSEEN, Looked
from bot.errors import ClusterError, ClusterNotFound, UsageError
from bot.examine import examine
from bot.lookup import find_workload
from bot.ports import ClusterReader, Extras, LogStream, Probes, Sources

T = TypeVar("T")

LIMIT_S = 8.0
# Of the time for the cluster so much is for logs, and for the nodes' load: the snapshot alone is an answer, too.
BESIDES = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be checked and with what: all of a scope, or what belongs to one `service`.

    `catalogue` is that of the scope. `said` is the command, for suggestions when `service` is no service. With
    `dependencies` the targets that are none of the health URLs are asked, too. Each reading may take `limit_s`; how
    long it took, by its name, is noted in `took_s`.
    """

    scope: Scope
    now: datetime
    cluster: ClusterReader
    logs: LogStream
    catalogue: Catalogue
    watch: WatchPolicy = field(default_factory=WatchPolicy)
    probes: Probes | None = None
    extras: Extras | None = None
    service: str = ""
    said: str = ""
    dependencies: bool = False
    limit_s: float = LIMIT_S
    took_s: dict[str, float] = field(default_factory=dict, init=False, compare=False)

    @property
    def alias(self) -> str:
        return self.catalogue.service_of(self.service) if self.service else ""

    def find(self, snapshot: Snapshot) -> ObjectRef | None:
        """Return the workload of the service; None where all are meant. Raises `UsageError`."""
        return find_workload(self.said, self.service, snapshot, self.catalogue) if self.service else None


def asked_of(sources: Sources, service: str) -> Asked:
    """Return what a person asked to have checked. Raises ValueError without the ports that this takes."""
    if sources.cluster is None or sources.logs is None or sources.catalogue is None:
        raise ValueError("a check needs the cluster, its logs and the catalogue")
    return Asked(
        scope=sources.scope,
        now=sources.now,
        cluster=sources.cluster,
        logs=sources.logs,
        catalogue=sources.catalogue,
        watch=sources.watch or WatchPolicy(),
        probes=sources.probes,
        extras=sources.extras,
        service=service,
        said=sources.request.text,
    )


async def read_all(asked: Asked) -> Seen:
    """Return what was read. Raises `UsageError` when `service` is no service of the scope."""
    scope, of_all = asked.scope, not asked.service
    try:
        async with asyncio.TaskGroup() as group:
            cluster = group.create_task(timed(asked, "cluster", _cluster(asked)))
            health = group.create_task(timed(asked, "health", _probed(asked, dependencies=False)))
            dependencies = group.create_task(timed(asked, "dependencies", _probed(asked, dependencies=True)))
            certificates = group.create_task(timed(asked, "certificates", _extra(asked, _certificates)))
            disks = group.create_task(timed(asked, "disks", _extra(asked, _disks)))
            # A quota and a backup are those of a namespace, not of one service.
            quotas = group.create_task(timed(asked, "quotas", _extra(asked, _quotas, wanted=of_all)))
            backups = group.create_task(timed(asked, "backups", _extra(asked, _backups, wanted=of_all)))
    except ExceptionGroup as group_error:
        raise usage_error_in(group_error) from None
    looks = cluster.result().seen
    focus = looks.focus if looks else None
    return Seen(
        scope=scope,
        now=asked.now,
        service=asked.catalogue.alias_of(focus.kind, focus.name) if focus else asked.alias or asked.service,
        catalogue=asked.catalogue,
        watch=asked.watch,
        cluster=cluster.result(),
        health=health.result(),
        dependencies=dependencies.result(),
        quotas=quotas.result(),
        backups=backups.result(),
        certificates=certificates.result(),
        disks=disks.result(),
        took_s=asked.took_s,
        with_dependencies=asked.dependencies,
    )


def usage_error_in(group: ExceptionGroup[Exception]) -> Exception:
    """Return the error of the person who asked, which ends all readings; else what failed as it is."""
    return next((each for each in group.exceptions if isinstance(each, UsageError)), group)


async def timed(asked: Asked, name: str, reading: Awaitable[T]) -> T:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        return await reading
    finally:
        asked.took_s[name] = loop.time() - began


async def looked(reading: Awaitable[T], limit_s: float) -> Looked[T]:
    """Wait for a reading; say why when there is nothing."""
    try:
        async with asyncio.timeout(limit_s):
            return Looked(await reading)
    except TimeoutError:
        return Looked(problem=too_late(limit_s))
    except ClusterNotFound as error:
        return Looked(problem=_reason(error), absent=True)
    except ClusterError as error:
        return Looked(problem=_reason(error))


def _reason(error: ClusterError) -> str:
    return first_line(error.said).rstrip(".")


async def _cluster(asked: Asked) -> Looked[Looks]:
    found = await looked(_looks(asked), asked.limit_s)
    return replace(found, absent=False)  # a cluster that is not found decides, and is not as good as an empty one


async def _looks(asked: Asked) -> Looks:
    scope, besides_s = asked.scope, asked.limit_s * BESIDES
    cluster, logs = BoundedCluster(asked.cluster, besides_s), BoundedLogs(asked.logs, besides_s)
    report, focus = await examine(cluster, logs, scope, find=asked.find)
    index = Index(report.snapshot)
    extent = extent_of(index, focus)
    findings = report.findings
    if focus is not None:  # of what leads to it and lies below it, too
        refs = extent.refs()
        findings += tuple(
            found for found in diagnose(index).findings if found.target in refs and found not in report.findings
        )
    return Looks(report=report, index=index, findings=findings, extent=extent, focus=focus)


async def _probed(asked: Asked, *, dependencies: bool) -> Looked[Sequence[Probed]]:
    if dependencies and not asked.dependencies:
        return UNSEEN
    targets = targets_of(asked, dependencies=dependencies)
    if targets and asked.probes is None:
        return Looked(problem="nothing is probed from here")
    return Looked(await probe_all(asked.probes, targets, asked.now) if asked.probes is not None else ())


def targets_of(asked: Asked, *, dependencies: bool) -> tuple[ProbeTarget, ...]:
    """Return the targets of a check: its dependencies, or its health URLs."""
    if asked.service and not asked.alias:  # a workload that is none of the catalogue has none
        return ()
    if dependencies:
        return dependency_targets(asked.watch, asked.scope, asked.catalogue, asked.alias)
    return health_targets(asked.watch, asked.scope, asked.alias)


async def _extra(
    asked: Asked, read: Callable[[Extras, Scope], Awaitable[Sequence[T]]], *, wanted: bool = True
) -> Looked[Sequence[T]]:
    if not wanted:
        return UNSEEN
    if asked.extras is None:
        return Looked(problem="it is not read from here")
    return await looked(read(asked.extras, asked.scope), asked.limit_s)


def _quotas(extras: Extras, scope: Scope) -> Awaitable[Sequence[Quota]]:
    return extras.quotas(scope)


def _backups(extras: Extras, scope: Scope) -> Awaitable[Sequence[Backup]]:
    return extras.backups(scope.cluster)


def _certificates(extras: Extras, scope: Scope) -> Awaitable[Sequence[IssuedCertificate]]:
    return extras.certificates(scope)


def _disks(extras: Extras, scope: Scope) -> Awaitable[Sequence[DiskUse]]:
    return extras.disks(scope)
