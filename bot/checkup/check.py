"""One check: read side by side, then section by section, then the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.checkup.kinds import section_kinds
from bot.checkup.reading import Asked, read_all
from bot.checkup.seen import Seen
from bot.checkup.verdict import verdict_of
from bot.domain.findings import Report
from bot.domain.watch.checkups import Checkup, Section
from bot.domain.watch.world import Looked


async def check_up(asked: Asked) -> Checkup:
    """Look at everything of a scope, or at what belongs to one service, and say what needs a person.

    It takes as long as its slowest reading, at most `limit_s`, and a probe the time of its target. Raises `UsageError`
    when `service` is none; what cannot be read is said in its section, even the whole cluster.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    seen = await read_all(asked)
    return _checkup(seen, asked.now, loop.time() - began)


def _checkup(seen: Seen, now: datetime, took_s: float) -> Checkup:
    sections = _once(
        replace(section, took_s=seen.took_s.get(kind.reading, 0.0))
        for kind in section_kinds()
        if (section := kind.look(seen)) is not None
    )
    report: Looked[Report] = Looked(
        seen.cluster.seen.report if seen.cluster.seen else None, problem=seen.cluster.problem
    )
    attentions = [attention for section in sections for attention in section.attentions]
    return Checkup(
        scope=seen.scope,
        at=now,
        verdict=verdict_of(seen, attentions),
        sections=sections,
        service=seen.service,
        took_s=took_s,
        report=report,
        probed=Looked(seen.probed, problem=seen.health.problem),
        quotas=seen.quotas,
        backups=seen.backups,
        certificates=seen.certificates,
        disks=seen.disks,
    )


def _once(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Keep each thing that needs a person once: where it is told first."""
    told: set[str] = set()
    kept = []
    for section in sections:
        attentions = []
        for attention in section.attentions:
            if attention.key not in told:
                told.add(attention.key)
                attentions.append(attention)
        kept.append(replace(section, attentions=tuple(attentions)))
    return tuple(kept)
