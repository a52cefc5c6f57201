"""Alerts of Alertmanager about a node: they belong to its cluster as a whole, where our own rules tell of nodes, too.

Only what names no namespace, and nothing that lives in one, is about a node: what an exporter tells of a pod may name
the node that the pod runs on, or the exporter itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bot.checkup.reading import looked
from bot.diagnosis import DECISIVE_PARTS
from bot.domain.snapshot import Part
from bot.domain.targets import Scope
from bot.domain.watch.received import ReceivedAlert
from bot.watching.room import WatchRoom
from bot.watching.sight import unread

# A label by which an alert may say itself what its cause is: `deployment/api`.
CAUSE = "ragops_cause"
# Labels that name what lives in a namespace; a pod is named besides by what counts pods.
OBJECTS = (
    "deployment",
    "statefulset",
    "daemonset",
    "cronjob",
    "job_name",
    "horizontalpodautoscaler",
    "persistentvolumeclaim",
)
_NODE = "node/"
# An alert must not wait for a cluster that does not answer.
_LOOK_S = 2.0
_PARTS = frozenset({*DECISIVE_PARTS, Part.NODES})


@dataclass(frozen=True, slots=True)
class Nodes:
    """The names of a cluster's nodes, as far as they are known: `complete` when there are no others now."""

    names: frozenset[str] = frozenset()
    complete: bool = False


UNKNOWN = Nodes()


def may_name_node(alert: ReceivedAlert) -> bool:
    """Tell whether an alert is about a node, if what it names is one."""
    if alert.label("namespace"):
        return False
    if own := alert.label(CAUSE):
        return own.startswith(_NODE)
    if any(alert.label(each) for each in (*OBJECTS, "pod")):
        return False
    instance = alert.label("instance")
    return bool(alert.label("node") or (instance and ":" not in instance))  # a node's name has no port


def node_of(alert: ReceivedAlert, nodes: Nodes) -> str:
    """Return the node that an alert is about; empty where it is about something else.

    A node that an alert names is believed to be one, unless all are known and it is none of them; an `instance`, which
    mostly is an address, only if it is known to be one.
    """
    if not may_name_node(alert):
        return ""
    named = alert.label(CAUSE).removeprefix(_NODE) or alert.label("node")
    if named and (named in nodes.names or not nodes.complete):
        return named
    instance = alert.label("instance")
    return instance if not alert.label(CAUSE) and instance in nodes.names else ""


async def nodes_named(room: WatchRoom, alerts: Mapping[str, tuple[Scope, ReceivedAlert]]) -> Mapping[str, str]:
    """Return the node that each alert is about, by the alert's key; of what is about something else, nothing.

    `alerts` are those that fire and may name a node, by key, each with the place that it has otherwise. One that is
    open stays where it was told of, whatever is known of the nodes by now. Raises `StoreUnavailable`.
    """
    homes: dict[str, str] = {}
    for place in dict.fromkeys(place for place, _ in alerts.values()):
        homes |= await _homes(room, place)
    fresh = {key: of for key, of in alerts.items() if key not in homes}
    places = tuple(dict.fromkeys(place for place, _ in fresh.values()))
    read = await asyncio.gather(*(_nodes(room, place) for place in places))
    nodes = dict(zip(places, read, strict=True))
    named = {key: node_of(alert, nodes[place]) for key, (place, alert) in fresh.items()}
    return {key: node for key, node in {**homes, **named}.items() if node and key in alerts}


async def _homes(room: WatchRoom, place: Scope) -> Mapping[str, str]:
    """Return the nodes of what is open at a place, and at its cluster, by key; empty for what is of the place."""
    homes: dict[str, str] = {}
    for scope in (place, place.whole):
        for episode in await room.store.episodes.open(scope):
            node = episode.cause.removeprefix(_NODE) if scope == place.whole else ""
            homes |= {alert.signal.key: node for alert in episode.alerts if alert.is_live}
    return homes


async def _nodes(room: WatchRoom, place: Scope) -> Nodes:
    """Return the nodes of a place's cluster, as they are kept up to date here anyway."""
    found = await looked(room.cluster.snapshot(place, _PARTS), min(room.look_s, _LOOK_S))
    if found.seen is None:
        return UNKNOWN
    names = frozenset(node.meta.name for node in found.seen.nodes)
    return Nodes(names, complete=not unread(found.seen, ["node"]))
