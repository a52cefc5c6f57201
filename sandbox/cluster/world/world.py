"""The world as one object: time that moves, people who apply things, and what happens then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from sandbox.cluster.api.kinds import CUSTOM_GROUPS, KINDS
from sandbox.cluster.sources import LogLine, LogSource, MetricsSource
from sandbox.cluster.store import Json, ObjectStore
from sandbox.cluster.world.autoscaler import Autoscaler
from sandbox.cluster.world.behaviours import Behaviour
from sandbox.cluster.world.catalogue import Catalogue
from sandbox.cluster.world.claims import ClaimController
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.daemonsets import DaemonSetController
from sandbox.cluster.world.defaults import canonical, defaulted
from sandbox.cluster.world.deployments import DeploymentController
from sandbox.cluster.world.disruptions import DisruptionController
from sandbox.cluster.world.endpoints import EndpointSliceController
from sandbox.cluster.world.events import EventRecorder
from sandbox.cluster.world.garbage import GarbageCollector
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.jobs import JobController
from sandbox.cluster.world.kubelet import Kubelet
from sandbox.cluster.world.logs import Logs
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.metrics import Usage
from sandbox.cluster.world.namespaces import NamespaceController
from sandbox.cluster.world.nodes import NodeHeartbeat
from sandbox.cluster.world.quotas import QuotaController
from sandbox.cluster.world.replicasets import ReplicaSetController
from sandbox.cluster.world.scheduler import Scheduler
from sandbox.cluster.world.statefulsets import StatefulSetController

_TICK_SECONDS = 0.1
_STEPS_AT_ONCE = 200_000
_CUSTOM = frozenset(kind.resource for kind in KINDS if kind.group in CUSTOM_GROUPS)
_KEPT_ANNOTATIONS = "deployment.kubernetes.io/"


class Unsettled(RuntimeError):
    """The controllers undo each other's work without end."""


class World(LogSource, MetricsSource):
    """Let the objects of a store live. The same seed and the same calls give the same objects and logs."""

    def __init__(self, store: ObjectStore, clock: WorldClock, *, seed: int = 0) -> None:
        self.store = store
        self.clock = clock
        self.machinery = machinery = Machinery(store, clock, seed)
        self.catalogue = Catalogue()
        events = EventRecorder(machinery)
        scheduler = Scheduler(machinery, events)
        self._kubelet = kubelet = Kubelet(machinery, events, self.catalogue, scheduler)
        self._logs = Logs(machinery, kubelet)
        self._usage = usage = Usage(machinery, kubelet)
        self._reconcilers: dict[str, Callable[[Key], None]] = {
            "pods": kubelet.reconcile,
            "replicasets": ReplicaSetController(machinery, events).reconcile,
            "deployments": DeploymentController(machinery, events).reconcile,
            "statefulsets": StatefulSetController(machinery, events).reconcile,
            "daemonsets": DaemonSetController(machinery, events).reconcile,
            "jobs": JobController(machinery, events).reconcile,
            "services": EndpointSliceController(machinery).reconcile,
            "persistentvolumeclaims": ClaimController(machinery, events).reconcile,
            "horizontalpodautoscalers": Autoscaler(machinery, events, usage).reconcile,
            "poddisruptionbudgets": DisruptionController(machinery).reconcile,
            "nodes": NodeHeartbeat(machinery).reconcile,
            "namespaces": NamespaceController(machinery).reconcile,
            "resourcequotas": QuotaController(machinery).reconcile,
            "garbage": GarbageCollector(machinery).reconcile,
            "events": events.expire,
        }

    def advance(self, seconds: float) -> None:
        """Let time pass, with everything that happens in it."""
        self._advance_to(self.clock.seconds + seconds)

    def advance_until(self, moment: datetime) -> None:
        """Let time pass up to a moment; an earlier one changes nothing."""
        self._advance_to(max(moment.timestamp(), self.clock.seconds))

    async def run(self, *, speed: float = 1.0) -> None:
        """Let time pass as it really does, ``speed`` times as fast, until cancelled."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = loop.time()
            self.advance((now - last) * speed)
            last = now

    def install(self, group: str) -> None:
        """Have the API serve a group of custom resources, as its definitions would."""
        self.store.installed.add(group)

    def apply(self, resource: str, obj: Json) -> None:
        """Create or update an object as a person's ``apply`` would, and let the controllers see it.

        Custom resources have no controllers here: what is applied says their status too.
        """
        obj = defaulted(resource, canonical(resource, obj))
        metadata = obj["metadata"]
        old = self.store.get(resource, metadata.get("namespace", ""), metadata["name"])
        if old is None:
            self.machinery.create(resource, obj)
        else:
            kept = {
                name: value
                for name, value in (old["metadata"].get("annotations") or {}).items()
                if name.startswith(_KEPT_ANNOTATIONS)
            }
            annotations = {**(metadata.get("annotations") or {}), **kept}
            obj["metadata"] = {**metadata, **({"annotations": annotations} if annotations else {})}
            if "status" in old and resource not in _CUSTOM:
                obj["status"] = old["status"]
            self.machinery.update(resource, obj)
        self._settle()

    def behave(self, subject: str, behaviour: Behaviour) -> None:
        """Say what an image (with its tag), a workload or ``workload/container`` does from now on, running ones too."""
        self.catalogue.add(subject, behaviour)
        self._kubelet.change_behaviours()

    def evict(self, namespace: str, pod: str, message: str) -> None:
        """Let a node end a pod because it is short of something."""
        found = self.store.get("pods", namespace, pod)
        if found is None:
            raise LookupError(f"no pod {namespace}/{pod}")
        self._kubelet.evict(found, message)
        self._settle()

    def lines(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Sequence[LogLine]:
        """Return the whole log of a container as it is now. Raises LogUnavailable."""
        return self._logs.lines(namespace, pod, container, previous=previous)

    def is_running(self, namespace: str, pod: str, container: str) -> bool:
        """Tell whether a container still writes to its log."""
        return self._logs.is_running(namespace, pod, container)

    def pod_metrics(self, namespace: str | None) -> list[Json]:
        """Return the PodMetrics of a namespace, or of all."""
        return self._usage.pod_metrics(namespace)

    def node_metrics(self) -> list[Json]:
        """Return the NodeMetrics of all nodes."""
        return self._usage.node_metrics()

    def _advance_to(self, target: float) -> None:
        self.machinery.skip_idle(target)
        self._settle()
        while (due := self.machinery.next_due()) <= target:
            self.clock.advance_to(due)
            self._settle()
        self.clock.advance_to(target)
        self._settle()

    def _settle(self) -> None:
        """Let everybody act until nobody has anything left to do at this moment."""
        self.machinery.ring()
        for _ in range(_STEPS_AT_ONCE):
            key = self.machinery.take()
            if key is None:
                return
            self._reconcilers[key.resource](key)
        raise Unsettled(f"more than {_STEPS_AT_ONCE} steps at {self.clock.now():%Y-%m-%dT%H:%M:%SZ}")
