"""The scheduler: a node for each pod by requests against what the nodes have, or the reason why there is none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sandbox.cluster.store import Json
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.pods_view import with_condition
from sandbox.cluster.world.quantities import memory_bytes, millicores
from sandbox.cluster.world.references import unbound_claim

_RETRY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a pod asks of a node: thousandths of a core, bytes, and a place."""

    cpu: int
    memory: int
    pods: int = 1


@dataclass(frozen=True, slots=True)
class Booking:
    """The node that a pod was given, and what it asked."""

    node: str
    request: Request


def request_of(spec: Json) -> Request:
    """Sum what the containers request; an init container counts where it asks more than all others together."""

    def sums(containers: list[Json]) -> tuple[int, int]:
        requests = [(entry.get("resources") or {}).get("requests") or {} for entry in containers]
        cpu = sum(millicores(entry.get("cpu", "0")) for entry in requests)
        return cpu, sum(memory_bytes(entry.get("memory", "0")) for entry in requests)

    initial = spec.get("initContainers", ())
    sidecars = [entry for entry in initial if entry.get("restartPolicy") == "Always"]
    cpu, memory = sums([*spec["containers"], *sidecars])
    singles = [sums([entry]) for entry in initial if entry not in sidecars]
    return Request(max([cpu, *(s[0] for s in singles)]), max([memory, *(s[1] for s in singles)]))


def refusals(pod: Json, node: Json, used: Request) -> list[str]:
    """Return the scheduler's reasons why a node cannot take a pod, in its words; none if it can."""
    spec, wanted = pod["spec"], request_of(pod["spec"])
    if node["spec"].get("unschedulable"):
        return ["node(s) were unschedulable"]
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(name) != value for name, value in (spec.get("nodeSelector") or {}).items()):
        return ["node(s) didn't match Pod's node affinity/selector"]
    for taint in node["spec"].get("taints", ()):
        if taint["effect"] != "PreferNoSchedule" and not _tolerates(spec.get("tolerations", ()), taint):
            return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
    room = node["status"]["allocatable"]
    reasons = []
    if used.pods + 1 > int(room.get("pods", "110")):
        reasons.append("Too many pods")
    if wanted.cpu and used.cpu + wanted.cpu > millicores(room["cpu"]):
        reasons.append("Insufficient cpu")
    if wanted.memory and used.memory + wanted.memory > memory_bytes(room["memory"]):
        reasons.append("Insufficient memory")
    return reasons


def unschedulable_message(reasons: list[list[str]], preemption: list[str]) -> str:
    """Return the scheduler's message for the reasons of all nodes."""
    total = len(reasons)
    return (
        f"0/{total} nodes are available: {_tally(reasons)}. no new claims to deallocate,"
        f" preemption: 0/{total} nodes are available: {_tally([[text] for text in preemption])}."
    )


class Scheduler:
    """Bind pods to nodes, and remember what is taken."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events
        self._bookings: dict[str, Booking] = {}
        self._used: dict[str, Request] = {}
        self._refused: dict[str, tuple[str, float]] = {}  # by uid: what was told, and when it is told again

    def schedule(self, pod: Json) -> None:
        """Bind a pod, or tell why it cannot be."""
        nodes = self._machinery.store.list("nodes")
        claim = unbound_claim(self._machinery.store, pod)
        if claim is not None:
            self._refuse(pod, f"0/{len(nodes)} nodes are available: {claim}. not found")
            return
        reasons = [refusals(pod, node, self._load(node["metadata"]["name"])) for node in nodes]
        fitting = [node for node, why in zip(nodes, reasons, strict=True) if not why]
        if not fitting:
            empty = Request(0, 0, 0)
            preemption = [
                "Preemption is not helpful for scheduling"
                if refusals(pod, node, empty)
                else "No preemption victims found for incoming pod"
                for node in nodes
            ]
            self._refuse(pod, unschedulable_message(reasons, preemption))
            return
        self._bind(pod, min(fitting, key=self._fullness)["metadata"]["name"])

    def book(self, pod: Json) -> None:
        """Count a pod on its node."""
        uid, node, request = pod["metadata"]["uid"], pod["spec"]["nodeName"], request_of(pod["spec"])
        if uid not in self._bookings:
            self._bookings[uid] = Booking(node, request)
            used = self._load(node)
            self._used[node] = Request(used.cpu + request.cpu, used.memory + request.memory, used.pods + 1)

    def release(self, uid: str) -> None:
        """Give back what a pod took."""
        booking = self._bookings.pop(uid, None)
        if booking is not None:
            used, gone = self._load(booking.node), booking.request
            self._used[booking.node] = Request(used.cpu - gone.cpu, used.memory - gone.memory, used.pods - 1)

    def _load(self, node: str) -> Request:
        return self._used.get(node, Request(0, 0, 0))

    def _fullness(self, node: Json) -> tuple[float, int, str]:
        used, name = self._load(node["metadata"]["name"]), node["metadata"]["name"]
        room = node["status"]["allocatable"]
        share = used.cpu / millicores(room["cpu"]) + used.memory / memory_bytes(room["memory"])
        return (round(share, 6), used.pods, name)

    def _bind(self, pod: Json, node: str) -> None:
        metadata = pod["metadata"]
        condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "observedGeneration": 1}
        conditions = with_condition(pod["status"].get("conditions") or [], condition, self._machinery.stamp())
        status = {**pod["status"], "conditions": conditions}
        bound = {**pod, "spec": {**pod["spec"], "nodeName": node}, "status": status}
        self.book(bound)
        self._machinery.update("pods", bound)
        message = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
        self._events.schedule(reference(pod, "v1", "Pod"), "Scheduled", message, action="Binding")

    def _refuse(self, pod: Json, message: str) -> None:
        key = Key("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "observedGeneration": 1,
            "reason": "Unschedulable",
            "message": message,
        }
        old = pod["status"].get("conditions") or []
        uid, now = pod["metadata"]["uid"], self._machinery.now
        told, retry = self._refused.get(uid, ("", 0.0))
        if told != message or now >= retry:
            about = reference(pod, "v1", "Pod")
            self._events.schedule(about, "FailedScheduling", message, action="Scheduling", warning=True)
            self._refused[uid] = (message, now + _RETRY_SECONDS)
            self._machinery.wake(key, now + _RETRY_SECONDS)
        conditions = with_condition(old, condition, self._machinery.stamp())
        self._machinery.set_status("pods", pod, {**pod["status"], "conditions": conditions})


def _tolerates(tolerations: list[Json], taint: Json) -> bool:
    for entry in tolerations:
        same_key = entry.get("key") in {None, "", taint["key"]}
        same_effect = entry.get("effect") in {None, "", taint["effect"]}
        exists = entry.get("operator", "Equal") == "Exists"
        if same_key and same_effect and (exists or entry.get("value", "") == taint.get("value", "")):
            return True
    return False


def _tally(reasons: list[list[str]]) -> str:
    counts = Counter(reason for node in reasons for reason in node)
    return ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
