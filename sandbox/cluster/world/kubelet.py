"""The kubelets of all nodes: they bring the containers of the pods assigned to them into being, and report."""

from __future__ import annotations

from random import Random

from sandbox.cluster.store import Json
from sandbox.cluster.world.catalogue import Catalogue
from sandbox.cluster.world.container_steps import ContainerSteps
from sandbox.cluster.world.containers import NEVER, Container, Stage
from sandbox.cluster.world.defaults import defaulted_pod_spec, quality_of_service
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.pod_status import PodRuntime, is_passed, pod_status
from sandbox.cluster.world.references import missing_mount
from sandbox.cluster.world.scheduler import Scheduler

_MOUNT_RETRY_LIMIT = 122.0
_GRACE_FOR_NOTHING = 0.5


class Kubelet:
    """Drive the pods of all nodes."""

    def __init__(self, machinery: Machinery, events: EventRecorder, catalogue: Catalogue, scheduler: Scheduler) -> None:
        self._machinery = machinery
        self._events = events
        self._catalogue = catalogue
        self._scheduler = scheduler
        self._steps = ContainerSteps(machinery, events, catalogue)
        self._runtimes: dict[Key, PodRuntime] = {}
        self._addresses: dict[str, set[int]] = {}

    def runtime(self, namespace: str, pod: str) -> PodRuntime | None:
        """Return what is known of a pod that a node has."""
        return self._runtimes.get(Key("pods", namespace, pod))

    def running_pods(self) -> dict[Key, PodRuntime]:
        """Return all pods that nodes have."""
        return self._runtimes

    def reconcile(self, key: Key) -> None:
        """Do what is due for one pod."""
        pod = self._machinery.peek(*key)
        runtime = self._runtimes.get(key)
        if runtime is not None and (pod is None or pod["metadata"]["uid"] != runtime.uid):
            self._forget(key, runtime)
            runtime = None
        if pod is None:
            return
        if "qosClass" not in pod.get("status", {}):
            pod = self._complete(pod)
        if pod["spec"].get("nodeName"):
            self._serve(key, pod, runtime or self._admit(key, pod))
        elif "deletionTimestamp" in pod["metadata"]:
            self._machinery.delete("pods", pod)
        else:
            self._scheduler.schedule(pod)

    def _serve(self, key: Key, pod: Json, runtime: PodRuntime) -> None:
        """Do what is due for a pod that a node has, and report."""
        if "deletionTimestamp" in pod["metadata"]:
            self._stop(pod, runtime)
            if self._machinery.now >= runtime.gone_at:
                self._machinery.delete("pods", pod)
                return
        elif not runtime.finished:
            self._proceed(pod, runtime)
        if runtime.finished:
            self._scheduler.release(runtime.uid)
        self._machinery.set_status("pods", pod, pod_status(pod, runtime, self._machinery.now))
        self._machinery.wake(key, self._next(runtime))

    def evict(self, pod: Json, message: str) -> None:
        """End a pod for want of a node's resources."""
        key = Key("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        runtime = self._runtimes[key]
        runtime.evicted = message
        self._tell(pod, runtime, "Evicted", message, warning=True)
        for container in runtime.containers:
            if container.running:
                self._tell(pod, runtime, "Killing", f"Stopping container {container.name}", container)
                container.end(self._machinery.now, 137, "Error", restart=False)
        self.reconcile(key)

    def change_behaviours(self) -> None:
        """Let running containers take on what the catalogue says now."""
        for key, runtime in self._runtimes.items():
            pod = self._machinery.peek(*key)
            if pod is None or runtime.finished:
                continue
            for container in runtime.containers:
                self._steps.change_behaviour(pod, container)
            self._machinery.wake(key, self._next(runtime))

    def _complete(self, pod: Json) -> Json:
        """Give a pod that no controller made what the API server would have given it."""
        spec = defaulted_pod_spec(pod["spec"])
        status = {"phase": "Pending", "qosClass": quality_of_service(spec), **pod.get("status", {})}
        return self._machinery.update("pods", {**pod, "spec": spec, "status": status})

    def _admit(self, key: Key, pod: Json) -> PodRuntime:
        now, node_name = self._machinery.now, pod["spec"]["nodeName"]
        node = self._machinery.peek("nodes", "", node_name) or {"status": {}}
        addresses = node["status"].get("addresses") or [{"type": "InternalIP", "address": "10.111.0.1"}]
        initial = [
            Container(spec["name"], "sidecar" if spec.get("restartPolicy") == "Always" else "init", spec)
            for spec in pod["spec"].get("initContainers", ())
        ]
        regular = [Container(spec["name"], "regular", spec) for spec in pod["spec"]["containers"]]
        runtime = PodRuntime(pod["metadata"]["uid"], node_name, addresses[0]["address"], now, initial, regular)
        runtime.mount_due = now
        self._runtimes[key] = runtime
        self._scheduler.book(pod)
        return runtime

    def _proceed(self, pod: Json, runtime: PodRuntime) -> None:
        now = self._machinery.now
        if not runtime.mounted:
            if now < runtime.mount_due:
                return
            trouble = missing_mount(self._machinery.store, pod)
            if trouble is not None:
                runtime.mount_due = now + min(_MOUNT_RETRY_LIMIT, 0.5 * 2.0**runtime.mount_failures)
                runtime.mount_failures += 1
                self._tell(pod, runtime, "FailedMount", trouble, warning=True)
                return
            runtime.mounted = True
            runtime.sandbox_due = now + 0.4 + self._random(runtime, "sandbox").random() * 0.8
        if not runtime.address:
            if now < runtime.sandbox_due:
                return
            runtime.address = self._address(runtime)
        for position, container in enumerate(runtime.initial):
            if container.stage is Stage.PENDING and not all(is_passed(c) for c in runtime.initial[:position]):
                break
            self._steps.step(pod, runtime, container)
        if runtime.initialized:
            for container in runtime.regular:
                self._steps.step(pod, runtime, container)

    def _stop(self, pod: Json, runtime: PodRuntime) -> None:
        if runtime.gone_at != NEVER:
            return
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 30))
        longest = _GRACE_FOR_NOTHING
        for container in runtime.containers:
            if container.running and container.current is not None:
                longest = max(longest, container.current.behaviour.stop_seconds)
                self._tell(pod, runtime, "Killing", f"Stopping container {container.name}", container)
                container.ready = False
        runtime.gone_at = self._machinery.now + min(grace, longest)

    def _next(self, runtime: PodRuntime) -> float:
        if runtime.gone_at != NEVER:
            return runtime.gone_at
        if runtime.finished:
            return NEVER
        if not runtime.mounted:
            return runtime.mount_due
        if not runtime.address:
            return runtime.sandbox_due
        return min(container.wakes_at for container in runtime.containers)

    def _forget(self, key: Key, runtime: PodRuntime) -> None:
        del self._runtimes[key]
        self._scheduler.release(runtime.uid)
        if runtime.address:
            self._addresses[runtime.node].discard(int(runtime.address.rpartition(".")[2]))

    def _address(self, runtime: PodRuntime) -> str:
        node = self._machinery.peek("nodes", "", runtime.node)
        network = (node["spec"].get("podCIDR") if node else None) or "10.244.0.0/24"
        used = self._addresses.setdefault(runtime.node, set())
        host = next(number for number in range(2, 255) if number not in used)
        used.add(host)
        return f"{network.rpartition('.')[0]}.{host}"

    def _random(self, runtime: PodRuntime, purpose: str) -> Random:
        return Random(f"{self._machinery.seed} {runtime.uid} {purpose}")

    def _tell(
        self,
        pod: Json,
        runtime: PodRuntime,
        reason: str,
        message: str,
        container: Container | None = None,
        *,
        warning: bool = False,
    ) -> None:
        path = container.field_path if container is not None else ""
        about = reference(pod, "v1", "Pod")
        host = runtime.node
        self._events.record(about, reason, message, component="kubelet", host=host, warning=warning, field_path=path)
