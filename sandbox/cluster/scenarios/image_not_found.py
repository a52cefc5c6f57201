"""A release whose image nobody pushed."""

from __future__ import annotations

from datetime import timedelta

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.scenarios.scenario import Scenario
from sandbox.cluster.world.world import World


def release_missing_image(world: World) -> None:
    """Release a version of the ingest service that is in no registry."""
    image = f"{small_world.REGISTRY}/rag-engine-ingest"
    world.catalogue.publish(f"{image}:v1.1")
    world.apply("deployments", small_world.simple("rag-engine-ingest", replicas=2, image=f"{image}:v1.2"))


def build(world: World) -> None:
    """Release ten minutes ago."""
    small_world.build(world)
    world.advance_until(world.clock.start - timedelta(minutes=10))
    release_missing_image(world)


SCENARIO = Scenario("image-not-found", "the new version of ingest has no image; the old pods serve", build)
