"""What stands behind a service: the pods it selects, whose they are, and which of its addresses take traffic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.diagnosis.containers import is_young
from bot.diagnosis.index import Index
from bot.domain.objects import Endpoint, Pod, Service, Workload
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef

_PODS_AND_WORKLOADS = (Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A service with a selector, and what it leads to.

    Pods that have finished their work are left out; `is_done` when it selects no other.
    """

    index: Index = field(repr=False, compare=False)
    service: Service
    pods: Sequence[Pod]
    endpoints: Sequence[Endpoint]
    is_done: bool = False

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef("Service", self.service.meta.namespace, self.service.meta.name)

    @property
    def workloads(self) -> Sequence[Workload]:
        """Return those whose pods it selects, or would; found when it is asked for: a service that is well needs none.

        Those that have pods come first.
        """
        found = [*_owners(self.index, self.pods), *self.index.making(self.service.selector)]
        return tuple({workload.meta.uid: workload for workload in found}.values())

    @property
    def ready(self) -> int:
        return sum([endpoint.ready for endpoint in self.endpoints])

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
    if not _sees_all_pods(index):
        return None
    selected = index.selected_by(service.selector)
    pods = [pod for pod in selected if pod.phase == "Running" or not pod.is_finished]
    return Backend(
        index=index,
        service=service,
        pods=pods,
        endpoints=_by_pod(index.endpoints_of(service)),
        is_done=bool(selected) and not pods,
    )


def _sees_all_pods(index: Index) -> bool:
    """Tell whether the pods and all kinds of workloads that make them were read."""
    return all(index.snapshot.has(part) for part in _PODS_AND_WORKLOADS)


def _owners(index: Index, pods: Sequence[Pod]) -> Iterable[Workload]:
    before = ""
    for pod in pods:
        owner = pod.meta.owner
        if owner is None or owner.uid == before:
            continue  # pods of one owner stand together
        before = owner.uid
        workload = index.workload_of(pod)
        if workload is not None:
            yield workload


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
    return list({each.pod or each.addresses: each for each in endpoints if not each.terminating}.values())
