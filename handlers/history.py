"""`history`: the revisions of a Deployment, with age, image, how long each ran, and who says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.closing import closing_buttons, freshness_line, unread_lines
from bot.diagnosis import Index, ago, differences, duration, version_of
from bot.diagnosis.replica_sets import revision_began
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.catalogue import Catalogue
from bot.domain.objects import CHANGE_CAUSE, ReplicaSet, Workload
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import count
from bot.domain.view import Block, Button, Context, Headline, Line, Mark, Paragraph, Table, View, bold, code, line
from bot.lookup import find_deployment
from bot.ports import Sources

PARTS = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS, Part.EVENTS})
# What each revision changed is told of the newest; the table names all of them.
MOST_CHANGES = 5


@dataclass(frozen=True, slots=True)
class Params:
    """Whose history."""

    workload: str = argument("a service of the catalogue or a Deployment's name", names_service=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """The snapshot and the workload in it."""

    snapshot: Snapshot
    catalogue: Catalogue
    target: ObjectRef


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: when it (last) began and ended, where that is known, and what it changed.

    The newest one has not ended. One that was rolled back to has a new number, and its first life is not told.
    """

    replica_set: ReplicaSet
    number: int
    began: datetime | None
    ended: datetime | None
    changed: str


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.catalogue is None:
        raise ValueError("history needs the cluster and the catalogue")
    snapshot = await sources.cluster.snapshot(sources.scope, PARTS)
    target = find_deployment(sources.request.text, params.workload, snapshot, sources.catalogue)
    return Seen(snapshot, sources.catalogue, target)


def revisions(index: Index, workload: Workload) -> list[Revision]:
    """Return the revisions, newest first."""
    sets = sorted(
        (found for found in index.replica_sets_of(workload) if found.revision is not None),
        key=lambda found: found.revision or 0,
    )
    began = {found.meta.uid: revision_began(index, workload, found) for found in sets}
    listed = []
    for place, found in enumerate(sets):
        before = sets[place - 1] if place else None
        changed = ", ".join(str(d) for d in differences(before, found)) if before else "the oldest that is kept"
        following = sets[place + 1] if place + 1 < len(sets) else None
        ended = _ended(found, following, sets, began) if following else None
        number = found.revision or 0
        listed.append(Revision(found, number, began[found.meta.uid], ended, changed or "nothing that is read here"))
    return listed[::-1]


def _ended(
    found: ReplicaSet, following: ReplicaSet, sets: Sequence[ReplicaSet], began: Mapping[str, datetime | None]
) -> datetime | None:
    """Return when a revision gave way; None when that is not known.

    Usually when the next one began. But the one that followed it may have been used again since, under a newer number:
    that it was made then still tells.
    """
    start, end = began[found.meta.uid], began[following.meta.uid]
    if start is None or end is None:
        return None
    made = [other.meta.created_at for other in sets if other.meta.created_at is not None]
    return min([end, *(at for at in made if at > start)])


def render(params: Params, seen: Seen, setting: Setting) -> View:
    snapshot = seen.snapshot
    workload = Index(snapshot).workload_by_ref[seen.target]
    name = seen.catalogue.alias_of(seen.target.kind, seen.target.name)
    listed = revisions(Index(snapshot), workload)
    current = workload.revision
    is_read = snapshot.has(Part.REPLICA_SETS)
    if is_read:
        newest = f", revision {current} is wanted now" if current is not None else ""
        summary, mark = f"{name}: {count(len(listed), 'revision')} kept{newest}", Mark.INFO
    else:
        reason = snapshot.status(Part.REPLICA_SETS).reason
        summary, mark = f"{name}: its revisions could not be read: {reason}", Mark.UNKNOWN
    blocks: list[Block] = [Headline(summary, mark)]
    if listed:
        rows = tuple(_row(revision, current, snapshot.observed_at) for revision in listed)
        blocks.append(Table(("revision", "image", "rolled out", "wanted for", "ready"), rows))
        blocks.append(Paragraph((line(bold("What each changed")), *_changes(listed, params.workload))))
    blocks.append(Context((*unread_lines(snapshot, PARTS), freshness_line(snapshot, setting))))
    more = [Button("Compare", setting.here(f"compare {params.workload}"))] if len(listed) > 1 else []
    blocks.append(closing_buttons(setting, *more))
    return View(summary, tuple(blocks), data=_data(listed, seen, current), exit_code=0 if is_read else 2)


def _row(revision: Revision, current: int | None, now: datetime) -> tuple[str, ...]:
    replica_set = revision.replica_set
    return (
        f"{revision.number}{' (now)' if revision.number == current else ''}",
        version_of(replica_set),
        ago(revision.began, now) if revision.began else "unknown",
        _ran(revision, current, now),
        f"{replica_set.ready}/{replica_set.desired}",
    )


def _changes(listed: Sequence[Revision], word: str) -> Iterable[Line]:
    for revision in listed[:MOST_CHANGES]:
        yield line(f"{revision.number}: {revision.changed}{_cause(revision)}")
    older = listed[MOST_CHANGES:]
    if older:
        example = f"compare {word} {older[1].number} {older[0].number}" if len(older) > 1 else ""
        yield line("Of older ones: ", code(example)) if example else line(f"{older[0].number}: {older[0].changed}")


def _ran(revision: Revision, current: int | None, now: datetime) -> str:
    ended = now if revision.number == current else revision.ended
    if revision.began is None or ended is None:
        return "unknown"
    return duration((ended - revision.began).total_seconds())


def _cause(revision: Revision) -> str:
    """Return the change cause that somebody noted. It is copied from release to release, so it is only a hint."""
    cause = revision.replica_set.meta.annotations.get(CHANGE_CAUSE, "")
    return f' (noted: "{cause}")' if cause else ""


def _data(listed: list[Revision], seen: Seen, current: int | None) -> dict[str, object]:
    return {
        "cluster": seen.snapshot.scope.cluster,
        "workload": {"kind": seen.target.kind, "namespace": seen.target.namespace, "name": seen.target.name},
        "current": current,
        "revisions": [
            {
                "revision": r.number,
                "version": version_of(r.replica_set),
                "images": [container.image for container in r.replica_set.containers],
                "began": r.began.isoformat(timespec="seconds") if r.began else None,
                "ended": r.ended.isoformat(timespec="seconds") if r.ended else None,
                "ready": r.replica_set.ready,
                "desired": r.replica_set.desired,
                "changed": r.changed,
                "noted": r.replica_set.meta.annotations.get(CHANGE_CAUSE, ""),
            }
            for r in listed
        ],
    }


ACTION = Query(
    name="history",
    summary="Show a Deployment's revisions: image, age, how long each ran, what it changed",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(("history api", "the revisions of one service"),),
)
