"""`history`: the revisions of a Deployment, with age, image, how long each ran, and who says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.diagnosis import Index, ago, count, differences, duration, tag_of
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.catalogue import Catalogue
from bot.domain.objects import CHANGE_CAUSE, ReplicaSet, Workload
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.view import Block, Button, Buttons, Context, Headline, Paragraph, Table, View, line
from bot.errors import UsageError
from bot.lookup import find_workload, freshness_line, unread_lines
from bot.ports import Sources

PARTS = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS, Part.EVENTS})


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
    """One revision: when it began, when the next one did (None: it is the newest), and what it changed."""

    replica_set: ReplicaSet
    number: int
    began: datetime | None
    ended: datetime | None
    changed: str


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.catalogue is None:
        raise ValueError("history needs the cluster and the catalogue")
    snapshot = await sources.cluster.snapshot(sources.scope, PARTS)
    target = find_workload("history", params.workload, snapshot, sources.catalogue)
    if target.kind != "Deployment":
        raise UsageError(f"{target.name} is a {target.kind}; only the revisions of Deployments can be read.")
    return Seen(snapshot, sources.catalogue, target)


def revisions(index: Index, workload: Workload) -> list[Revision]:
    """Return the revisions, newest first."""
    sets = sorted(
        (found for found in index.replica_sets_of(workload) if found.revision is not None),
        key=lambda found: found.revision or 0,
    )
    began = [index.revision_began(workload, found) for found in sets]
    listed = []
    for place, found in enumerate(sets):
        before = sets[place - 1] if place else None
        changed = ", ".join(str(d) for d in differences(before, found)) if before else "the oldest that is kept"
        ended = began[place + 1] if place + 1 < len(sets) else None
        listed.append(Revision(found, found.revision or 0, began[place], ended, changed or "nothing that is read here"))
    return listed[::-1]


def render(params: Params, seen: Seen, setting: Setting) -> View:
    index = Index(seen.snapshot)
    workload = index.workload_by_ref[seen.target]
    name = seen.catalogue.alias_of(seen.target.kind, seen.target.name)
    listed = revisions(index, workload)
    now = seen.snapshot.observed_at
    current = workload.revision
    summary = f"{name}: {count(len(listed), 'revision')} kept, revision {current} is wanted now"
    rows = tuple(
        (
            f"{r.number}{' (now)' if r.number == current else ''}",
            tag_of(r.replica_set.containers[0].image) if r.replica_set.containers else "unknown",
            ago(r.began, now),
            _ran(r, now),
            f"{r.replica_set.ready}/{r.replica_set.desired}",
        )
        for r in listed
    )
    changes = tuple(line(f"{r.number}: {r.changed}{_cause(r)}") for r in listed)
    buttons = [Button("Compare", f"compare {params.workload}")] if len(listed) > 1 else []
    blocks: list[Block] = [
        Headline(summary),
        Table(("revision", "image", "rolled out", "wanted for", "ready"), rows),
        Paragraph((line("What each changed:"), *changes)),
        Context((*unread_lines(seen.snapshot, PARTS), freshness_line(seen.snapshot, setting))),
    ]
    if buttons:
        blocks.append(Buttons(tuple(buttons)))
    return View(summary, tuple(blocks), data=_data(listed, seen, current))


def _ran(revision: Revision, now: datetime) -> str:
    if revision.began is None:
        return "unknown"
    return duration(((revision.ended or now) - revision.began).total_seconds())


def _cause(revision: Revision) -> str:
    """Return the change cause that somebody noted. It is copied from release to release, so it is only a hint."""
    cause = revision.replica_set.meta.annotations.get(CHANGE_CAUSE, "")
    return f' (noted: "{cause}")' if cause else ""


def _data(listed: list[Revision], seen: Seen, current: int | None) -> dict[str, object]:
    return {
        "workload": {"kind": seen.target.kind, "namespace": seen.target.namespace, "name": seen.target.name},
        "current": current,
        "revisions": [
            {
                "revision": r.number,
                "images": [container.image for container in r.replica_set.containers],
                "began": r.began.isoformat() if r.began else None,
                "ended": r.ended.isoformat() if r.ended else None,
                "ready": r.replica_set.ready,
                "desired": r.replica_set.desired,
                "changed": r.changed,
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
