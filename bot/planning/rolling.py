"""How a workload replaces its pods: how many move, how many at a time, how many stay ready meanwhile. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bot.domain.live import Json, metadata_of
from bot.domain.steps.base import spec_of

ON_DELETE, RECREATE = "OnDelete", "Recreate"
_HUNDRED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """A workload's way of replacing its pods, in absolute numbers.

    `moves` pods are replaced; up to `surge` are made beside those that are wanted, up to `away` may be missing.
    `strategy` is the API's word (`RollingUpdate`, `Recreate`, `OnDelete`); `ready` are ready now.
    """

    strategy: str
    desired: int
    moves: int
    surge: int
    away: int
    ready: int

    @property
    def stays(self) -> int:
        """Return how many pods stay ready at least."""
        return max(min(self.ready, self.desired - self.away), 0)

    @property
    def waves(self) -> int:
        """Return in how many rounds the pods are replaced."""
        return math.ceil(self.moves / max(self.surge + self.away, 1))


def rolling_of(kind: str, live: Json | None) -> Rolling:
    """Read from a live Deployment, StatefulSet or DaemonSet how it replaces its pods."""
    status: Json = (live or {}).get("status") or {}
    match kind:
        case "Deployment":
            return _deployment(spec_of(live), int(status.get("readyReplicas", 0)))
        case "StatefulSet":
            return _stateful_set(spec_of(live), int(status.get("readyReplicas", 0)))
        case _:
            return _daemon_set(spec_of(live), status)


def _deployment(spec: Json, ready: int) -> Rolling:
    strategy, settings = _strategy(spec.get("strategy"))
    desired = int(spec.get("replicas", 1))
    if strategy == RECREATE:
        return Rolling(strategy=strategy, desired=desired, moves=desired, surge=0, away=desired, ready=ready)
    surge = _share(settings.get("maxSurge", "25%"), desired, up=True)
    away = _share(settings.get("maxUnavailable", "25%"), desired, up=False)
    # Two shares that both round to nothing would be a standstill: the controller then lets one pod be away.
    away = away or (0 if surge else 1)
    return Rolling(strategy=strategy, desired=desired, moves=desired, surge=surge, away=min(away, desired), ready=ready)


def _stateful_set(spec: Json, ready: int) -> Rolling:
    strategy, settings = _strategy(spec.get("updateStrategy"))
    desired = int(spec.get("replicas", 1))
    held = int(settings.get("partition") or 0)
    moves = 0 if strategy == ON_DELETE else max(desired - held, 0)
    away = max(_share(settings.get("maxUnavailable") or 1, desired, up=True), 1)
    return Rolling(strategy=strategy, desired=desired, moves=moves, surge=0, away=min(away, moves), ready=ready)


def _daemon_set(spec: Json, status: Json) -> Rolling:
    strategy, settings = _strategy(spec.get("updateStrategy"))
    desired = int(status.get("desiredNumberScheduled", 0))
    moves = 0 if strategy == ON_DELETE else desired
    surge = _share(settings.get("maxSurge", 0), desired, up=True)
    away = _share(settings.get("maxUnavailable", 1), desired, up=True)
    ready = int(status.get("numberReady", 0))
    return Rolling(strategy=strategy, desired=desired, moves=moves, surge=surge, away=min(away, moves), ready=ready)


def _strategy(said: Any) -> tuple[str, Json]:
    strategy: Json = said or {}
    settings: Json = strategy.get("rollingUpdate") or {}
    return str(strategy.get("type", "RollingUpdate")), settings


def _share(value: Any, total: int, *, up: bool) -> int:
    """Return a number of pods that is said as one, or as a share (`25%`)."""
    if isinstance(value, str) and value.endswith("%"):
        pods = int(value.removesuffix("%")) * total
        return -(-pods // _HUNDRED) if up else pods // _HUNDRED
    return int(value)


def under_way(kind: str, live: Json | None) -> str:
    """Say how far a roll-out is that still goes on; empty when none does, or when it has failed.

    Pods that are merely not ready are no roll-out.
    """
    status: Json = (live or {}).get("status") or {}
    if int(status.get("observedGeneration", 0)) < int(metadata_of(live).get("generation", 0)):
        return "the cluster has not looked at the last change yet"
    if _has_failed(status):
        return ""
    rolling = rolling_of(kind, live)
    updated = int(status.get("updatedNumberScheduled" if kind == "DaemonSet" else "updatedReplicas", 0))
    if updated < rolling.moves:
        return f"{updated} of {rolling.moves} are new"
    old = int(status.get("replicas", 0)) - updated if kind == "Deployment" else 0
    return f"{old} of before still run" if old > 0 else ""


def _has_failed(status: Json) -> bool:
    return any(
        each.get("type") == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded"
        for each in status.get("conditions") or ()
    )
