"""A node that holds pods of ours is not ready. It is told of its cluster, once, however many namespaces it hits.

It is as bad as the diagnosis finds it for the worst of them: critical when it takes a whole workload down, else a
warning. A node that holds none of our pods begins no alert, nor does one that is cordoned and takes nothing down:
somebody works on it. Neither ends one: its pods were moved away, and it is as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.diagnosis import Index
from bot.diagnosis.causes.nodes import node_ref
from bot.diagnosis.unready_nodes import UnreadyNode, unready_nodes
from bot.domain.findings import Severity
from bot.domain.snapshot import Snapshot
from bot.domain.text import count
from bot.domain.watch.episodes import Signal
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.measuring import Found, gathered, title, words
from bot.watching.rule import Rule
from bot.watching.sight import unread

NAME = "node-not-ready"
KIND = "node"
HOLD_S = 60.0


def judge(world: World) -> Judged:
    unknown = [unread(picture, (KIND,)) for picture in world.pictures.values()]
    found: list[Found] = [_judged(world, name, felt) for name, felt in _by_node(world.pictures, unknown).items()]
    if all(unknown):
        why = next((why for why in (*unknown, *world.namespaces.values()) if why), "no namespace was looked at")
        found.append(Unknown(f"{NAME}:", why))
    return gathered(found)


def _by_node(
    pictures: Mapping[str, Snapshot], unknown: Sequence[str]
) -> Mapping[str, Sequence[tuple[str, UnreadyNode]]]:
    """Return the nodes that are not ready by name, each as every namespace feels it.

    They are as whichever picture says that knows them now, which is not `unknown`; where none does, each tells what it
    shows.
    """
    known = next((picture.nodes for picture, why in zip(pictures.values(), unknown, strict=True) if not why), None)
    by_node: dict[str, list[tuple[str, UnreadyNode]]] = defaultdict(list)
    for namespace, picture in pictures.items():
        for unready in unready_nodes(Index(picture if known is None else replace(picture, nodes=known))):
            by_node[unready.node.meta.name].append((namespace, unready))
    return by_node


def _judged(world: World, name: str, felt: Sequence[tuple[str, UnreadyNode]]) -> Found:
    ref = node_ref(name)
    key = f"{NAME}:{ref}"
    worst = max((unready for _, unready in felt), key=lambda unready: unready.severity)
    if worst.severity is Severity.INFO or (worst.node.unschedulable and worst.severity is not Severity.CRITICAL):
        return key
    return Signal(
        key=key,
        rule=NAME,
        severity=worst.severity,
        cause=str(ref),
        title=title(f"node {name} {worst.title}"),
        words=words(f"{worst.state} {_held(world, felt, worst.severity)}"),
        hold_s=HOLD_S,
        clear_s=float(world.thresholds.clear_s),
        since=worst.ready.changed_at,
    )


def _held(world: World, felt: Sequence[tuple[str, UnreadyNode]], severity: Severity) -> str:
    """Say what runs there. Who reads it may look into one namespace and not into another: of several none is named."""
    if len(world.namespaces) == 1:
        return " ".join(unready.held(namespace) for namespace, unready in felt)
    numbers = [len(unready.pods) for _, unready in felt if unready.pods]
    verb = "runs" if sum(numbers) == 1 else "run"
    lost = " At least one workload has no ready pod." if severity is Severity.CRITICAL else ""
    return f"{count(sum(numbers), 'pod')} of {count(len(numbers), 'namespace')} {verb} there.{lost}"


RULE = Rule(
    name=NAME,
    summary="A node that holds pods of ours is not ready for a minute, where nodes may be read",
    severity="warning, critical when it takes a whole workload down",
    judge=judge,
    of_cluster=True,
)
