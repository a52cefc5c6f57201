"""Reads everything that the rules look at, of one namespace at one moment, each part as often as it is worth it.

Health URLs and the cluster are looked at each time, dependencies once a minute, backups, certificates, quotas and disks
every five minutes; in between what was read last counts. What cannot be read says why, and is never empty instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from bot.checkup.extent import extent_of
from bot.checkup.probing import probe_all
from bot.checkup.reading import looked
from bot.checkup.seen import Looks, Seen
from bot.diagnosis import DECISIVE_PARTS, Index
from bot.domain.findings import Report
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import Scope
from bot.domain.watch.extras import Backup, DiskUse, IssuedCertificate, Quota
from bot.domain.watch.probes import Probed, ProbeTarget
from bot.domain.watch.samples import Sample, SampleAt
from bot.domain.watch.world import UNSEEN, Looked, World
from bot.examine import examine
from bot.ports import Extras
from bot.watching.recording import samples_of
from bot.watching.room import WatchRoom
from bot.watching.sight import away, unread

T = TypeVar("T")

MINUTE = timedelta(minutes=1)
# By these it is judged whether a namespace can be read, which nodes there are, and what is lost with one of them. All
# are kept up to date anyway.
_SHARED = frozenset({*DECISIVE_PARTS, Part.REPLICA_SETS, Part.NODES})
# When what was read last counts no more: a little later than it is to be read again, by whoever then looks.
_DEPENDENCIES_LAST = timedelta(seconds=75)
_EXTRAS_LAST = timedelta(seconds=330)
_EXTRAS_EVERY_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What was read: for the rules, for what is kept, and the samples of now; none where the cluster is not seen.

    Of a cluster as a whole nothing is kept but alerts: `seen` is None.
    """

    world: World
    seen: Seen | None = None
    samples: tuple[Sample, ...] = ()
    newest_minute: datetime | None = None


@dataclass(slots=True)
class _Kept:
    """What was read last of one scope, and when."""

    probed: dict[str, tuple[datetime, Probed]] = field(default_factory=dict)
    extras: dict[str, tuple[datetime, Looked[Any]]] = field(default_factory=dict)


class Reader:
    """Reads for one replica."""

    def __init__(self, room: WatchRoom) -> None:
        self._room = room
        self._kept: dict[Scope, _Kept] = {}

    async def read(self, scope: Scope, tick: datetime) -> Readings:
        """Read a scope as it is now; `tick` decides what is due. Raises `StoreUnavailable`."""
        room, kept = self._room, self._kept.setdefault(scope, _Kept())
        if scope == scope.whole:
            return await self._cluster(scope, kept, tick)
        # Before all else: without a database nothing that is read could be kept.
        history = await room.store.history.samples(scope, since=room.clock.now() - self._longest())
        async with asyncio.TaskGroup() as group:
            report = group.create_task(self._report(scope))
            probed = group.create_task(self._probed(scope, kept, tick))
            extras = group.create_task(self._extras(scope, kept, tick))
        return self._readings(scope, report.result(), probed.result(), extras.result(), history)

    def _longest(self) -> timedelta:
        thresholds = self._room.policy.thresholds
        return timedelta(minutes=max(thresholds.cpu_minutes, thresholds.restarts_minutes) + 1)

    def _readings(
        self,
        scope: Scope,
        report: Looked[Report],
        probed: Sequence[Probed],
        extras: _Extras,
        history: Sequence[SampleAt],
    ) -> Readings:
        room = self._room
        now, catalogue = room.clock.now(), room.catalogue_at(scope)
        index = None if report.seen is None else Index(report.seen.snapshot)
        samples = () if index is None else samples_of(index, probed, catalogue, now)
        world = World(
            scope=scope,
            now=now,
            report=report,
            samples=Looked((*history, *(SampleAt(now, sample) for sample in samples))),
            probed=Looked(probed) if room.probes is not None else UNSEEN,
            backups=extras.backups,
            certificates=extras.certificates,
            disks=extras.disks,
            thresholds=room.policy.thresholds,
            catalogue=catalogue,
        )
        seen = Seen(
            scope=scope,
            now=now,
            service="",
            catalogue=catalogue,
            watch=room.policy,
            cluster=Looked(None if index is None else _looks(report.seen, index), problem=report.problem),
            health=Looked(tuple(each for each in probed if not each.target.is_dependency)),
            dependencies=Looked(tuple(each for each in probed if each.target.is_dependency)),
            quotas=extras.quotas,
            backups=extras.backups,
            certificates=extras.certificates,
            disks=extras.disks,
            took_s={},
            with_dependencies=True,
        )
        return Readings(
            world=world, seen=seen, samples=samples, newest_minute=max((each.at for each in history), default=None)
        )

    # --- the cluster --------------------------------------------------------------------------------------------------

    async def _report(self, scope: Scope) -> Looked[Report]:
        """Return the report; why there is none when the cluster is away, be it that only an old picture is left."""
        found = await looked(self._examined(scope), self._room.look_s)
        if found.seen is None:
            return replace(found, absent=False)
        why = away(found.seen.snapshot)
        return Looked(problem=why) if why else found

    async def _examined(self, scope: Scope) -> Report:
        report, _ = await examine(self._room.cluster, self._room.logs, scope)
        return report

    # --- a cluster as a whole -----------------------------------------------------------------------------------------

    async def _cluster(self, scope: Scope, kept: _Kept, tick: datetime) -> Readings:
        """Read what all namespaces of a cluster share: whether they can be read, its nodes and their disks."""
        room = self._room
        own = [each for each in room.scopes.all() if each.whole == scope]
        extras, snapshots = await asyncio.gather(
            self._extras(scope, kept, tick),
            asyncio.gather(*(looked(room.cluster.snapshot(each, _SHARED), room.look_s) for each in own)),
        )
        namespaces = [each.namespace for each in own]
        problems = [each.problem if each.seen is None else away(each.seen) for each in snapshots]
        pictures: dict[str, Snapshot] = {
            namespace: each.seen
            for namespace, each, why in zip(namespaces, snapshots, problems, strict=True)
            if each.seen is not None and not why
        }
        return Readings(
            world=World(
                scope=scope,
                now=room.clock.now(),
                report=UNSEEN,
                samples=UNSEEN,
                probed=UNSEEN,
                backups=UNSEEN,
                certificates=UNSEEN,
                disks=extras.disks,
                thresholds=room.policy.thresholds,
                catalogue=room.catalogue_at(scope),
                namespaces=MappingProxyType(dict(zip(namespaces, problems, strict=True))),
                pictures=MappingProxyType(pictures),
                nodes=_nodes(each.seen for each in snapshots),
            )
        )

    # --- targets ------------------------------------------------------------------------------------------------------

    async def _probed(self, scope: Scope, kept: _Kept, tick: datetime) -> tuple[Probed, ...]:
        """Return what each target of the scope says now, or said last; nothing where nobody may ask."""
        room = self._room
        targets = [target for target in room.policy.targets_of(scope) if target.scope == scope]
        if room.probes is None:
            return ()
        due = [target for target in targets if not target.is_dependency or self._is_due(kept, target, tick)]
        now = room.clock.now()
        answers = await probe_all(room.probes, due, now)
        for each in answers:
            room.meter.probed(each.target.kind.value, each.health.value)
        kept.probed = {target.name: kept.probed[target.name] for target in targets if target.name in kept.probed}
        kept.probed |= {each.target.name: (now, each) for each in answers}
        return tuple(kept.probed[target.name][1] for target in targets)

    def _is_due(self, kept: _Kept, target: ProbeTarget, tick: datetime) -> bool:
        last = kept.probed.get(target.name)
        if last is None or last[1].target != target or self._begins(tick, MINUTE.total_seconds()):
            return True
        return self._room.clock.now() - last[0] > _DEPENDENCIES_LAST

    def _begins(self, tick: datetime, every_s: float) -> bool:
        """Tell whether a tick is the first of its minute, or of its five minutes."""
        return tick.timestamp() % every_s < self._room.policy.every_s

    # --- what is read besides -----------------------------------------------------------------------------------------

    async def _extras(self, scope: Scope, kept: _Kept, tick: datetime) -> _Extras:
        extras = self._room.extras
        if extras is None:
            return _Extras()
        reads = _reads(extras, scope)
        due = [name for name in reads if self._extra_is_due(kept, name, tick)]
        found = await asyncio.gather(*(looked(reads[name](), self._room.look_s) for name in due))
        now = self._room.clock.now()
        kept.extras |= {name: (now, each) for name, each in zip(due, found, strict=True)}
        return _Extras(**{name: kept.extras[name][1] for name in reads})

    def _extra_is_due(self, kept: _Kept, name: str, tick: datetime) -> bool:
        if name not in kept.extras or self._begins(tick, _EXTRAS_EVERY_S):
            return True
        return self._room.clock.now() - kept.extras[name][0] > _EXTRAS_LAST


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extras:
    """What is read besides the snapshot."""

    quotas: Looked[Sequence[Quota]] = UNSEEN
    backups: Looked[Sequence[Backup]] = UNSEEN
    certificates: Looked[Sequence[IssuedCertificate]] = UNSEEN
    disks: Looked[Sequence[DiskUse]] = UNSEEN


def _reads(extras: Extras, scope: Scope) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return what is read of a namespace; of a cluster as a whole, the disks of its nodes."""
    shared: dict[str, Callable[[], Awaitable[Any]]] = {"disks": lambda: extras.disks(scope)}
    if scope == scope.whole:
        return shared
    return shared | {
        "quotas": lambda: extras.quotas(scope),
        "backups": lambda: extras.backups(scope.cluster),
        "certificates": lambda: extras.certificates(scope),
    }


def _nodes(snapshots: Iterable[Snapshot | None]) -> Looked[Collection[str]]:
    """Return the names of a cluster's nodes, by whichever picture has them; why there are none, else."""
    why = ""
    for snapshot in snapshots:
        if snapshot is not None:
            why = unread(snapshot, ["node"])
            if not why:
                return Looked(tuple(node.meta.name for node in snapshot.nodes))
    return Looked(problem=why or "the cluster cannot be read")


def _looks(report: Report | None, index: Index) -> Looks | None:
    if report is None:
        return None
    return Looks(report=report, index=index, findings=report.findings, extent=extent_of(index, None), focus=None)
