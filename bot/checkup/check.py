"""One check: read side by side, then section by section, then the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.checkup.kinds import section_kinds
from bot.checkup.reading import LIMIT_S, Asked, read_all
from bot.checkup.seen import Seen
from bot.checkup.verdict import verdict_of
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Report
from bot.domain.targets import Scope
from bot.domain.watch.checkups import Checkup, Section
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.world import Looked
from bot.ports import ClusterReader, Extras, LogStream, Probes


async def check_up(
    scope: Scope,
    *,
    now: datetime,
    cluster: ClusterReader,
    logs: LogStream,
    catalogue: Catalogue,
    watch: WatchPolicy | None = None,
    probes: Probes | None = None,
    extras: Extras | None = None,
    service: str = "",
    said: str = "",
    dependencies: bool = False,
    limit_s: float = LIMIT_S,
) -> Checkup:
    """Look at everything of a scope, or at what belongs to one service, and say what needs a person.

    It takes as long as its slowest reading, at most `limit_s`, and a probe the time of its target. With `dependencies`
    the targets that are none of the health URLs are asked, too. `catalogue` is that of the scope. Raises `UsageError`
    when `service` is none; what cannot be read is said in its section, even the whole cluster.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    asked = Asked(
        scope=scope,
        service=service,
        said=said or f"health {service}",
        cluster=cluster,
        logs=logs,
        probes=probes,
        extras=extras,
        watch=watch or WatchPolicy(),
        catalogue=catalogue,
        now=now,
        dependencies=dependencies,
        limit_s=limit_s,
    )
    seen = await read_all(asked)
    return _checkup(seen, now, loop.time() - began)


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
