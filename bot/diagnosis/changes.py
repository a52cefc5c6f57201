"""What changed, when, and to whom: the candidates for "what happened just before".

A change is only ever *likely* the reason: it is ranked by how short before the onset it was, and by whether its scope
fits (the pods of just that revision are ill, those of the other are well).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.diagnosis.index import Index
from bot.diagnosis.revisions import differences
from bot.diagnosis.words import duration, tag_of
from bot.domain.objects import Node, Workload
from bot.domain.targets import ObjectRef

# A change this long before the onset may still be its reason.
REACH = timedelta(minutes=30)
# The onset may be known a little too early (the first event of a kind), so a change shortly after it counts, too.
SLACK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one object. `revision` is set where it made one."""

    at: datetime
    target: ObjectRef
    what: str
    revision: int | None = None


def changes_of(index: Index, workload: Workload) -> list[Change]:
    """Return what is known to have changed of a workload: new revisions and scalings, newest first."""
    target = index.ref(workload)
    found = [*_revisions(index, workload, target), *_scalings(index, workload, target)]
    return sorted(found, key=lambda change: change.at, reverse=True)


def likely_change(
    index: Index, workload: Workload | None, *, since: datetime | None, revision: int | None, nodes: Iterable[Node] = ()
) -> Change | None:
    """Return the change that most likely began a trouble: the last one before its onset, a fitting revision first."""
    if workload is None or since is None:
        return None
    known = [*changes_of(index, workload), *(change for node in nodes for change in _node_changes(node))]
    near = [change for change in known if -SLACK <= since - change.at <= REACH]
    of_revision = [change for change in near if revision is not None and change.revision == revision]
    return max(of_revision or near, key=lambda change: change.at, default=None)


def in_words(change: Change, since: datetime) -> str:
    """Say a change beside the onset: `20 s after revision 8 (image v1.1 → v1.2)`."""
    lag = (since - change.at).total_seconds()
    when = f"{duration(lag)} after" if lag >= 1 else "at the time of"
    return f"{when} {change.what}"


def _revisions(index: Index, workload: Workload, target: ObjectRef) -> Iterable[Change]:
    sets = sorted(index.replica_sets_of(workload), key=lambda replica_set: replica_set.revision or 0)
    for before, after in zip([None, *sets], sets, strict=False):
        if after.revision is None or after.meta.created_at is None:
            continue
        if before is None:
            what = f"revision {after.revision}" + (
                f" ({tag_of(after.containers[0].image)})" if after.containers else ""
            )
        else:
            told = ", ".join(str(difference) for difference in differences(before, after)[:4])
            what = f"revision {after.revision}" + (f" ({told})" if told else "")
        yield Change(index.revision_began(workload, after) or after.meta.created_at, target, what, after.revision)


def _scalings(index: Index, workload: Workload, target: ObjectRef) -> Iterable[Change]:
    for event in index.events(workload.meta.uid, "ScalingReplicaSet"):
        if event.at is not None and "Scaled up" in event.message and " from 0 " not in event.message:
            yield Change(event.at, target, f"a scaling ({event.message})")
    for autoscaler in index.autoscalers_of(workload):
        for event in index.events(autoscaler.meta.uid, "SuccessfulRescale"):
            if event.at is not None:
                yield Change(event.at, target, f"its autoscaler acted ({event.message})")


def _node_changes(node: Node) -> Iterable[Change]:
    target = ObjectRef("Node", "", node.meta.name)
    for condition in node.conditions:
        bad = condition.status != ("True" if condition.type == "Ready" else "False")
        if bad and condition.changed_at is not None:
            yield Change(condition.changed_at, target, f"node {node.meta.name} became {condition.reason}")
