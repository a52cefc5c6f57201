"""Health URLs: which answer, and how fast."""

from __future__ import annotations

from bot.checkup.attentions import from_probed
from bot.checkup.kinds import SectionKind
from bot.checkup.probed_words import CERTIFICATE_CODES, probed_section
from bot.checkup.seen import Seen
from bot.domain.watch.checkups import Section

NAME = "health URLs"


def look(seen: Seen) -> Section:
    attentions = from_probed(seen, seen.health.seen or (), but=CERTIFICATE_CODES)
    return probed_section(NAME, seen.health, attentions)


SECTION = SectionKind(order=50, reading="health", look=look)
