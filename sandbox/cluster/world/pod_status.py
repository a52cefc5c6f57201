"""The status of a pod as its kubelet reports it, computed from what the kubelet remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.cluster.store import Json
from sandbox.cluster.world.clock import stamp
from sandbox.cluster.world.containers import NEVER, Container, Stage
from sandbox.cluster.world.images import normalized
from sandbox.cluster.world.pods_view import with_condition


@dataclass(slots=True)
class PodRuntime:
    """The kubelet's memory of one pod."""

    uid: str
    node: str
    host_address: str
    started: float
    initial: list[Container]
    regular: list[Container]
    address: str = ""
    mounted: bool = False
    mount_due: float = 0.0
    mount_failures: int = 0
    sandbox_due: float = NEVER
    gone_at: float = NEVER
    evicted: str = ""
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def containers(self) -> list[Container]:
        """All containers, those that run first first."""
        return [*self.initial, *self.regular]

    @property
    def initialized(self) -> bool:
        """Whether all init containers are done and all sidecars started."""
        return all(is_passed(container) for container in self.initial)

    @property
    def finished(self) -> bool:
        """Whether the pod has ended for good."""
        failed_early = any(c.stage is Stage.DONE and not is_passed(c) for c in self.initial)
        return bool(self.evicted) or failed_early or all(c.stage is Stage.DONE for c in self.regular)


def is_passed(container: Container) -> bool:
    """Tell whether the next container may start after this init container or sidecar."""
    if container.role == "sidecar":
        return container.started
    run = container.current
    return container.stage is Stage.DONE and run is not None and run.exit_code == 0


def phase(runtime: PodRuntime) -> str:
    """Return the phase; a pod whose containers wait for a restart is Running."""
    if runtime.finished:
        exit_codes = [c.current.exit_code for c in runtime.containers if c.current is not None]
        return "Failed" if runtime.evicted or any(exit_codes) else "Succeeded"
    if not runtime.initialized and not any(c.current is not None for c in runtime.regular):
        return "Pending"
    return "Running" if all(c.current is not None for c in runtime.regular) else "Pending"


def pod_status(pod: Json, runtime: PodRuntime, now: float) -> Json:
    """Return the whole status."""
    old = pod["status"]
    status: Json = {"phase": phase(runtime), "conditions": _conditions(pod, runtime, now)}
    status["observedGeneration"] = pod["metadata"].get("generation", 1)
    if runtime.evicted:
        status |= {"reason": "Evicted", "message": runtime.evicted}
    status |= {"hostIP": runtime.host_address, "hostIPs": [{"ip": runtime.host_address}]}
    if runtime.address:
        status |= {"podIP": runtime.address, "podIPs": [{"ip": runtime.address}]}
    status["startTime"] = stamp(runtime.started)
    status["qosClass"] = old.get("qosClass", "BestEffort")
    if runtime.evicted:
        return status  # the kubelet's last word about it has no containers
    if runtime.initial:
        status["initContainerStatuses"] = [_container_status(c, initializing=True) for c in runtime.initial]
    initializing = not runtime.initialized
    status["containerStatuses"] = [_container_status(c, initializing=initializing) for c in runtime.regular]
    return status


def _container_status(container: Container, *, initializing: bool) -> Json:
    spec, run = container.spec, container.current
    status: Json = {
        "name": container.name,
        "state": container.state(initializing=initializing and bool(container.role != "init" or run)),
        "lastState": container.last_state(),
        "ready": container.ready or (container.role == "init" and is_passed(container)),
        "restartCount": container.restarts,
        "image": normalized(spec["image"]) if container.image_id else spec["image"],
        "imageID": container.image_id,
        "started": container.started,
    }
    if run is not None:
        status["containerID"] = run.container_id
        status["resources"] = spec.get("resources") or {}
        if status["resources"].get("requests"):
            status["allocatedResources"] = status["resources"]["requests"]
    mounts = spec.get("volumeMounts", ())
    status["volumeMounts"] = [
        {**mount, "recursiveReadOnly": "Disabled"} if mount.get("readOnly") else mount for mount in mounts
    ]
    return status


def _conditions(pod: Json, runtime: PodRuntime, now: float) -> list[Json]:
    told = pod["status"].get("conditions") or ()
    # What the eviction wrote is not the kubelet's to change.
    conditions: list[Json] = [entry for entry in told if entry.get("reason") == "EvictionByEvictionAPI"]
    old = {entry["type"]: entry for entry in pod["status"].get("conditions") or ()}
    for kind, status, reason, message in _facts(runtime):
        generation = pod["metadata"].get("generation", 1)
        new: Json = {"type": kind, "status": status, "lastProbeTime": None, "observedGeneration": generation}
        new |= ({"reason": reason} if reason else {}) | ({"message": message} if message else {})
        since = stamp(runtime.started if kind not in old else now)
        conditions += with_condition([old[kind]] if kind in old else [], new, since)
    return conditions


def _facts(runtime: PodRuntime) -> Sequence[tuple[str, str, str, str]]:
    """Return type, status, reason and message of each condition."""
    sandbox = bool(runtime.address) and not runtime.finished
    facts = [("PodReadyToStartContainers", "True" if sandbox else "False", "", "")]
    if runtime.evicted:
        facts.append(("DisruptionTarget", "True", "TerminationByKubelet", runtime.evicted))
    waiting = [c.name for c in runtime.initial if not is_passed(c)]
    if waiting:
        text = f"containers with incomplete status: [{' '.join(waiting)}]"
        facts.append(("Initialized", "False", "ContainersNotInitialized", text))
    else:
        facts.append(("Initialized", "True", "PodCompleted" if phase(runtime) == "Succeeded" else "", ""))
    unready = [c.name for c in runtime.containers if c.role != "init" and not c.ready]
    result = phase(runtime)
    if result == "Succeeded":
        verdict = ("False", "PodCompleted", "")
    elif result == "Failed":
        verdict = ("False", "PodFailed", "")
    elif unready:
        verdict = ("False", "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    else:
        verdict = ("True", "", "")
    facts += [("Ready", *verdict), ("ContainersReady", *verdict), ("PodScheduled", "True", "", "")]
    return facts
