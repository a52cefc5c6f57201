"""Targets asked side by side, each within its own time; what they say is cleaned before anybody reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.checkup.bounded import too_late
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Severity
from bot.domain.targets import Scope
from bot.domain.text import Redacted
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import Health, Probed, ProbeKind, ProbeTarget, ServedCertificate, Stage, Trouble
from bot.ports import Probes
from bot.redaction import redact

# What a target's own time is exceeded by before it is given up: the probe keeps that time itself.
GRACE_S = 1.0
# What lies between the two looks at a Redis.
REDIS_PAUSE_S = 5.0
_LONGEST = 300
_MOST_FACTS = 12
_MOST_LINES = 40


def health_targets(watch: WatchPolicy, scope: Scope, service: str = "") -> tuple[ProbeTarget, ...]:
    """Return the health URLs of a scope, or of one service by its alias."""
    return tuple(target for target in watch.targets_of(scope, service) if not target.is_dependency)


def dependency_targets(
    watch: WatchPolicy, scope: Scope, catalogue: Catalogue, service: str = ""
) -> tuple[ProbeTarget, ...]:
    """Return what a scope's services depend on, or one of them by its alias, wherever it runs; and what runs here."""
    users = {service} if service else set(catalogue.entries)
    here = set(watch.targets_of(scope, service))
    return tuple(
        target
        for target in watch.targets
        if target.is_dependency and (target in here or users.intersection(target.used_by))
    )


async def probe_all(
    probes: Probes, targets: Sequence[ProbeTarget], now: datetime, *, grace_s: float = GRACE_S
) -> tuple[Probed, ...]:
    """Ask all targets at once; return what each said, cleaned, in their order."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_probe(probes, target, now, grace_s)) for target in targets]
    return tuple(task.result() for task in asked)


async def _probe(probes: Probes, target: ProbeTarget, now: datetime, grace_s: float) -> Probed:
    limit_s = _longest_s(target) + grace_s
    try:
        async with asyncio.timeout(limit_s):
            return cleaned(await probes.probe(target))
    except TimeoutError:
        trouble = Trouble(
            code="PROBE_HUNG", severity=Severity.WARNING, words=f"The probe itself did not end: {too_late(limit_s)}."
        )
        return Probed(target=target, at=now, health=Health.UNKNOWN, troubles=(trouble,))


def _longest_s(target: ProbeTarget) -> float:
    """Return how long a probe may take by itself: Redis is asked twice, some seconds apart."""
    return 2 * target.timeout_s + REDIS_PAUSE_S if target.kind is ProbeKind.REDIS else target.timeout_s


def cleaned(probed: Probed) -> Probed:
    """Mask secrets in everything that a target said and remove what is not text; one line where one is meant."""
    return replace(
        probed,
        stages=tuple(Stage(_short(s.name), s.took_ms, s.ok, _short(s.words)) for s in probed.stages),
        troubles=tuple(replace(t, words=_short(t.words), advice=_short(t.advice)) for t in probed.troubles),
        facts=tuple((_short(label), _short(value)) for label, value in probed.facts[:_MOST_FACTS]),
        lines=tuple(redact(line) for line in probed.lines[:_MOST_LINES]),
        certificates=tuple(_certificate(each) for each in probed.certificates),
    )


def _certificate(served: ServedCertificate) -> ServedCertificate:
    return replace(
        served,
        names=tuple(_short(name) for name in served.names),
        issuer=_short(served.issuer),
        serial=_short(served.serial),
        problem=_short(served.problem),
    )


def _short(text: str) -> Redacted:
    line = Redacted(" ".join(redact(text).split()))
    return line if len(line) <= _LONGEST else Redacted(line[: _LONGEST - 1] + "…")
