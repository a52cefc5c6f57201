"""Targets asked side by side, each within its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bot.checkup.bounded import too_late
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Severity
from bot.domain.targets import Scope
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.probes import Health, Probed, ProbeKind, ProbeTarget, Trouble
from bot.ports import Probes

# What a target's own time is exceeded by before it is given up: the probe keeps that time itself.
GRACE_S = 1.0
# What lies between the two looks at a Redis.
REDIS_PAUSE_S = 5.0


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
    """Ask all targets at once; return what each said, in their order."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_probe(probes, target, now, grace_s)) for target in targets]
    return tuple(task.result() for task in asked)


async def _probe(probes: Probes, target: ProbeTarget, now: datetime, grace_s: float) -> Probed:
    limit_s = _longest_s(target) + grace_s
    try:
        async with asyncio.timeout(limit_s):
            return await probes.probe(target)
    except TimeoutError:
        trouble = Trouble(
            code="PROBE_HUNG", severity=Severity.WARNING, words=f"The probe itself did not end: {too_late(limit_s)}."
        )
        return Probed(target=target, at=now, health=Health.UNKNOWN, troubles=(trouble,))


def _longest_s(target: ProbeTarget) -> float:
    """Return how long a probe may take by itself: Redis is asked twice, some seconds apart."""
    return 2 * target.timeout_s + REDIS_PAUSE_S if target.kind is ProbeKind.REDIS else target.timeout_s
