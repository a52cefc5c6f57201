"""Dependencies, where they are part of the check: which answer, and how fast."""

from __future__ import annotations

from bot.checkup.attentions import from_probed
from bot.checkup.kinds import SectionKind
from bot.checkup.probed_words import CERTIFICATE_CODES, probed_section
from bot.checkup.seen import Seen
from bot.domain.watch.checkups import Section

NAME = "dependencies"


def look(seen: Seen) -> Section | None:
    if not seen.with_dependencies:
        return None
    attentions = from_probed(seen, seen.dependencies.seen or (), but=CERTIFICATE_CODES)
    return probed_section(NAME, seen.dependencies, attentions)


SECTION = SectionKind(order=55, reading="dependencies", look=look)
