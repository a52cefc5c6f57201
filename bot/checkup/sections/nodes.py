"""Nodes: which are ready, and what their conditions say."""

from __future__ import annotations

from bot.checkup.attentions import from_findings
from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen, unread
from bot.domain.objects import Node
from bot.domain.snapshot import Part
from bot.domain.text import in_short
from bot.domain.watch.checkups import Section

NAME = "nodes"
_MOST_NAMED = 3
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def look(seen: Seen) -> Section:
    looks = seen.cluster.seen
    problem = unread(seen, (Part.NODES,))
    if looks is None:
        return Section(name=NAME, problem=problem)
    nodes = looks.extent.nodes
    attentions = from_findings(seen, NAME)
    if not nodes:
        return Section(name=NAME, problem=problem, absent=not problem, attentions=attentions)
    states = [state for node in nodes if (state := _state(node))]
    ready = sum(node.is_ready for node in nodes)
    words = f"{ready} of {len(nodes)} ready"
    if states:
        words += f"; {in_short(states, _MOST_NAMED)}"
    return Section(name=NAME, words=words, problem=problem, noted=bool(states), attentions=attentions)


def _state(node: Node) -> str:
    """Say what is not as it should be; empty when all is."""
    said = [] if node.is_ready else ["not ready"]
    said += [each.type for each in node.conditions if each.type in _PRESSURES and each.status == "True"]
    if node.unschedulable:
        said.append("cordoned")
    return f"{node.meta.name} {' and '.join(said)}" if said else ""


SECTION = SectionKind(order=80, reading="cluster", look=look)
