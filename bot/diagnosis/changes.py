"""What changed, when, and to whom: the candidates for "what happened just before".

A change is only ever *likely* the reason: it is ranked by how short before the onset it was, and by how well its scope
fits (the pods of just that revision are ill, or those on just that node).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from bot.diagnosis.index import Index
from bot.diagnosis.replica_sets import revision_began
from bot.diagnosis.revisions import differences, is_restart
from bot.diagnosis.scalings import By, Scaling, scalings
from bot.diagnosis.words import duration, tag_of
from bot.domain.objects import Node, ReplicaSet, Workload
from bot.domain.targets import ObjectRef

# A change this long before the onset may still be its reason.
REACH = timedelta(minutes=30)
# The onset may be known a little too early (the first event of a kind), so a change shortly after it counts, too.
SLACK = timedelta(seconds=30)
# Conditions of every node; others are of somebody's making, and what "True" means for them is not known.
_NODE_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


class Scope(IntEnum):
    """How well a change's scope fits a trouble. A better fit may lie that many times longer before the onset."""

    ELSEWHERE = 1
    WORKLOAD = 3
    NODE = 6
    REVISION = 30


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one object. `revision` is set where it made one."""

    at: datetime
    target: ObjectRef
    what: str
    revision: int | None = None


def changes_of(index: Index, workload: Workload) -> list[Change]:
    """Return what is known to have changed of a workload: revisions, restarts, scalings; newest first."""
    target = index.ref(workload)
    found = [
        *_revisions(index, workload, target),
        *_restart(workload, target),
        *(_scaled(scaling, target) for scaling in scalings(index, workload) if scaling.by is not By.ROLL_OUT),
    ]
    return sorted(found, key=lambda change: change.at, reverse=True)


def likely_change(
    index: Index, workload: Workload | None, *, since: datetime | None, revision: int | None, nodes: Iterable[Node] = ()
) -> Change | None:
    """Return the change that most likely began a trouble, by lag and scope; None when nothing changed near it.

    `nodes` are those of the pods in trouble.
    """
    if workload is None or since is None:
        return None
    own, around = changes_of(index, workload), [change for node in nodes for change in _node_changes(node)]
    near = [change for change in dict.fromkeys([*own, *around]) if -SLACK <= since - change.at <= REACH]
    return min(near, key=lambda change: (_distance(change, since, revision), -change.at.timestamp()), default=None)


def in_words(change: Change, since: datetime) -> str:
    """Say a change beside the onset: `20 s after revision 8 (image v1.1 → v1.2)`."""
    lag = (since - change.at).total_seconds()
    when = f"{duration(lag)} after" if lag >= 1 else "at the time of"
    return f"{when} {change.what}"


def _distance(change: Change, since: datetime, revision: int | None) -> float:
    lag = max(abs((since - change.at).total_seconds()), 1.0)
    return lag / _scope(change, revision)


def _scope(change: Change, revision: int | None) -> Scope:
    if change.target.kind == "Node":
        return Scope.NODE
    if change.revision is None:
        return Scope.WORKLOAD
    return Scope.REVISION if revision == change.revision else Scope.ELSEWHERE


def _revisions(index: Index, workload: Workload, target: ObjectRef) -> Iterable[Change]:
    sets = sorted(index.replica_sets_of(workload), key=lambda replica_set: replica_set.revision or 0)
    for before, after in zip([None, *sets], sets, strict=False):
        began = revision_began(index, workload, after)
        if after.revision is not None and began is not None:
            yield Change(began, target, _revision_in_words(before, after), after.revision)


def _revision_in_words(before: ReplicaSet | None, after: ReplicaSet) -> str:
    name = f"revision {after.revision}"
    if before is None:
        image = f" ({tag_of(after.containers[0].image)})" if after.containers else ""
        return f"{name}{image}, the {'first' if after.revision == 1 else 'oldest that is kept'}"
    found = differences(before, after)
    if is_restart(found):
        return f"a restart by hand ({name})"
    told = ", ".join(str(difference) for difference in found[:4])
    return f"{name} ({told})" if told else name


def _restart(workload: Workload, target: ObjectRef) -> Iterable[Change]:
    """Tell a restart of what has no revisions here; that of a Deployment is a revision of its own."""
    if workload.kind != "Deployment" and workload.template_restarted_at is not None:
        yield Change(workload.template_restarted_at, target, "a restart by hand")


def _scaled(scaling: Scaling, target: ObjectRef) -> Change:
    size = f"from {scaling.before} to {scaling.after}" if scaling.before is not None else f"to {scaling.after}"
    return Change(scaling.at, target, f"a scaling {size} {scaling.by.value}".rstrip())


def _node_changes(node: Node) -> Iterable[Change]:
    target = ObjectRef("Node", "", node.meta.name)
    if node.meta.created_at is not None:
        yield Change(node.meta.created_at, target, f"node {node.meta.name} joined")
    for condition in node.conditions:
        if condition.type not in _NODE_CONDITIONS or condition.changed_at is None:
            continue
        is_bad = condition.status != "True" if condition.type == "Ready" else condition.status == "True"
        if is_bad:
            became = "not ready" if condition.type == "Ready" else condition.type
            reason = f" ({condition.reason})" if condition.reason else ""
            yield Change(condition.changed_at, target, f"node {node.meta.name} became {became}{reason}")
