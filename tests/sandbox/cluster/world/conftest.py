"""A tiny world for tests: one namespace, one node, and short words for what tests ask about."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from sandbox.cluster.store import ObjectStore
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Behaviour
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.world import World

Json = dict[str, Any]
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)


class Tiny:
    """A world with one workload called ``app``, and questions about its first pod."""

    def __init__(self, *, seed: int = 0, nodes: int = 1) -> None:
        clock = WorldClock(NOW)
        self.world = World(ObjectStore(clock.now), clock, seed=seed)
        for number in range(nodes):
            self.add_node(number)
        self.world.apply("namespaces", make.plain("v1", "Namespace", "ns"))

    def add_node(self, number: int, memory: str = "8Gi") -> None:
        now = self.world.clock.seconds
        node = make.node(
            f"node-{number}", number, cpu=4, memory="9Gi", allocatable=memory, random=Random(number), now=now
        )
        self.world.apply("nodes", node)

    def deploy(
        self,
        behaviour: Behaviour | None = None,
        *,
        replicas: int = 1,
        image: str = "r.example/app:v1",
        pod: Json | None = None,
        deadline: int | None = None,
        **container: Any,
    ) -> None:
        if behaviour is not None:
            self.world.behave("app", behaviour)
        built = make.deployment("ns", "app", make.container("main", image, **container), replicas=replicas, pod=pod)
        if deadline is not None:
            built["spec"]["progressDeadlineSeconds"] = deadline
        self.world.apply("deployments", built)

    def change(self, resource: str, name: str, edit: Callable[[Json], None]) -> None:
        """Write to the store as somebody else would."""
        obj = self.get(resource, name)
        edit(obj)
        self.world.store.update(resource, obj)

    def get(self, resource: str, name: str = "app") -> Json:
        found = self.world.store.get(resource, "ns", name)
        assert found is not None
        return copy.deepcopy(found)

    def list(self, resource: str) -> list[Json]:
        return self.world.store.list(resource, "ns")

    @property
    def deployment(self) -> Json:
        return self.get("deployments")

    @property
    def pod(self) -> Json:
        return self.list("pods")[0]

    @property
    def container(self) -> Json:
        status: Json = self.pod["status"]["containerStatuses"][0]
        return status

    @property
    def state(self) -> str:
        """The one word for the first container's state: a reason, or ``running``."""
        return state_of(self.container)

    def condition(self, obj: Json, kind: str) -> Json:
        found: Json = next(entry for entry in obj["status"]["conditions"] if entry["type"] == kind)
        return found

    def events(self, reason: str) -> list[Json]:
        return [event for event in self.list("events") if event["reason"] == reason]

    def until(self, predicate: Callable[[], bool], *, within: float = 1000, step: float = 0.5) -> float:
        """Advance until something is true and return the seconds that took."""
        begun = self.world.clock.seconds
        while not predicate():
            assert self.world.clock.seconds - begun < within, "it did not happen in time"
            self.world.advance(step)
        return self.world.clock.seconds - begun


def state_of(status: Json) -> str:
    ((kind, detail),) = status["state"].items()
    return kind if kind == "running" else str(detail["reason"])


@pytest.fixture
def tiny() -> Tiny:
    return Tiny()


@pytest.fixture(scope="session")
def make_tiny() -> type[Tiny]:
    return Tiny
