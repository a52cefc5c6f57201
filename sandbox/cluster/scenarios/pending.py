"""A release that asks for more memory than any node has."""

from __future__ import annotations

from datetime import timedelta

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.scenarios.scenario import Scenario
from sandbox.cluster.world.world import World


def ask_too_much(world: World) -> None:
    """Let the embedder ask for 64Gi where the nodes have 15."""
    greedy = small_world.simple("rag-engine-embedder", memory_limit="64Gi")
    greedy["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] = "64Gi"
    world.apply("deployments", greedy)


def build(world: World) -> None:
    """Apply it twelve minutes ago."""
    small_world.build(world)
    world.advance_until(world.clock.start - timedelta(minutes=12))
    ask_too_much(world)


SCENARIO = Scenario("pending", "a pod of the embedder fits on no node", build)
