"""Services: how many addresses behind each take traffic."""

from __future__ import annotations

from collections.abc import Sequence

from bot.checkup.attentions import from_findings
from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Looks, Seen, unread
from bot.diagnosis.backends import Backend, backend
from bot.domain.snapshot import Part
from bot.domain.text import in_short
from bot.domain.watch.checkups import Section

NAME = "services"
_MOST_NAMED = 4


def look(seen: Seen) -> Section:
    looks = seen.cluster.seen
    problem = unread(seen, (Part.SERVICES, Part.ENDPOINT_SLICES))
    attentions = from_findings(seen, NAME)
    if looks is None:
        return Section(name=NAME, problem=problem)
    if not looks.extent.services:
        return Section(name=NAME, problem=problem, absent=not problem, attentions=attentions)
    if not looks.report.snapshot.has(Part.ENDPOINT_SLICES):
        return Section(name=NAME, problem=problem, attentions=attentions)
    serving = _serving(looks)
    empty = [each for each in serving if not each.ready]
    return Section(
        name=NAME,
        words=_words(serving, empty, len(looks.extent.services)),
        problem=problem,
        noted=bool(empty),
        attentions=attentions,
    )


def _serving(looks: Looks) -> Sequence[Backend]:
    """Return what stands behind each service that should have addresses now."""
    found = [backend(looks.index, service) for service in looks.extent.services]
    return [each for each in found if each is not None and not each.is_off and not each.is_done]


def _words(serving: Sequence[Backend], empty: Sequence[Backend], all_of_them: int) -> str:
    if not serving:
        return f"{all_of_them}, none that should have endpoints"
    if len(serving) <= _MOST_NAMED:
        return "endpoints ready: " + ", ".join(f"{each.service.meta.name} {_ready(each)}" for each in serving)
    words = f"{len(serving) - len(empty)} of {len(serving)} with ready endpoints"
    if empty:
        words += f", none behind {in_short([each.service.meta.name for each in empty], _MOST_NAMED)}"
    return words


def _ready(each: Backend) -> str:
    return f"{each.ready}/{max(len(each.endpoints), each.wanted)}"


SECTION = SectionKind(order=30, reading="cluster", look=look)
