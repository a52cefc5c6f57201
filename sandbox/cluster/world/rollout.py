"""The arithmetic of a rolling update, without a cluster: how far each ReplicaSet may go now."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from sandbox.cluster.store import Json


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pods a rollout may have above, and may miss below, the wanted number."""

    surge: int
    unavailable: int


@dataclass(frozen=True, slots=True)
class Size:
    """The numbers of one ReplicaSet: wanted pods, existing ones, available ones.

    ``most_before`` is how many pods the Deployment might have when the ReplicaSet was sized last.
    """

    name: str
    wanted: int
    existing: int
    available: int
    most_before: int = 1


def limits(spec: Json) -> Limits:
    """Return the limits of a Deployment's strategy: a surge rounds up, an absence down, and both are never zero."""
    replicas = spec["replicas"]
    if spec["strategy"]["type"] == "Recreate":
        return Limits(0, replicas)
    rolling = spec["strategy"]["rollingUpdate"]
    surge = _resolve(rolling["maxSurge"], replicas, up=True)
    unavailable = _resolve(rolling["maxUnavailable"], replicas, up=False)
    return Limits(surge, unavailable or (0 if surge else 1))


def _resolve(value: int | str, total: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    share = int(value.rstrip("%")) * total
    return -(-share // 100) if up else share // 100


def new_size(replicas: int, new: Size, old: list[Size], bounds: Limits) -> int:
    """Return how many pods the new ReplicaSet may want now."""
    if new.wanted >= replicas:
        return replicas
    room = replicas + bounds.surge - new.wanted - sum(size.wanted for size in old)
    return new.wanted + max(0, min(room, replicas - new.wanted))


def old_sizes(replicas: int, new: Size, old: list[Size], bounds: Limits) -> dict[str, int]:
    """Return how many pods each old ReplicaSet (oldest first) shall want now: broken pods go first, then spare ones."""
    sizes = {size.name: size.wanted for size in old}
    total = new.wanted + sum(sizes.values())
    least = replicas - bounds.unavailable
    spare = total - least - (new.wanted - new.available)
    if spare <= 0:
        return sizes
    for size in old:
        broken = min(spare, size.wanted - size.available)
        if broken > 0:
            sizes[size.name] -= broken
            spare -= broken
    excess = new.available + sum(size.available for size in old) - least
    for size in old:
        gone = min(max(0, excess), sizes[size.name])
        sizes[size.name] -= gone
        excess -= gone
    return sizes


def rescaled(replicas: int, sizes: list[Size], bounds: Limits) -> dict[str, int]:
    """Return the sizes (newest first) after ``spec.replicas`` changed in mid-rollout: shared in proportion.

    What rounding leaves over is the largest one's; of equals, the newer grows and the older shrinks.
    """
    active = [size for size in sizes if size.wanted > 0]
    if len(active) <= 1:
        chosen = active or sizes[:1]
        return {size.name: replicas for size in chosen}
    goal = replicas + bounds.surge if replicas else 0
    to_add = goal - sum(size.wanted for size in active)
    order = sorted(active if to_add > 0 else reversed(active), key=lambda size: -size.wanted)
    shares, added = {}, 0
    for size in order:
        share = _share_of(size, replicas, goal) if to_add != added else 0
        share = min(share, to_add - added) if to_add > 0 else max(share, to_add - added)
        shares[size.name] = size.wanted + share
        added += share
    shares[order[0].name] = max(0, shares[order[0].name] + to_add - added)
    return shares


def _share_of(size: Size, replicas: int, goal: int) -> int:
    """Return how much one ReplicaSet is to grow, or to shrink, to keep its part of the whole."""
    if not replicas:
        return -size.wanted
    return floor(size.wanted * goal / size.most_before + 0.5) - size.wanted
