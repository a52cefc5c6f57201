"""The table of pods. STATUS is computed from all containers, not read from a field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.cluster.api.tables.columns import NONE, Printer, age, columns, human_duration, parse_time
from sandbox.cluster.store import Json


@dataclass(slots=True)
class _Tally:
    """What is counted while the containers are walked."""

    ready: int = 0
    restarts: int = 0
    last_restart: datetime | None = None

    def add(self, status: Json) -> None:
        self.restarts += status.get("restartCount", 0)
        ended = (status.get("lastState") or {}).get("terminated") or {}
        finished = parse_time(ended.get("finishedAt"))
        if finished and (self.last_restart is None or finished > self.last_restart):
            self.last_restart = finished


def status_cells(pod: Json, now: datetime) -> tuple[str, str, str]:
    """Return the cells READY, STATUS and RESTARTS (printPod of the server's internal printers)."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    reason = status.get("reason") or status.get("phase", "")
    if conditions.get("PodScheduled", {}).get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    inits = {container["name"]: container for container in spec.get("initContainers") or []}
    sidecars = {name for name, container in inits.items() if container.get("restartPolicy") == "Always"}
    total = len(spec.get("containers") or []) + len(sidecars)
    blocked, tally, sidecar_tally = _walk_inits(status, sidecars, len(inits))
    if blocked is not None:
        reason = blocked
    if blocked is None or conditions.get("Initialized", {}).get("status") == "True":
        sidecar_tally.ready = tally.ready
        tally = sidecar_tally
        is_ready = conditions.get("Ready", {}).get("status") == "True"
        reason = _walk_containers(status, tally, reason, is_ready=is_ready)
    return f"{tally.ready}/{total}", _while_deleted(pod, reason), _restarts(tally, now)


def _walk_inits(status: Json, sidecars: set[str], total: int) -> tuple[str | None, _Tally, _Tally]:
    """Return what the first init container that is not done shows, and the counts: of all, of the sidecars."""
    tally, sidecar_tally = _Tally(), _Tally()
    for position, container in enumerate(status.get("initContainerStatuses") or []):
        tally.add(container)
        if container["name"] in sidecars:
            sidecar_tally.add(container)
        state = container.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting")
        if ended and ended["exitCode"] == 0:
            continue
        if container["name"] in sidecars and container.get("started"):
            tally.ready += bool(container.get("ready"))
            continue
        if ended:
            return "Init:" + _ended_reason(ended), tally, sidecar_tally
        if waiting and waiting.get("reason", "PodInitializing") != "PodInitializing":
            return "Init:" + waiting["reason"], tally, sidecar_tally
        return f"Init:{position}/{total}", tally, sidecar_tally
    return None, tally, sidecar_tally


def _walk_containers(status: Json, tally: _Tally, reason: str, *, is_ready: bool) -> str:
    """Return the reason after the main containers, walked from the last to the first."""
    has_running = False
    for container in reversed(status.get("containerStatuses") or []):
        tally.add(container)
        state = container.get("state") or {}
        waiting = state.get("waiting") or {}
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif state.get("terminated"):
            reason = _ended_reason(state["terminated"])
        elif container.get("ready") and "running" in state:
            has_running = True
            tally.ready += 1
    if reason == "Completed" and has_running:
        return "Running" if is_ready else "NotReady"
    return reason


def _while_deleted(pod: Json, reason: str) -> str:
    status = pod.get("status") or {}
    if not pod["metadata"].get("deletionTimestamp"):
        return reason
    if status.get("reason") == "NodeLost":
        return "Unknown"
    return reason if status.get("phase") in {"Succeeded", "Failed"} else "Terminating"


def _ended_reason(ended: Json) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended['exitCode']}"


def _restarts(tally: _Tally, now: datetime) -> str:
    if tally.restarts and tally.last_restart is not None:
        return f"{tally.restarts} ({human_duration(now - tally.last_restart)} ago)"
    return str(tally.restarts)


def _cells(pod: Json, now: datetime) -> list[object]:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    ready, reason, restarts = status_cells(pod, now)
    ips = [entry["ip"] for entry in status.get("podIPs") or []]
    return [
        pod["metadata"]["name"],
        ready,
        reason,
        restarts,
        age(pod, now),
        ips[0] if ips else status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _readiness_gates(spec, status),
    ]


def _readiness_gates(spec: Json, status: Json) -> str:
    gates = spec.get("readinessGates") or []
    if not gates:
        return NONE
    holding = {entry["type"] for entry in status.get("conditions") or [] if entry["status"] == "True"}
    return f"{sum(gate['conditionType'] in holding for gate in gates)}/{len(gates)}"


def _conditions(pod: Json) -> list[Json]:
    messages = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}
    phase = (pod.get("status") or {}).get("phase", "")
    if phase not in messages:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": messages[phase]}]


_COLUMNS = columns(
    "Name",
    "Ready",
    "Status",
    "Restarts",
    "Age",
    wide=("IP", "Node", "Nominated Node", "Readiness Gates"),
)
PRINTERS = {("", "pods"): Printer(_COLUMNS, _cells, _conditions)}
