"""Workloads: how many are ready, and every finding that no other section tells."""

from __future__ import annotations

from bot.checkup.attentions import from_findings
from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen, unread
from bot.diagnosis import DECISIVE_PARTS
from bot.domain.watch.checkups import Section

NAME = "workloads"


def look(seen: Seen) -> Section:
    problem = unread(seen, DECISIVE_PARTS)
    if seen.cluster.seen is None:
        return Section(name=NAME, problem=problem)
    lines = seen.cluster.seen.report.workloads
    attentions = from_findings(seen, NAME)
    wanted = [line for line in lines if line.desired]
    ready = [line for line in wanted if line.ready >= line.desired]
    off = len(lines) - len(wanted)
    if seen.cluster.seen.focus and wanted:
        words = f"{wanted[0].ready}/{wanted[0].desired} pods ready"
    else:
        words = f"{len(ready)} of {len(wanted)} ready"
    if off:
        words = f"{words}, {off} scaled to 0" if wanted else "scaled to 0"
    return Section(
        name=NAME,
        words=words if lines else "",
        problem=problem,
        absent=not lines and not attentions and not problem,
        noted=len(ready) < len(wanted),
        attentions=attentions,
    )


SECTION = SectionKind(order=10, reading="cluster", look=look)
