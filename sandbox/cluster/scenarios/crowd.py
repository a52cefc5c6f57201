"""Many healthy pods, for measuring."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.scenarios.scenario import Scenario
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Serves
from sandbox.cluster.world.world import World

_PODS_PER_NODE = 80
_PODS_PER_WORKLOAD = 10
_IMAGE = f"{small_world.REGISTRY}/crowd:v1"


def build(world: World, pods: int = 200) -> None:
    """Run a number of pods in workloads of ten for an hour."""
    world.clock.rewind(timedelta(hours=1))
    random = Random(f"nodes {world.machinery.seed}")
    for number in range(-(-pods // _PODS_PER_NODE)):
        name, now = f"node-{number:03d}", world.clock.seconds
        node = make.node(name, number, cpu=64, memory="263856000Ki", allocatable="262144000Ki", random=random, now=now)
        world.apply("nodes", node)
    world.apply("namespaces", make.plain("v1", "Namespace", small_world.NAMESPACE))
    world.behave(_IMAGE, Serves(voice="api", memory=120, cpu=30, start_delay=3.0))
    for number in range(0, pods, _PODS_PER_WORKLOAD):
        name, replicas = f"crowd-{number // _PODS_PER_WORKLOAD:03d}", min(_PODS_PER_WORKLOAD, pods - number)
        container = make.container(
            "api", _IMAGE, port=8080, memory_limit="256Mi", readinessProbe=make.http_probe("/health", 8080)
        )
        world.apply("deployments", make.deployment(small_world.NAMESPACE, name, container, replicas=replicas))
        world.apply("services", make.service(small_world.NAMESPACE, name, 80, 8080))


SCENARIO = Scenario("crowd", "many healthy pods in workloads of ten (parameter pods, default 200)", build)
