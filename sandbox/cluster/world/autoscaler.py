"""The autoscaler: the number of pods that brings their CPU to the target."""

from __future__ import annotations

import math

from sandbox.cluster.store import Json
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.metrics import Usage
from sandbox.cluster.world.pods_view import is_active, with_condition
from sandbox.cluster.world.quantities import millicores

COMPONENT = "horizontal-pod-autoscaler"
SYNC_SECONDS = 15.0
_STABILIZATION_SECONDS = 300.0
_TOLERANCE = 0.1
_NO_METRICS = (
    "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics"
    " for resource cpu: no metrics returned from resource metrics API"
)
_METRIC_FOUND = (
    "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"
)
Condition = tuple[str, str, str, str]


def recommendation(current: int, utilization: float, target: int) -> int:
    """Return the replicas that bring the utilization to its target; within a tenth of it nothing changes."""
    ratio = utilization / target
    return current if abs(ratio - 1) <= _TOLERANCE else max(1, math.ceil(current * ratio))


def bounded(wanted: int, least: int, most: int) -> tuple[int, Condition]:
    """Return a recommendation within its bounds, and the condition ScalingLimited that says so."""
    if wanted < least:
        return least, ("ScalingLimited", "True", "TooFewReplicas", _limited("less than the minimum"))
    if wanted > most:
        return most, ("ScalingLimited", "True", "TooManyReplicas", _limited("more than the maximum"))
    within = "the desired count is within the acceptable range"
    return wanted, ("ScalingLimited", "False", "DesiredWithinRange", within)


def _cpu_goal(spec: Json) -> int | None:
    """Return the wanted CPU utilization in percent; other metrics are not simulated."""
    for metric in spec.get("metrics") or ():
        resource = metric.get("resource") or {}
        goal = (resource.get("target") or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and goal:
            return int(goal)
    return None


def _limited(how: str) -> str:
    return f"the desired replica count is {how} replica count"


class Autoscaler:
    """Scale Deployments by the CPU of their pods."""

    def __init__(self, machinery: Machinery, events: EventRecorder, usage: Usage) -> None:
        self._machinery = machinery
        self._events = events
        self._usage = usage
        self._recommended: dict[Key, list[tuple[float, int]]] = {}

    def reconcile(self, key: Key) -> None:
        """Look at one autoscaler's target."""
        scaler = self._machinery.peek(*key)
        if scaler is None:
            return
        self._machinery.pulse(key, SYNC_SECONDS)
        target = self._machinery.peek("deployments", key.namespace, scaler["spec"]["scaleTargetRef"]["name"])
        if target is None:
            message = "the HPA controller was unable to get the target's current scale: not found"
            self._write(scaler, {}, [("AbleToScale", "False", "FailedGetScale", message)])
            return
        current = target["spec"].get("replicas", 1)
        if current == 0:
            message = "scaling is disabled since the replica count of the target is zero"
            able = ("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's scale")
            self._write(scaler, {"desiredReplicas": 0}, [able, ("ScalingActive", "False", "ScalingDisabled", message)])
            return
        self._scale(key, scaler, target, current)

    def _scale(self, key: Key, scaler: Json, target: Json, current: int) -> None:
        least, most = scaler["spec"].get("minReplicas", 1), scaler["spec"]["maxReplicas"]
        goal, used = _cpu_goal(scaler["spec"]), self._average(target)
        facts: list[Condition] = []
        metrics: list[Json] | None = None
        if used is None or goal is None:
            wanted, _ = bounded(current, least, most)
            facts.append(("ScalingActive", "False", "FailedGetResourceMetric", _NO_METRICS))
        else:
            millis, percent = used
            wanted, limited = bounded(self._stabilized(key, current, percent, goal), least, most)
            facts += [("ScalingActive", "True", "ValidMetricFound", _METRIC_FOUND), limited]
            value = {"averageUtilization": percent, "averageValue": f"{millis}m"}
            metrics = [{"type": "Resource", "resource": {"name": "cpu", "current": value}}]
        able: Condition = ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
        if wanted != current:
            message = f"the HPA controller was able to update the target scale to {wanted}"
            able = ("AbleToScale", "True", "SucceededRescale", message)
            self._rescale(scaler, target, current, wanted)
        counts = {"currentReplicas": current, "desiredReplicas": wanted, "currentMetrics": metrics}
        self._write(scaler, counts, [able, *facts])

    def _stabilized(self, key: Key, current: int, percent: int, goal: int) -> int:
        """Return the recommendation; downwards it is the highest one of the last five minutes."""
        now = self._machinery.now
        recent = [entry for entry in self._recommended.get(key, []) if entry[0] > now - _STABILIZATION_SECONDS]
        latest = recommendation(current, percent, goal)
        self._recommended[key] = [*recent, (now, latest)]
        return latest if latest >= current else max(count for _, count in self._recommended[key])

    def _rescale(self, scaler: Json, target: Json, current: int, wanted: int) -> None:
        spec = scaler["spec"]
        if current > spec["maxReplicas"]:
            why = "Current number of replicas above Spec.MaxReplicas"
        elif current < spec.get("minReplicas", 1):
            why = "Current number of replicas below Spec.MinReplicas"
        else:
            direction = "above" if wanted > current else "below"
            why = f"cpu resource utilization (percentage of request) {direction} target"
        self._machinery.update("deployments", {**target, "spec": {**target["spec"], "replicas": wanted}})
        about = reference(scaler, "autoscaling/v2", "HorizontalPodAutoscaler")
        message = f"New size: {wanted}; reason: {why}"
        self._events.record(about, "SuccessfulRescale", message, component=COMPONENT)

    def _average(self, target: Json) -> tuple[int, int] | None:
        """Return millicores and percent of the request, averaged over the target's pods that have metrics."""
        used: list[float] = []
        asked = 0
        for replica_set in self._machinery.owned("replicasets", target):
            for pod in self._machinery.owned("pods", replica_set):
                millis = self._usage.cpu_of(pod) if is_active(pod) else None
                if millis is not None:
                    used.append(millis)
                    asked += sum(
                        millicores(((entry.get("resources") or {}).get("requests") or {}).get("cpu", "0"))
                        for entry in pod["spec"]["containers"]
                    )
        if not used or not asked:
            return None
        return round(sum(used) / len(used)), round(100 * sum(used) / asked)

    def _write(self, scaler: Json, counts: Json, facts: list[Condition]) -> None:
        old = (scaler.get("status") or {}).get("conditions") or []
        at, conditions = self._machinery.stamp(), []
        for kind, status, reason, message in facts:
            new = {"type": kind, "status": status, "reason": reason, "message": message}
            conditions += with_condition([entry for entry in old if entry["type"] == kind], new, at)
        self._machinery.set_status("horizontalpodautoscalers", scaler, {**counts, "conditions": conditions})
