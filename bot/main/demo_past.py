"""The day before the demo began, made up: the first digest has a picture of it, as if the bot had been there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from bot.domain.targets import ObjectRef, Scope
from bot.domain.watch.samples import Sample
from bot.ports import Store

# As dense as the picture of a day is.
STEP = timedelta(minutes=10)
STEPS = 144
_BUSIEST_HOUR = 15
_RISE = 0.35


async def remember(store: Store, scope: Scope, workloads: Sequence[tuple[ObjectRef, int]], now: datetime) -> None:
    """Keep a quiet day of workloads (each with its pods), up to a moment ago."""
    async with store.transaction() as transaction:
        for step in range(STEPS, 0, -1):
            moment = now - step * STEP
            samples = [quiet(ref, pods, moment) for ref, pods in workloads]
            await transaction.record(scope, moment, samples, None)


def quiet(ref: ObjectRef, pods: int, moment: datetime) -> Sample:
    """Return a workload at a moment of an ordinary day, the same for the same moment. Pure."""
    chance, own = Random(f"{ref.name} {moment:%d %H:%M}"), Random(ref.name)  # a picture needs no secrecy
    hours = moment.hour + moment.minute / 60
    load = 1 + _RISE * math.cos((hours - _BUSIEST_HOUR) / 24 * 2 * math.pi)
    cpu, memory = own.uniform(0.12, 0.3), own.uniform(0.3, 0.5)
    memory_share = min(0.95, memory * (1 + 0.15 * (load - 1)) * chance.uniform(0.98, 1.02))
    is_asked = ref.name.endswith("-api")
    return Sample(
        ref=ref,
        desired=pods,
        ready=pods,
        restarts=0,
        cpu_m=round(1000 * cpu * load) * pods,
        memory=round(2**29 * memory_share) * pods,
        memory_share=memory_share,
        probe_ms=75 * load * chance.uniform(0.85, 1.3) if is_asked else None,
        probe_failed=False if is_asked else None,
        warnings=0,
    )
