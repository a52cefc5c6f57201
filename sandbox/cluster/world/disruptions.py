"""The disruption controller: how many pods of a budget may be evicted now."""

from __future__ import annotations

from sandbox.cluster.store import Json
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.pods_view import is_active, is_ready, with_condition


def desired_healthy(spec: Json, expected: int) -> int:
    """Return how many healthy pods a budget wants; a share of them rounds up."""
    if "maxUnavailable" in spec:
        return max(0, expected - _share(spec["maxUnavailable"], expected))
    return _share(spec.get("minAvailable", 0), expected)


def _share(value: int | str, total: int) -> int:
    return value if isinstance(value, int) else -(-int(value.rstrip("%")) * total // 100)


class DisruptionController:
    """Keep the status of PodDisruptionBudgets."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery

    def reconcile(self, key: Key) -> None:
        """Count the pods of one budget."""
        budget = self._machinery.peek(*key)
        if budget is None:
            return
        selector = (budget["spec"].get("selector") or {}).get("matchLabels") or {}
        pods = self._machinery.selected(key.namespace, selector) if selector else []
        active = [pod for pod in pods if is_active(pod)]
        healthy, wanted = sum(is_ready(pod) for pod in active), desired_healthy(budget["spec"], len(active))
        allowed = max(0, healthy - wanted)
        reason = "SufficientPods" if allowed else "InsufficientPods"
        condition = {
            "type": "DisruptionAllowed",
            "status": "True" if allowed else "False",
            "reason": reason,
            "message": "",
            "observedGeneration": budget["metadata"].get("generation", 1),
        }
        old = budget.get("status") or {}
        status = {
            "currentHealthy": healthy,
            "desiredHealthy": wanted,
            "disruptionsAllowed": allowed,
            "expectedPods": len(active),
            "observedGeneration": budget["metadata"].get("generation", 1),
            "conditions": with_condition(old.get("conditions") or [], condition, self._machinery.stamp()),
        }
        self._machinery.set_status("poddisruptionbudgets", budget, status)
