"""`pods`: the pods by workload and revision, with the cells that people know from kubectl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.diagnosis import Index, count, duration, ready_cell, restarts_cell, status_cell
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.catalogue import Catalogue
from bot.domain.objects import Pod
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.view import Block, Button, Buttons, Context, Headline, Mark, Paragraph, Table, View, bold, line
from bot.lookup import find_workload, freshness_line, unread_lines
from bot.ports import Sources

PARTS = frozenset({Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS, Part.JOBS})
MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class Params:
    """Whose pods; all of the namespace when empty."""

    workload: str = argument("a service of the catalogue or a workload's name", default="", names_service=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """The snapshot, and whose pods are wanted."""

    snapshot: Snapshot
    catalogue: Catalogue
    focus: ObjectRef | None


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.catalogue is None:
        raise ValueError("pods needs the cluster and the catalogue")
    snapshot = await sources.cluster.snapshot(sources.scope, PARTS)
    focus = find_workload("pods", params.workload, snapshot, sources.catalogue) if params.workload else None
    return Seen(snapshot, sources.catalogue, focus)


def render(params: Params, seen: Seen, setting: Setting) -> View:
    snapshot = seen.snapshot
    index = Index(snapshot)
    groups: dict[tuple[ObjectRef, int | None], list[Pod]] = {}
    for pod in snapshot.pods:
        target = index.target_of(pod)
        if seen.focus is None or target == seen.focus:
            groups.setdefault((target, index.revision_of(pod)), []).append(pod)
    ordered = sorted(groups.items(), key=lambda group: (group[0][0].name, -(group[0][1] or 0)))
    total = sum(len(pods) for pods in groups.values())
    ready = sum(pod.is_ready for pods in groups.values() for pod in pods)
    where = seen.catalogue.alias_of(seen.focus.kind, seen.focus.name) if seen.focus else str(snapshot.scope.namespace)
    summary = f"{where}: {ready} of {count(total, 'pod')} ready"
    blocks: list[Block] = [Headline(summary, Mark.OK if ready == total else Mark.WARNING)]
    left = MOST_ROWS
    for (target, revision), pods in ordered:
        if left <= 0:
            blocks.append(Paragraph((line(f"… and {total - MOST_ROWS} more; name a workload to see them."),)))
            break
        blocks += _group(target, revision, pods[:left], len(pods), seen)
        left -= len(pods)
    blocks.append(Context((*unread_lines(snapshot, PARTS), freshness_line(snapshot, setting))))
    blocks.append(Buttons((Button("Refresh", setting.command, replaces=True),)))
    return View(summary, tuple(blocks), data=_data(ordered, snapshot))


def _group(target: ObjectRef, revision: int | None, pods: Sequence[Pod], total: int, seen: Seen) -> tuple[Block, Block]:
    name = seen.catalogue.alias_of(target.kind, target.name)
    which = f" revision {revision}" if revision is not None else ""
    ready = sum(pod.is_ready for pod in pods)
    rows = tuple(
        (
            pod.meta.name,
            ready_cell(pod),
            status_cell(pod),
            str(restarts_cell(pod)),
            _age(pod, seen.snapshot),
            pod.node or "none",
        )
        for pod in sorted(pods, key=lambda pod: pod.meta.name)
    )
    title = line(bold(name), f"{which}: {ready} of {total} ready")
    return Paragraph((title,)), Table(("pod", "ready", "status", "restarts", "age", "node"), rows)


def _age(pod: Pod, snapshot: Snapshot) -> str:
    if pod.meta.created_at is None:
        return "unknown"
    return duration((snapshot.observed_at - pod.meta.created_at).total_seconds())


def _data(
    ordered: Sequence[tuple[tuple[ObjectRef, int | None], Sequence[Pod]]], snapshot: Snapshot
) -> dict[str, object]:
    return {
        "cluster": snapshot.scope.cluster,
        "namespace": snapshot.scope.namespace,
        "pods": [
            {
                "name": pod.meta.name,
                "workload": {"kind": target.kind, "name": target.name},
                "revision": revision,
                "ready": ready_cell(pod),
                "status": status_cell(pod),
                "restarts": restarts_cell(pod),
                "created_at": pod.meta.created_at.isoformat() if pod.meta.created_at else None,
                "node": pod.node,
            }
            for (target, revision), pods in ordered
            for pod in pods
        ],
    }


ACTION = Query(
    name="pods",
    summary="Show the pods by workload and revision",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(("pods", "all pods of the namespace"), ("pods api", "those of one service")),
)
