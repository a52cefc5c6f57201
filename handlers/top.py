"""`top`: what pods and nodes use, against what they asked for, may use, or can give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.closing import closing_buttons, freshness_line, unread_lines
from bot.diagnosis import Index, ago, amount
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.objects import Container, ContainerUsage, Node, NodeUsage, PodUsage
from bot.domain.snapshot import Freshness, Part, Snapshot
from bot.domain.text import count
from bot.domain.view import Block, Context, Headline, Line, Mark, Paragraph, Table, View, line
from bot.errors import UsageError
from bot.ports import Sources

POD_PARTS = frozenset({Part.PODS, Part.POD_METRICS})
NODE_PARTS = frozenset({Part.NODES, Part.NODE_METRICS})
MEANT = {"pod": "pods", "pods": "pods", "po": "pods", "node": "nodes", "nodes": "nodes", "no": "nodes"}
MOST_ROWS = 40
POD_HEADER = ("pod", "container", "cpu", "of request", "of limit", "memory", "of request", "of limit")
NODE_HEADER = ("node", "cpu", "of allocatable", "memory", "of allocatable")


@dataclass(frozen=True, slots=True)
class Params:
    """Pods or nodes."""

    what: str = argument("pods or nodes", default="pods", metavar="pods|nodes")


async def observe(params: Params, sources: Sources) -> Snapshot:
    if sources.cluster is None:
        raise ValueError("top needs the cluster")
    parts = POD_PARTS if _meant(params.what) == "pods" else NODE_PARTS
    return await sources.cluster.snapshot(sources.scope, parts)


def _meant(what: str) -> str:
    """Return `pods` or `nodes` for any of the words that kubectl takes for them. Raises `UsageError`."""
    if what.lower() not in MEANT:
        raise UsageError(f'top shows pods or nodes, not "{what}".', suggestions=("top pods", "top nodes"))
    return MEANT[what.lower()]


def render(params: Params, snapshot: Snapshot, setting: Setting) -> View:
    what = _meant(params.what)
    of_pods = what == "pods"
    part, parts = (Part.POD_METRICS, POD_PARTS) if of_pods else (Part.NODE_METRICS, NODE_PARTS)
    is_read = snapshot.has(part)
    where = snapshot.scope.namespace if of_pods else snapshot.scope.cluster
    if is_read:
        summary, mark = f"{what} of {where}: usage, most memory first", Mark.INFO
    else:
        summary, mark = f"What {what} use cannot be read: {snapshot.status(part).reason}", Mark.UNKNOWN
    blocks: list[Block] = [Headline(summary, mark)]
    rows = (_pod_rows(snapshot) if of_pods else _node_rows(snapshot)) if is_read else []
    if rows:
        blocks.append(Table(POD_HEADER if of_pods else NODE_HEADER, tuple(rows[:MOST_ROWS])))
    if len(rows) > MOST_ROWS:
        blocks.append(Paragraph((line(f"… and {len(rows) - MOST_ROWS} more that use less."),)))
    told = parts if snapshot.status(part).freshness is Freshness.STALE else parts - {part}
    notes = _notes(snapshot, of_pods=of_pods) if is_read else []
    blocks.append(Context((*notes, *unread_lines(snapshot, told), freshness_line(snapshot, setting))))
    blocks.append(closing_buttons(setting))
    return View(summary, tuple(blocks), data=_data(snapshot), exit_code=0 if is_read else 2)


def _notes(snapshot: Snapshot, *, of_pods: bool) -> list[Line]:
    """Say how old the samples are, and of how many there is none."""
    usages: Sequence[PodUsage | NodeUsage] = snapshot.pod_usage if of_pods else snapshot.node_usage
    known: list[datetime] = [usage.at for usage in usages if usage.at is not None]
    told = [f"Oldest sample: {ago(min(known), snapshot.observed_at)}"] if known else []
    sampled = {usage.meta.name for usage in usages}
    without = sum(one.meta.name not in sampled for one in (snapshot.pods if of_pods else snapshot.nodes))
    if without:
        why = " (new, ended, or crashing)" if of_pods else ""
        told.append(f"{count(without, 'pod' if of_pods else 'node')} without a sample{why}")
    return [line(" · ".join(told))] if told else []


def _pod_rows(snapshot: Snapshot) -> list[tuple[str, ...]]:
    index = Index(snapshot)
    rows = []
    for usage in sorted(snapshot.pod_usage, key=lambda one: (-one.memory, one.meta.name)):
        pod = index.pod_by_name.get(usage.meta.name)
        # The order of a sample is not that of the specification.
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


def _node_rows(snapshot: Snapshot) -> list[tuple[str, ...]]:
    """Return a row for each node that was read or sampled; the nodes themselves may be forbidden to us."""
    nodes = {node.meta.name: node for node in snapshot.nodes}
    usages = {usage.meta.name: usage for usage in snapshot.node_usage}
    memory = {name: usage.memory for name, usage in usages.items()}
    names = sorted(nodes.keys() | usages.keys(), key=lambda name: (-memory.get(name, -1), name))
    return [_node_row(name, nodes.get(name), usages.get(name)) for name in names]


def _node_row(name: str, node: Node | None, usage: NodeUsage | None) -> tuple[str, ...]:
    if usage is None:
        return name, "unknown", "-", "unknown", "-"
    return (
        name,
        f"{usage.cpu_m}m",
        share(usage.cpu_m, node.cpu_allocatable_m if node else None),
        amount(usage.memory),
        share(usage.memory, node.memory_allocatable if node else None),
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
                "at": usage.at.isoformat(timespec="seconds") if usage.at else None,
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
    needs=frozenset({Need.CLUSTER}),
    observe=observe,
    render=render,
    examples=(("top pods", "containers by memory"), ("top nodes", "nodes against what they can give")),
)
