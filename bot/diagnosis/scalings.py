"""Who scaled a Deployment: its autoscaler, a roll-out, or somebody by hand. Only events tell, while they live.

An autoscaler leaves no trace on the object itself, but an event of its own at the same moment. A roll-out scales two
ReplicaSets in turns. What is neither came from outside: a person, a program.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from bot.diagnosis.index import Index
from bot.domain.objects import Event, Workload
from bot.domain.snapshot import Part

# `Scaled up replica set api-5d from 1 to 2`; servers before 1.27 leave out where from.
_MESSAGE = re.compile(r"Scaled (?:up|down) replica set (\S+)(?: from (\d+))? to (\d+)")
# `New size: 4; reason: Current number of replicas above Spec.MaxReplicas`.
_NEW_SIZE = re.compile(r"New size: (\d+)")
# An autoscaler's event and the Deployment's follow each other at once; event times are whole seconds.
_TOGETHER = timedelta(seconds=5)
# Steps of one roll-out follow each other within the time a pod takes to become ready.
_STEPS = timedelta(minutes=2)


class By(Enum):
    """Who did it; the value is how it is said after "a scaling from 2 to 4"."""

    AUTOSCALER = "by its autoscaler"
    HAND = "by hand"
    ROLL_OUT = "by a roll-out"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Scaling:
    """One change of a ReplicaSet's size. `before` is None where the server does not say it."""

    at: datetime
    replica_set: str
    before: int | None
    after: int
    by: By


def scalings(index: Index, workload: Workload) -> Sequence[Scaling]:
    """Return what is known of a Deployment's scalings, newest first."""
    found = [step for event in index.events(workload.meta.uid, "ScalingReplicaSet") if (step := _parsed(event))]
    acted = [
        (event.at, int(said[1]) if (said := _NEW_SIZE.search(event.message)) else None)
        for autoscaler in index.autoscalers_of(workload)
        for event in index.events(autoscaler.meta.uid, "SuccessfulRescale")
        if event.at is not None
    ]
    can_tell = index.snapshot.has(Part.AUTOSCALERS)
    return [Scaling(*step, _who(step, found, acted, can_tell=can_tell)) for step in found]


_Step = tuple[datetime, str, int | None, int]


def _parsed(event: Event) -> _Step | None:
    said = _MESSAGE.search(event.message)
    if said is None or event.at is None:
        return None
    name, before, after = said.groups()
    return event.at, name, int(before) if before else None, int(after)


def _who(
    step: _Step, all_of_it: Sequence[_Step], acted: Sequence[tuple[datetime, int | None]], *, can_tell: bool
) -> By:
    at, name, before, after = step
    # Somebody's scaling that the autoscaler set back at once has another size than the autoscaler's.
    if any(abs(at - moment) <= _TOGETHER and size in (None, after) for moment, size in acted):
        return By.AUTOSCALER
    if before == 0 or any(other[1] != name and abs(at - other[0]) <= _STEPS for other in all_of_it):
        return By.ROLL_OUT
    return By.HAND if can_tell and before is not None else By.UNKNOWN
