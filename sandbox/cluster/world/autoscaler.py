"""The autoscaler: the number of pods that brings their CPU to the target."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sandbox.cluster.store import Json
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.metrics import Usage
from sandbox.cluster.world.ownership import PLURALS
from sandbox.cluster.world.pods_view import is_active, with_condition
from sandbox.cluster.world.quantities import millicores

COMPONENT = "horizontal-pod-autoscaler"
SYNC_SECONDS = 15.0
_SCALED = frozenset({"deployments", "replicasets", "statefulsets"})
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


def recommendation(current: int, utilization: float, target: int, *, measured: int = 0, unmeasured: int = 0) -> int:
    """Return the replicas that bring the utilization to its target; within a tenth of it nothing changes.

    Pods without metrics count as idle when more are to come, and as fully used when some are to go.
    """
    ratio = utilization / target
    if abs(ratio - 1) <= _TOLERANCE:
        return current
    if not unmeasured:
        return max(1, math.ceil((measured or current) * ratio))
    assumed = max(100, target) if ratio < 1 else 0
    everybody = measured + unmeasured
    whole = (utilization * measured + assumed * unmeasured) / everybody / target
    wanted = max(1, math.ceil(everybody * whole))
    if abs(whole - 1) <= _TOLERANCE or (ratio < 1) != (whole < 1) or (wanted > current) != (whole > 1):
        return current
    return wanted


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


@dataclass(frozen=True, slots=True)
class _Used:
    """The average CPU of pods in millicores and in percent of their requests, and of how many it is known."""

    millis: int
    percent: int
    measured: int
    unmeasured: int


class Autoscaler:
    """Scale workloads by the CPU of their pods."""

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
        named = scaler["spec"]["scaleTargetRef"]
        resource = PLURALS.get(named.get("kind", ""), "")
        target = self._machinery.peek(resource, key.namespace, named["name"]) if resource in _SCALED else None
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
        if not least <= current <= most:
            wanted = min(max(current, least), most)  # the bounds come first, whatever the usage is
        elif used is None or goal is None:
            wanted = current
            facts.append(("ScalingActive", "False", "FailedGetResourceMetric", _NO_METRICS))
        else:
            percent = used.percent
            latest = recommendation(current, percent, goal, measured=used.measured, unmeasured=used.unmeasured)
            wanted, limited = bounded(self._stabilized(key, current, latest), least, most)
            facts += [("ScalingActive", "True", "ValidMetricFound", _METRIC_FOUND), limited]
            value = {"averageUtilization": percent, "averageValue": f"{used.millis}m"}
            metrics = [{"type": "Resource", "resource": {"name": "cpu", "current": value}}]
        able: Condition = ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
        if wanted != current:
            message = f"the HPA controller was able to update the target scale to {wanted}"
            able = ("AbleToScale", "True", "SucceededRescale", message)
            self._rescale(scaler, target, current, wanted)
        counts = {"currentReplicas": current, "desiredReplicas": wanted, "currentMetrics": metrics}
        self._write(scaler, counts, [able, *facts])

    def _stabilized(self, key: Key, current: int, latest: int) -> int:
        """Return the recommendation; downwards it is the highest one of the last five minutes."""
        now = self._machinery.now
        recent = [entry for entry in self._recommended.get(key, []) if entry[0] > now - _STABILIZATION_SECONDS]
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
        resource = PLURALS[scaler["spec"]["scaleTargetRef"]["kind"]]
        self._machinery.update(resource, {**target, "spec": {**target["spec"], "replicas": wanted}})
        about = reference(scaler, "autoscaling/v2", "HorizontalPodAutoscaler")
        message = f"New size: {wanted}; reason: {why}"
        self._events.record(about, "SuccessfulRescale", message, component=COMPONENT)

    def _average(self, target: Json) -> _Used | None:
        """Return what the target's pods use that have metrics, None if none of them has."""
        used: list[float] = []
        asked = unmeasured = 0
        for owner in (target, *self._machinery.owned("replicasets", target)):
            for pod in filter(is_active, self._machinery.owned("pods", owner)):
                millis = self._usage.cpu_of(pod)
                if millis is None:
                    unmeasured += 1
                    continue
                used.append(millis)
                asked += sum(
                    millicores(((entry.get("resources") or {}).get("requests") or {}).get("cpu", "0"))
                    for entry in pod["spec"]["containers"]
                )
        if not used or not asked:
            return None
        return _Used(round(sum(used) / len(used)), round(100 * sum(used) / asked), len(used), unmeasured)

    def _write(self, scaler: Json, counts: Json, facts: list[Condition]) -> None:
        old = (scaler.get("status") or {}).get("conditions") or []
        told = {fact[0] for fact in facts}
        at, conditions = self._machinery.stamp(), [entry for entry in old if entry["type"] not in told]
        for kind, status, reason, message in facts:
            new = {"type": kind, "status": status, "reason": reason, "message": message}
            conditions += with_condition([entry for entry in old if entry["type"] == kind], new, at)
        self._machinery.set_status("horizontalpodautoscalers", scaler, {**counts, "conditions": conditions})
