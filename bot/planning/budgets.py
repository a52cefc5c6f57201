"""Disruption budgets: which are about some pods, and what they allow now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.live import Json, metadata_of
from bot.domain.steps.base import spec_of
from bot.ports import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A PodDisruptionBudget: how many of its pods are healthy, how many must be, how many may be evicted now.

    `least` is the number that must always be healthy, None where it is a share or counts from the top.
    `spares_unready`: a pod that is not ready is protected, too, while too few are healthy. `settled` is False while its
    last change is still being processed.
    """

    name: str
    healthy: int
    needed: int
    allowed: int
    least: int | None = None
    spares_unready: bool = True
    settled: bool = True

    def refuses(self, *, ready: bool) -> bool:
        """Tell whether the API server refuses to evict a running pod of it now."""
        if not ready and (not self.spares_unready or 0 < self.needed <= self.healthy):
            return False
        return not self.settled or self.allowed < 1

    def __str__(self) -> str:
        return f"{self.name} needs {self.needed} healthy, has {self.healthy}"


def budgets_of(surroundings: Surroundings, labels: Mapping[str, str]) -> tuple[Budget, ...]:
    """Return the budgets that are about pods with these labels, by name."""
    found = [_budget(each) for each in surroundings.budgets if selects(spec_of(each).get("selector"), labels)]
    return tuple(sorted(found, key=lambda budget: budget.name))


def _budget(said: Json) -> Budget:
    status: Json = said.get("status") or {}
    meta, least = metadata_of(said), spec_of(said).get("minAvailable")
    return Budget(
        name=str(meta.get("name", "")),
        healthy=int(status.get("currentHealthy", 0)),
        needed=int(status.get("desiredHealthy", 0)),
        allowed=int(status.get("disruptionsAllowed", 0)),
        least=least if isinstance(least, int) else None,
        spares_unready=spec_of(said).get("unhealthyPodEvictionPolicy") != "AlwaysAllow",
        settled=int(status.get("observedGeneration", 0)) >= int(meta.get("generation", 0)),
    )


def selects(selector: Json | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector fits: an empty one fits all, a missing one nothing."""
    if selector is None:
        return False
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _meets(labels.get(str(each.get("key", ""))), each) for each in selector.get("matchExpressions") or ()
    )


def _meets(value: str | None, expression: Json) -> bool:
    values = expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:  # DoesNotExist
            return value is None
