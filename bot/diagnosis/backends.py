"""What stands behind a service: the pods it selects, whose they are, and which of its addresses take traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.diagnosis.containers import is_young
from bot.diagnosis.index import Index
from bot.domain.objects import Endpoint, Pod, Service, Workload
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A service with a selector, and what it leads to. `workloads` are those whose pods it selects, or would.

    Pods that have finished their work are left out; `is_done` when it selects no other.
    """

    service: Service
    ref: ObjectRef
    pods: Sequence[Pod]
    workloads: Sequence[Workload]
    endpoints: Sequence[Endpoint]
    is_done: bool = False

    @property
    def ready(self) -> int:
        return sum(endpoint.ready for endpoint in self.endpoints)

    @property
    def wanted(self) -> int:
        return sum(workload.desired for workload in self.workloads)

    @property
    def is_off(self) -> bool:
        """Tell whether all that would serve is scaled to nothing on purpose."""
        return not self.pods and bool(self.workloads) and self.wanted == 0


def backend(index: Index, service: Service) -> Backend | None:
    """Return what stands behind a service; None when it cannot be told, or others than its selector decide it."""
    if service.type == "ExternalName" or not service.selector:
        return None
    if not index.sees_all_pods:
        return None
    selected = index.selected_by(service.selector)
    pods = [pod for pod in selected if not pod.is_finished]
    one_of_each = {pod.meta.owner.uid: pod for pod in pods if pod.meta.owner is not None}.values()
    owners = {w.meta.uid: w for pod in one_of_each if (w := index.workload_of(pod)) is not None}
    makers = {workload.meta.uid: workload for workload in index.making(service.selector)}
    return Backend(
        service=service,
        ref=ObjectRef("Service", service.meta.namespace, service.meta.name),
        pods=pods,
        workloads=tuple((owners | makers).values()),
        endpoints=_by_pod(index.endpoints_of(service)),
        is_done=bool(selected) and not pods,
    )


def without_endpoints(index: Index, service: Service) -> bool:
    """Tell whether a service should have endpoints that take traffic and has none."""
    found = backend(index, service)
    if found is None or found.is_off or found.is_done or not index.snapshot.has(Part.ENDPOINT_SLICES):
        return False
    return found.ready == 0


def is_starting(index: Index, found: Backend) -> bool:
    """Tell whether all pods that do not take traffic yet have only just been started."""
    unready = [pod for pod in found.pods if not pod.is_ready]
    return bool(unready) and all(is_young(index, pod) for pod in unready)


def _by_pod(endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
    """Count a pod once, though it has an address of each family; those that go away are left out."""
    staying = [endpoint for endpoint in endpoints if not endpoint.terminating]
    return list({endpoint.pod or endpoint.addresses: endpoint for endpoint in staying}.values())
