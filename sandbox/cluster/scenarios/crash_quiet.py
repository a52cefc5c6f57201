"""A crash without a word: the process ends with an exit code and an empty log."""

from __future__ import annotations

from datetime import timedelta

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.scenarios.scenario import Scenario
from sandbox.cluster.world.behaviours import Crashes
from sandbox.cluster.world.world import World


def build(world: World) -> None:
    """Release a gateway that ends silently, five minutes ago."""
    small_world.build(world)
    world.advance_until(world.clock.start - timedelta(minutes=5))
    image = f"{small_world.REGISTRY}/rag-engine-gateway:v1.2"
    world.behave("rag-engine-gateway", Crashes(voice="silent", exit_code=3, after=0.2))
    world.apply("deployments", small_world.simple("rag-engine-gateway", replicas=2, image=image))


SCENARIO = Scenario("crash-quiet", "the gateway ends with exit code 3 and logs nothing", build)
