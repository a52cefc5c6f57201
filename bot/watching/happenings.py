"""What happened between two looks and is no trouble: releases, scalings, renewed certificates. Pure.

A release is told by what the cluster itself knows of when it began, so that one that ends while nobody looks is told by
the next who does; of stateful sets and daemon sets it does not know that, see `set_releases`. The keys make each
happening one, however many replicas see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from bot.diagnosis import Index, version_of
from bot.diagnosis.replica_sets import replica_set_of_revision, revision_began
from bot.domain.catalogue import Catalogue
from bot.domain.objects import CHANGE_CAUSE, ReplicaSet, Workload
from bot.domain.snapshot import Snapshot
from bot.domain.targets import ObjectRef, Scope
from bot.domain.watch.extras import IssuedCertificate
from bot.domain.watch.probes import Probed
from bot.domain.watch.samples import Note
from bot.domain.watch.world import World
from bot.watching.measuring import words
from bot.watching.set_releases import RECENT, RELEASE, Complete, SetRelease, complete_sets, set_releases

SCALING = "scaling"
RENEWAL = "renewal"
_RESCALED_WITHIN = timedelta(minutes=5)
_SCALED_KINDS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What happenings are told from: the last time that each part of it was seen.

    `sets` are the revisions that stateful sets and daemon sets were complete with last, by the workload's uid.
    """

    snapshot: Snapshot | None = None
    sets: Mapping[str, Complete] = field(default_factory=lambda: MappingProxyType({}))
    certificates: Sequence[IssuedCertificate] = ()
    probed: Sequence[Probed] = ()

    @classmethod
    def of(cls, world: World, before: Sight | None) -> Sight:
        """Return what is seen now; what was not looked at now is as it was before."""
        before = before or cls()
        report, certificates, probed = world.report.seen, world.certificates.seen, world.probed.seen
        served = {each.target.name: each for each in before.probed}
        served |= {each.target.name: each for each in probed or () if each.certificates}
        return cls(
            snapshot=before.snapshot if report is None else report.snapshot,
            sets=before.sets if report is None else complete_sets(report.snapshot, before.sets, world.now),
            certificates=before.certificates if certificates is None else certificates,
            probed=tuple(served.values()),
        )


def notes_of(before: Sight, after: Sight, scope: Scope, catalogue: Catalogue, now: datetime) -> tuple[Note, ...]:
    """Return what happened between two looks, but for releases of sets: see `releases_of_sets`."""
    notes: list[Note] = []
    if after.snapshot is not None:
        index = Index(after.snapshot)
        notes += _releases(index, scope, catalogue, now)
        notes += _scalings(index, before.snapshot, scope, catalogue, now)
    return (*notes, *_renewed(before, after, scope, now), *_served_anew(before, after, scope, now))


def releases_of_sets(
    before: Sight | None, after: Sight, scope: Scope, catalogue: Catalogue, now: datetime
) -> tuple[SetRelease, ...]:
    """Return what may be a release of a stateful set or a daemon set; `before` is None at the first look."""
    if after.snapshot is None:
        return ()
    return tuple(set_releases(after.snapshot, before.sets if before else {}, after.sets, scope, catalogue, now))


# --- releases ---------------------------------------------------------------------------------------------------------


def _releases(index: Index, scope: Scope, catalogue: Catalogue, now: datetime) -> Iterator[Note]:
    for workload in index.snapshot.workloads:
        if workload.kind == "Deployment" and workload.is_complete:
            name = catalogue.alias_of(workload.kind, workload.meta.name)
            yield from _release(index, workload, name, scope, now)


def _release(index: Index, workload: Workload, name: str, scope: Scope, now: datetime) -> Iterator[Note]:
    number = workload.revision
    replica_set = replica_set_of_revision(index, workload, number) if number else None
    if replica_set is None or (number or 0) < 2 or replica_set.ready < workload.desired:
        return
    began = revision_began(index, workload, replica_set)
    if began is None or now - began > RECENT:
        return
    last = max(
        (each for each in index.replica_sets_of(workload) if each.meta.uid != replica_set.meta.uid),
        key=lambda each: each.revision or 0,
        default=None,
    )
    cause = workload.meta.annotations.get(CHANGE_CAUSE, "")
    said = f"{name} was released as revision {number}: {_versions(last, replica_set)}." + (f" {cause}" if cause else "")
    yield _note(RELEASE, f"{workload.meta.uid}:{number}", scope, index.ref(workload), said, now)


def _versions(last: ReplicaSet | None, now_is: ReplicaSet) -> str:
    was, to = (None if last is None else version_of(last)), version_of(now_is)
    if was == to:
        return f"{to} as before, restarted or with other settings"
    return f"{was} → {to}" if was else to


# --- scalings ---------------------------------------------------------------------------------------------------------


def _scalings(
    index: Index, before: Snapshot | None, scope: Scope, catalogue: Catalogue, now: datetime
) -> Iterator[Note]:
    known = _by_uid(before)
    for workload in index.snapshot.workloads:
        was = known.get(workload.meta.uid)
        if was is None or workload.kind not in _SCALED_KINDS or was.desired == workload.desired:
            continue
        name = catalogue.alias_of(workload.kind, workload.meta.name)
        said = f"{name} was scaled from {was.desired} to {workload.desired} pods{_by_whom(index, workload)}."
        key = f"{workload.meta.uid}:{workload.meta.generation}"
        yield _note(SCALING, key, scope, index.ref(workload), said, now)


def _by_whom(index: Index, workload: Workload) -> str:
    """Say that an autoscaler did it, and why, where its event tells of the same number."""
    for autoscaler in index.autoscalers_of(workload):
        for event in index.events(autoscaler.meta.uid, "SuccessfulRescale", within=_RESCALED_WITHIN):
            if f"New size: {workload.desired};" in event.message:
                reason = event.message.partition("reason: ")[2]
                return f" by its autoscaler ({reason})" if reason else " by its autoscaler"
    return ""


# --- certificates -----------------------------------------------------------------------------------------------------


def _renewed(before: Sight, after: Sight, scope: Scope, now: datetime) -> Iterator[Note]:
    known = {each.name: each.revision for each in before.certificates}
    for each in after.certificates:
        if each.name in known and each.revision > known[each.name]:
            until = f", valid until {each.not_after:%Y-%m-%d}" if each.not_after else ""
            ref = ObjectRef("Certificate", scope.namespace, each.name)
            names = ", ".join(each.names[:3]) or each.name
            yield _note(
                RENEWAL, f"{each.name}:{each.revision}", scope, ref, f"Certificate of {names} was renewed{until}.", now
            )


def _served_anew(before: Sight, after: Sight, scope: Scope, now: datetime) -> Iterator[Note]:
    known = {each.target.name: {one.serial for one in each.certificates} for each in before.probed}
    for each in after.probed:
        name = each.target.name
        fresh = [one for one in each.certificates if name in known and one.serial not in known[name]]
        for one in fresh[:1]:
            said = f"{name} serves a new certificate, valid until {one.not_after:%Y-%m-%d}."
            yield _note(RENEWAL, f"{name}:{one.serial}", scope, ObjectRef("Target", scope.namespace, name), said, now)


def _by_uid(snapshot: Snapshot | None) -> Mapping[str, Workload]:
    return {} if snapshot is None else {workload.meta.uid: workload for workload in snapshot.workloads}


def _note(kind: str, key: str, scope: Scope, ref: ObjectRef, said: str, now: datetime) -> Note:
    return Note(key=f"{kind}:{key}"[:500], kind=kind, scope=scope, ref=ref, words=words(said), at=now)
