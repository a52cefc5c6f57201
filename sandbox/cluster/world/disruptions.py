"""The disruption controller: how many pods of a budget may be evicted now."""

from __future__ import annotations

from sandbox.cluster.labels import selector_matches
from sandbox.cluster.store import Json
from sandbox.cluster.world.clock import parse_stamp
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.pods_view import is_active, is_ready, with_condition

_DISRUPTION_SECONDS = 120.0


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
        pods = [pod for pod in self._selected(key.namespace, budget["spec"].get("selector")) if is_active(pod)]
        disrupted = self._disrupted(key, budget)
        counted = [pod for pod in pods if pod["metadata"]["name"] not in disrupted]
        healthy, wanted = sum(is_ready(pod) for pod in counted), desired_healthy(budget["spec"], len(pods))
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
            "expectedPods": len(pods),
            "observedGeneration": budget["metadata"].get("generation", 1),
            "conditions": with_condition(old.get("conditions") or [], condition, self._machinery.stamp()),
        }
        if disrupted:
            status["disruptedPods"] = disrupted
        self._machinery.set_status("poddisruptionbudgets", budget, status)

    def _selected(self, namespace: str, selector: Json | None) -> list[Json]:
        equal = (selector or {}).get("matchLabels")
        pods = self._machinery.selected(namespace, equal) if equal else self._machinery.store.list("pods", namespace)
        return [pod for pod in pods if selector_matches(selector, pod["metadata"].get("labels") or {})]

    def _disrupted(self, key: Key, budget: Json) -> Json:
        """Return the pods whose eviction was granted and not yet seen; after two minutes they count again."""
        left = {}
        for name, at in ((budget.get("status") or {}).get("disruptedPods") or {}).items():
            pod = self._machinery.peek("pods", key.namespace, name)
            ends = parse_stamp(at) + _DISRUPTION_SECONDS
            if pod is not None and "deletionTimestamp" not in pod["metadata"] and self._machinery.now < ends:
                left[name] = at
                self._machinery.wake(key, ends)
        return left
