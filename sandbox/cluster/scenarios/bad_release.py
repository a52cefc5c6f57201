"""A release that crashes at its start while the old one serves, and a worker that runs out of memory."""

from __future__ import annotations

from datetime import timedelta

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.scenarios.scenario import Scenario
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import OutOfMemory
from sandbox.cluster.world.world import World

RELEASED_BEFORE = timedelta(minutes=6)
WORKER_SICK_FOR = timedelta(minutes=23)
WORKER_OUT_OF_MEMORY = OutOfMemory(
    voice="worker",
    opening=("INFO rag.worker starting", "INFO rag.worker backlog=48210 prefetch=4096, loading documents"),
    start=180,
    slope=8,
    ceiling=1400,
    cpu=190,
)


def release_without_database(world: World) -> None:
    """Release v1.2 of the API, which lost its DATABASE_URL."""
    world.behave(f"{small_world.API_IMAGE}:v1.2", small_world.needs_database(small_world.API_SERVES))
    broken = small_world.api(
        "v1.2", "v1.2: feature X (lea)", database=False, extra=(make.env_value("FEATURE_X", "on"),)
    )
    world.apply("deployments", broken)


def build(world: World) -> None:
    """Let the worker fall ill 23 minutes ago and release v1.2 six minutes ago."""
    small_world.build(world)
    world.advance_until(world.clock.start - WORKER_SICK_FOR)
    world.behave("rag-engine-worker", WORKER_OUT_OF_MEMORY)
    world.advance_until(world.clock.start - RELEASED_BEFORE)
    release_without_database(world)


SCENARIO = Scenario(
    "bad-release",
    "revision 8 (v1.2) of the API crashes for want of DATABASE_URL, revision 7 still serves; the worker is OOM-killed",
    build,
)
