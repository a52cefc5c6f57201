"""What the metrics server would have measured, computed when it is asked for."""

from __future__ import annotations

import zlib
from random import Random

from sandbox.cluster.store import Json
from sandbox.cluster.world.clock import stamp
from sandbox.cluster.world.containers import Container
from sandbox.cluster.world.kubelet import Kubelet
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.quantities import MEBI

RESOLUTION = 15
FIRST_AFTER = 19.0  # seconds until a started container has its first two samples
_SYSTEM_MILLIS, _SYSTEM_MEMORY = 120.0, 900 * MEBI


class Usage:
    """Tell the CPU and memory that containers use."""

    def __init__(self, machinery: Machinery, kubelet: Kubelet) -> None:
        self._machinery = machinery
        self._kubelet = kubelet

    def cpu_of(self, pod: Json) -> float | None:
        """Return the steady CPU of a pod in millicores, None while it has no metrics."""
        measured = self._measured(pod)
        if not measured:
            return None
        return sum(container.current.behaviour.cpu for container in measured if container.current is not None)

    def pod_metrics(self, namespace: str | None) -> list[Json]:
        """Return PodMetrics of all pods with a running container that is old enough."""
        now, items = self._machinery.now, []
        for pod in self._machinery.store.list("pods", namespace):
            measured = self._measured(pod)
            if not measured:
                continue
            metadata = pod["metadata"]
            items.append(
                {
                    "metadata": {
                        "name": metadata["name"],
                        "namespace": metadata["namespace"],
                        "creationTimestamp": stamp(now),
                        "labels": metadata.get("labels") or {},
                    },
                    "timestamp": stamp(self._sampled_at()),
                    "window": self._window(metadata["uid"]),
                    "containers": [self._container(metadata["uid"], entry) for entry in reversed(measured)],
                }
            )
        return items

    def node_metrics(self) -> list[Json]:
        """Return NodeMetrics of all nodes: their containers and the system."""
        now, items = self._machinery.now, []
        millis: dict[str, float] = {}
        memory: dict[str, float] = {}
        for runtime in self._kubelet.running_pods().values():
            for container in runtime.containers:
                if container.running and container.current is not None:
                    run = container.current
                    millis[runtime.node] = millis.get(runtime.node, 0.0) + run.behaviour.cpu
                    used = run.behaviour.memory_at(max(0.0, now - run.origin))
                    memory[runtime.node] = memory.get(runtime.node, 0.0) + used
        for node in self._machinery.store.list("nodes"):
            name, labels = node["metadata"]["name"], node["metadata"].get("labels") or {}
            noise = self._noise(name)
            items.append(
                {
                    "metadata": {"name": name, "creationTimestamp": stamp(now), "labels": labels},
                    "timestamp": stamp(self._sampled_at()),
                    "window": self._window(name),
                    "usage": {
                        "cpu": f"{int((_SYSTEM_MILLIS + millis.get(name, 0.0)) * noise * 1e6)}n",
                        "memory": f"{int((_SYSTEM_MEMORY + memory.get(name, 0.0)) / 1024)}Ki",
                    },
                }
            )
        return items

    def _measured(self, pod: Json) -> list[Container]:
        runtime = self._kubelet.runtime(pod["metadata"]["namespace"], pod["metadata"]["name"])
        if runtime is None:
            return []
        oldest = self._machinery.now - FIRST_AFTER
        return [
            container
            for container in runtime.containers
            if container.running and container.current is not None and container.current.started <= oldest
        ]

    def _container(self, uid: str, container: Container) -> Json:
        run = container.current
        if run is None:
            return {"name": container.name, "usage": {"cpu": "0n", "memory": "0Ki"}}
        millis = run.behaviour.cpu * self._noise(uid)
        memory = run.behaviour.memory_at(max(0.0, self._sampled_at() - run.origin))
        if run.memory_limit is not None:
            memory = min(memory, 0.995 * run.memory_limit)
        return {"name": container.name, "usage": {"cpu": f"{int(millis * 1e6)}n", "memory": f"{int(memory / 1024)}Ki"}}

    def _sampled_at(self) -> float:
        return self._machinery.now // RESOLUTION * RESOLUTION

    def _noise(self, what: str) -> float:
        return Random(f"{self._machinery.seed} {what} {self._sampled_at()}").uniform(0.85, 1.15)

    def _window(self, what: str) -> str:
        return f"{RESOLUTION}.{zlib.crc32(what.encode()) % 60:03d}s"
