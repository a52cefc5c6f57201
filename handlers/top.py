"""`top`: what pods and nodes use, against what they asked for, may use, or can give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.diagnosis import Index, ago, amount
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.catalogue import Catalogue
from bot.domain.objects import Container, ContainerUsage, Node, NodeUsage, PodUsage
from bot.domain.snapshot import Part, Snapshot
from bot.domain.view import Block, Button, Buttons, Context, Headline, Line, Mark, Paragraph, Table, View, line
from bot.errors import UsageError
from bot.lookup import freshness_line, unread_lines
from bot.ports import Sources

POD_PARTS = frozenset(
    {Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS, Part.REPLICA_SETS, Part.POD_METRICS}
)
NODE_PARTS = frozenset({Part.NODES, Part.NODE_METRICS})
MOST_ROWS = 40
POD_HEADER = ("pod", "container", "cpu", "of request", "of limit", "memory", "of request", "of limit")
NODE_HEADER = ("node", "cpu", "of allocatable", "memory", "of allocatable")


@dataclass(frozen=True, slots=True)
class Params:
    """Pods or nodes."""

    what: str = argument("pods or nodes", default="pods", metavar="pods|nodes")


@dataclass(frozen=True, slots=True)
class Seen:
    """The snapshot with its samples."""

    snapshot: Snapshot
    catalogue: Catalogue


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.catalogue is None:
        raise ValueError("top needs the cluster and the catalogue")
    if params.what not in ("pods", "nodes"):
        raise UsageError(f'top shows pods or nodes, not "{params.what}".', suggestions=("top pods", "top nodes"))
    parts = POD_PARTS if params.what == "pods" else NODE_PARTS
    return Seen(await sources.cluster.snapshot(sources.scope, parts), sources.catalogue)


def render(params: Params, seen: Seen, setting: Setting) -> View:
    snapshot = seen.snapshot
    of_pods = params.what == "pods"
    part, parts = (Part.POD_METRICS, POD_PARTS) if of_pods else (Part.NODE_METRICS, NODE_PARTS)
    rows = _pod_rows(seen) if of_pods else _node_rows(seen)
    where = snapshot.scope.namespace if of_pods else snapshot.scope.cluster
    if snapshot.has(part):
        summary, mark = f"{params.what} of {where}: usage, most memory first", Mark.INFO
    else:
        summary, mark = f"What {params.what} use cannot be read: {snapshot.status(part).reason}", Mark.UNKNOWN
    blocks: list[Block] = [Headline(summary, mark)]
    if rows:
        blocks.append(Table(POD_HEADER if of_pods else NODE_HEADER, tuple(rows[:MOST_ROWS])))
    if len(rows) > MOST_ROWS:
        blocks.append(Paragraph((line(f"… and {len(rows) - MOST_ROWS} more that use less."),)))
    sampled = [usage.at for usage in (snapshot.pod_usage if of_pods else snapshot.node_usage)]
    unread = unread_lines(snapshot, parts - {part})
    blocks.append(Context((*_sampled(sampled, seen), *unread, freshness_line(snapshot, setting))))
    blocks.append(Buttons((Button("Refresh", setting.command, replaces=True),)))
    return View(summary, tuple(blocks), data=_data(snapshot), exit_code=0 if snapshot.has(part) else 2)


def _sampled(times: Sequence[datetime | None], seen: Seen) -> list[Line]:
    known = [at for at in times if at is not None]
    if not known:
        return []
    text = f"Sampled {ago(min(known), seen.snapshot.observed_at)}"
    without = len(seen.snapshot.pods) - len(seen.snapshot.pod_usage)
    if without > 0 and seen.snapshot.pods:
        text += f" · {without} pods have no sample (new, ended, or crashing)"
    return [line(text)]


def _pod_rows(seen: Seen) -> list[tuple[str, ...]]:
    index = Index(seen.snapshot)
    rows = []
    for usage in sorted(seen.snapshot.pod_usage, key=lambda one: -one.memory):
        pod = index.pod_by_name.get(usage.meta.name)
        containers = {container.name: container for container in pod.containers} if pod else {}
        rows += [_container_row(usage, one, containers.get(one.name)) for one in usage.containers]
    return rows


def _container_row(usage: PodUsage, one: ContainerUsage, container: Container | None) -> tuple[str, ...]:
    return (
        usage.meta.name,
        one.name,
        f"{one.cpu_m}m",
        share(one.cpu_m, container.cpu_request_m if container else None),
        share(one.cpu_m, container.cpu_limit_m if container else None),
        amount(one.memory),
        share(one.memory, container.memory_request if container else None),
        share(one.memory, container.memory_limit if container else None),
    )


def _node_rows(seen: Seen) -> list[tuple[str, ...]]:
    usage = {one.meta.name: one for one in seen.snapshot.node_usage}
    return [
        _node_row(node, usage.get(node.meta.name))
        for node in sorted(seen.snapshot.nodes, key=lambda node: -(_memory(usage.get(node.meta.name))))
    ]


def _memory(usage: NodeUsage | None) -> int:
    return usage.memory if usage else -1


def _node_row(node: Node, usage: NodeUsage | None) -> tuple[str, ...]:
    def cell(value: Callable[[NodeUsage], str]) -> str:
        return value(usage) if usage else "unknown"

    return (
        node.meta.name,
        cell(lambda u: f"{u.cpu_m}m"),
        cell(lambda u: share(u.cpu_m, node.cpu_allocatable_m)),
        cell(lambda u: amount(u.memory)),
        cell(lambda u: share(u.memory, node.memory_allocatable)),
    )


def share(used: int, of: int | None) -> str:
    """Return a share in whole percent, rounded down as kubectl does; `-` where there is nothing to compare with."""
    return f"{used * 100 // of} %" if of else "-"


def _data(snapshot: Snapshot) -> dict[str, object]:
    return {
        "cluster": snapshot.scope.cluster,
        "namespace": snapshot.scope.namespace,
        "pods": [
            {
                "name": usage.meta.name,
                "at": usage.at.isoformat() if usage.at else None,
                "window_s": usage.window_s,
                "containers": [{"name": c.name, "cpu_m": c.cpu_m, "memory": c.memory} for c in usage.containers],
            }
            for usage in snapshot.pod_usage
        ],
        "nodes": [{"name": u.meta.name, "cpu_m": u.cpu_m, "memory": u.memory} for u in snapshot.node_usage],
    }


ACTION = Query(
    name="top",
    summary="Show what pods or nodes use, against requests and limits",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(("top pods", "containers by memory"), ("top nodes", "nodes against what they can give")),
)
