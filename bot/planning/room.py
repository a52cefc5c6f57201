"""Room for more pods: on the nodes, and in the quotas of the namespace. Pure.

Known here is what `bot.diagnosis.placement` knows. Rules between pods and volumes may still keep a pod from a node, so
where there are such rules the number of pods is an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bot.diagnosis import Index, amount, cpu
from bot.diagnosis.placement import (
    RESOURCES,
    Refusal,
    asked_cpu,
    asked_memory,
    free_on,
    host_ports,
    most_at_once,
    refusals,
)
from bot.domain.live import Json, metadata_of, template_of
from bot.domain.objects import Node, Pod
from bot.domain.quantities import millicores, whole
from bot.domain.snapshot import Part
from bot.domain.text import count
from bot.planning.ground import NODE_LOAD, Ground
from bot.planning.model import has_rules, pod_of
from bot.planning.rolling import rolling_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many more pods the nodes take; None where that is not known, and `why`. `bounded`: rules may let in fewer."""

    pods: int | None
    bounded: bool = False
    why: str = ""

    def takes(self, more: int) -> bool:
        """Tell whether so many more pods surely find a node."""
        return more <= 0 or (self.pods is not None and not self.bounded and more <= self.pods)

    def __str__(self) -> str:
        if self.pods is None:
            return f"not known: {self.why}"
        at_most = "at most " if self.bounded else ""
        why = ", as far as its rules and volumes let them" if self.bounded else ""
        return f"the nodes take {at_most}{count(self.pods, 'more pod')}{why}"


def room_on_nodes(ground: Ground, template: Json | None = None) -> Room:
    """Count how many more pods the nodes take, of the target's template or of another one."""
    snapshot = ground.snapshot
    if not snapshot.has(Part.NODES):
        return Room(pods=None, why=f"the nodes could not be read ({snapshot.status(Part.NODES).reason})")
    if snapshot.node_load is None:
        missing = next((each.reason for each in ground.report.not_checked if each.what == NODE_LOAD), "")
        return Room(pods=None, why=f"how full the nodes are could not be read{f' ({missing})' if missing else ''}")
    index, model = ground.index(), _model(ground, template)
    pods = sum(_on(index, node, reasons, model) for node, reasons in refusals(index, model))
    return Room(pods=pods, bounded=has_rules(ground.live.object or {}))


def _model(ground: Ground, template: Json | None) -> Pod:
    return pod_of(template_of(ground.live.object) if template is None else template, ground.surroundings.limit_ranges)


def _on(index: Index, node: Node, reasons: Sequence[Refusal], model: Pod) -> int:
    if any(each.kind not in RESOURCES for each in reasons):
        return 0
    free = free_on(index, node)
    room = [free.pods, *([1] if host_ports(model) else [])]
    room += [free.cpu_m // asked] if (asked := asked_cpu(model)) else []
    room += [free.memory // asked] if (asked := asked_memory(model)) else []
    return min(room)


def surge_problems(ground: Ground, template: Json | None = None) -> tuple[str, ...]:
    """Say why the pods that a roll-out makes beside those that run may not start; empty when they surely can."""
    rolling = rolling_of(ground.target.kind, ground.live.object)
    if not rolling.moves:
        return ()
    beside = count(rolling.surge, "pod")
    waits = "then the roll-out stands still" if not rolling.away else "then it goes on with fewer at a time"
    found = []
    room = room_on_nodes(ground, template)
    if not room.takes(rolling.surge):
        found.append(f"It makes up to {beside} beside those that run, and they may find no node ({room}): {waits}.")
    for quota in room_in_quotas(ground, template):
        if quota.pods < rolling.surge:
            found.append(
                f"It makes up to {beside} beside those that run, and quota {quota.quota} may refuse them: {waits}."
            )
            break
    return tuple(found)


# --- quotas -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRoom:
    """One resource of one quota: `hard` and `used`, and what `each` further pod takes of it.

    CPU is in millicores, memory in bytes. `certain` is False where it cannot be told whether the quota is about these
    pods.
    """

    quota: str
    resource: str
    hard: int
    used: int
    each: int
    certain: bool = True

    @property
    def pods(self) -> int:
        """Return how many more pods it bears."""
        return max(self.hard - self.used, 0) // self.each

    def after(self, more: int) -> str:
        """Say how much of it is used with so many more pods."""
        then, unit = self.used + more * self.each, _UNITS[self.resource]
        return f"{self.quota}: {unit.words(then)} of {unit.words(self.hard)}{unit.of}"


@dataclass(frozen=True, slots=True)
class _Unit:
    """How a resource of a quota is read and said, and what a pod takes of it."""

    read: Callable[[str], int]
    words: Callable[[int], str]
    of: str
    asked: Callable[[Pod], int]


def _one(_: Pod) -> int:
    return 1


def _limit_m(pod: Pod) -> int:
    return most_at_once(pod, lambda container: container.cpu_limit_m or 0)


def _limit(pod: Pod) -> int:
    return most_at_once(pod, lambda container: container.memory_limit or 0)


_PODS = _Unit(whole, str, " pods", _one)
_CPU = _Unit(millicores, cpu, " asked for", asked_cpu)
_MEMORY = _Unit(whole, amount, " of memory asked for", asked_memory)
_UNITS: Mapping[str, _Unit] = MappingProxyType(
    {
        "pods": _PODS,
        "count/pods": _PODS,
        "cpu": _CPU,
        "requests.cpu": _CPU,
        "memory": _MEMORY,
        "requests.memory": _MEMORY,
        "limits.cpu": _Unit(millicores, cpu, " of limits", _limit_m),
        "limits.memory": _Unit(whole, amount, " of memory limits", _limit),
    }
)


def room_in_quotas(ground: Ground, template: Json | None = None) -> tuple[QuotaRoom, ...]:
    """Return what each quota of the namespace leaves for more pods, the scarcest first."""
    model = _model(ground, template)
    found = [each for quota in ground.surroundings.quotas for each in _rooms(quota, model)]
    return tuple(sorted(found, key=lambda each: (each.pods, each.quota, each.resource)))


def _rooms(quota: Json, model: Pod) -> Iterator[QuotaRoom]:
    applies = _applies(quota, model)
    if applies is False:
        return
    status: Json = quota.get("status") or {}
    hard: Json = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}
    for resource in sorted(hard):
        unit = _UNITS.get(resource)
        each = unit.asked(model) if unit else 0
        if unit and each:
            yield QuotaRoom(
                quota=str(metadata_of(quota).get("name", "")),
                resource=resource,
                hard=unit.read(str(hard[resource])),
                used=unit.read(str((status.get("used") or {}).get(resource, "0"))),
                each=each,
                certain=applies is True,
            )


def _applies(quota: Json, model: Pod) -> bool | None:
    """Tell whether a quota is about such pods; None where its scope does not say."""
    spec: Json = quota.get("spec") or {}
    if (spec.get("scopeSelector") or {}).get("matchExpressions"):
        return None
    bare = not any(
        amount_of is not None
        for each in model.containers
        for amount_of in (each.cpu_request_m, each.cpu_limit_m, each.memory_request, each.memory_limit)
    )
    known = {"BestEffort": bare, "NotBestEffort": not bare, "Terminating": False, "NotTerminating": True}
    said = [known.get(scope) for scope in spec.get("scopes") or ()]
    if False in said:
        return False
    return None if None in said else True
