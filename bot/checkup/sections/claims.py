"""Volume claims: which are bound."""

from __future__ import annotations

from bot.checkup.attentions import from_findings
from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen, unread
from bot.domain.snapshot import Part
from bot.domain.text import in_short
from bot.domain.watch.checkups import Section

NAME = "volume claims"
_MOST_NAMED = 3


def look(seen: Seen) -> Section:
    looks = seen.cluster.seen
    problem = unread(seen, (Part.CLAIMS,))
    if looks is None:
        return Section(name=NAME, problem=problem)
    claims = looks.extent.claims
    attentions = from_findings(seen, NAME)
    if not claims:
        return Section(name=NAME, problem=problem, absent=not problem, attentions=attentions)
    others = [f"{each.meta.name} {each.phase or 'Pending'}" for each in claims if each.phase != "Bound"]
    words = f"{len(claims) - len(others)} of {len(claims)} bound"
    if others:
        words += f"; {in_short(others, _MOST_NAMED)}"
    lost = any(each.phase == "Lost" for each in claims)
    return Section(name=NAME, words=words, problem=problem, noted=lost, attentions=attentions)


SECTION = SectionKind(order=90, reading="cluster", look=look)
