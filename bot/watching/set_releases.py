"""Releases of stateful sets and daemon sets, in whose objects no history of releases stands. Pure.

What a set ran before is known by whoever saw it; after a start, by what the store says was seen to work. Whether
somebody else has told of it, the notes say: what is told last of a set is the revision that it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from bot.diagnosis import Index
from bot.domain.catalogue import Catalogue
from bot.domain.objects import Workload
from bot.domain.snapshot import Freshness, Part, Snapshot
from bot.domain.targets import Scope
from bot.domain.watch.samples import Note
from bot.ports import WorkedRevision
from bot.watching.measuring import words

RELEASE = "release"
# A release that ended longer ago is no news.
RECENT = timedelta(hours=1)
# A revision that was seen to work longer ago than this is not what a set ran just before: a roll-out takes its time, a
# revision that never worked may have stood between, and the bot was away for a while.
JUST_BEFORE = timedelta(days=1)
# Nothing is seen to work before its pods were ready for so long: what was told of in this time before, came after. Two
# clocks need not agree more closely.
_READY_FOR = timedelta(minutes=1)
# By this label of its pods a daemon set's revision is known.
_HASH = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class Complete:
    """The revision that a set was complete with, and when that was seen last."""

    revision: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRelease:
    """A set that is complete with another revision than before; or nobody here saw it before.

    `since` is when the one before was seen last, None where the store has to be asked. `named` is the revision by the
    name of its ControllerRevision. `note` is what is to be told, if it is news.
    """

    uid: str
    revision: str
    named: str
    since: datetime | None
    note: Note


def complete_sets(snapshot: Snapshot, before: Mapping[str, Complete], now: datetime) -> Mapping[str, Complete]:
    """Return what each set is complete with, by its uid; of what is not complete now, what it was complete with."""
    index, there = Index(snapshot), {workload.meta.uid for workload in snapshot.workloads}
    all_read = all(snapshot.status(part).freshness is Freshness.LIVE for part in (Part.STATEFUL_SETS, Part.DAEMON_SETS))
    kept = {uid: complete for uid, complete in before.items() if uid in there or not all_read}
    for workload in snapshot.workloads:
        revision = _revision(index, workload) if workload.is_complete else ""
        if revision:
            kept[workload.meta.uid] = Complete(revision, now)
    return MappingProxyType(kept)


def _revision(index: Index, workload: Workload) -> str:
    """Return the revision that all pods of a set run that is complete; nothing of others, and where it is not known.

    A stateful set's current revision is not asked: where pods are replaced by hand it stays what it was first.
    """
    if workload.kind == "StatefulSet":
        return workload.update_revision
    if workload.kind != "DaemonSet":
        return ""
    own = {pod.meta.labels.get(_HASH, "") for pod in index.pods_of(workload) if pod.meta.deleted_at is None}
    return own.pop() if len(own) == 1 else ""


def set_releases(
    snapshot: Snapshot,
    before: Mapping[str, Complete],
    after: Mapping[str, Complete],
    scope: Scope,
    catalogue: Catalogue,
    now: datetime,
) -> Iterator[SetRelease]:
    """Yield what may be a release, of the sets that are complete `now`; `before` is what this process saw before."""
    index = Index(snapshot)
    for workload in snapshot.workloads:
        uid = workload.meta.uid
        if not workload.is_complete or uid not in after or after[uid].at != now:
            continue
        was, revision = before.get(uid), after[uid].revision
        if was is not None and was.revision == revision:
            continue
        newest = _newest(index, workload)
        if was is None and (newest is None or now - newest > RECENT):
            continue
        name = catalogue.alias_of(workload.kind, workload.meta.name)
        made = "" if newest is None else newest.isoformat(timespec="seconds")
        yield SetRelease(
            uid=uid,
            revision=revision,
            named=revision if workload.kind == "StatefulSet" else f"{workload.meta.name}-{revision}",
            since=None if was is None else was.at,
            note=Note(
                key=f"{_of(uid, revision)}{made}"[:500],
                kind=RELEASE,
                scope=scope,
                ref=index.ref(workload),
                words=words(f"{name} was released: all {workload.desired} pods run the new revision."),
                at=now,
            ),
        )


def _newest(index: Index, workload: Workload) -> datetime | None:
    """Return when the last pod was made: what tells a release from an earlier one of the same revision."""
    return max(
        (pod.meta.created_at for pod in index.pods_of(workload) if pod.meta.created_at is not None), default=None
    )


def is_news(release: SetRelease, worked: Iterable[WorkedRevision], told: Iterable[Note]) -> bool:
    """Tell whether it is a release, and nobody has told of it.

    `worked` is what was seen to work of a set by this name, `told` are the notes of at least the last `JUST_BEFORE`,
    and of all since the revision before was seen.
    """
    since = release.since or _before(release, worked)
    if since is None:
        return False
    of_set = f"{RELEASE}:{release.uid}:"
    own = (note for note in told if note.key.startswith(of_set) and note.at >= since)
    last = max(own, key=lambda note: note.at, default=None)
    return last is None or not last.key.startswith(_of(release.uid, release.revision))


def _before(release: SetRelease, worked: Iterable[WorkedRevision]) -> datetime | None:
    """Return when another revision of the set was seen to work last; None if there is none, or that is no news."""
    now = release.note.at
    own = [each for each in worked if each.workload_uid == release.uid]
    last = max((each.last_at for each in own if each.revision_uid != release.named), default=None)
    if last is None or now - last > JUST_BEFORE:
        return None
    began = next((each.first_at for each in own if each.revision_uid == release.named), now)
    return None if began > last and now - began > RECENT else last - _READY_FOR


def _of(uid: str, revision: str) -> str:
    """Return how the keys begin of what is told of a set that runs a revision."""
    return f"{RELEASE}:{uid}:{revision}:"
