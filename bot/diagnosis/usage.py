"""What containers use, against what they may use and what they asked for. Only where a sample was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.diagnosis.index import Index
from bot.domain.objects import Container, ContainerUsage, Pod, Running


@dataclass(frozen=True, slots=True)
class UsedMemory:
    """Memory (working set) in bytes that a container used, and its limit."""

    pod: Pod
    container: Container
    used: int
    limit: int

    @property
    def share(self) -> float:
        return self.used / self.limit


@dataclass(frozen=True, slots=True)
class UsedCpu:
    """CPU in millicores that a container used over the window of one sample."""

    pod: Pod
    container: Container
    used_m: int

    @property
    def of_limit(self) -> float | None:
        return self.used_m / self.container.cpu_limit_m if self.container.cpu_limit_m else None

    @property
    def of_request(self) -> float | None:
        return self.used_m / self.container.cpu_request_m if self.container.cpu_request_m else None


def samples(index: Index) -> Iterator[tuple[Pod, Container, ContainerUsage]]:
    """Give what each running container has last used, where that was read; of pods that stay and have work.

    Not kept: thousands of records that live on would be looked through by the garbage collector.
    """
    usage_of = index.usage_by_pod
    for pod in index.snapshot.pods:
        usage = usage_of.get(pod.meta.name)
        if usage is None or pod.meta.deleted_at is not None or (pod.phase != "Running" and pod.is_finished):
            continue
        for container in pod.containers:
            if type(container.state) is Running:
                for each in usage.containers:
                    if each.name == container.name:
                        yield pod, container, each
                        break


def memory_used(index: Index, pod: Pod, container: Container) -> UsedMemory | None:
    """Return what a running container with a limit uses; None without a limit or a sample."""
    sample = _sample(index, pod, container)
    if sample is None or not container.memory_limit:
        return None
    return UsedMemory(pod, container, sample.memory, container.memory_limit)


def cpu_used(index: Index, pod: Pod, container: Container) -> UsedCpu | None:
    """Return what a running container uses; None without a sample."""
    sample = _sample(index, pod, container)
    return UsedCpu(pod, container, sample.cpu_m) if sample is not None else None


def _sample(index: Index, pod: Pod, container: Container) -> ContainerUsage | None:
    usage = index.usage_by_pod.get(pod.meta.name)
    if usage is None or not isinstance(container.state, Running):
        return None
    return next((each for each in usage.containers if each.name == container.name), None)


def percent(share: float) -> str:
    """Say a share in whole percent."""
    return f"{share * 100:.0f} %"
