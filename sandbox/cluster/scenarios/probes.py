"""Two workloads that run and yet do not work: one is never ready, one is restarted by its liveness probe."""

from __future__ import annotations

from datetime import timedelta

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.scenarios.scenario import Scenario
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import TIMEOUT, Answer, FailsProbe
from sandbox.cluster.world.world import World


def break_readiness(world: World) -> None:
    """Let the reranker answer its readiness probe with 503."""
    world.behave(
        "rag-engine-reranker", FailsProbe(voice="worker", probe="readiness", result=Answer(status=503), memory=380)
    )


def break_liveness(world: World) -> None:
    """Give the scheduler a liveness probe that it stops answering after half a minute."""
    world.behave("rag-engine-scheduler", FailsProbe(probe="liveness", result=TIMEOUT, healthy_for=30, memory=60))
    deployment = small_world.simple("rag-engine-scheduler")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["livenessProbe"] = make.http_probe("/live", 8080, period=5, delay=5)
    world.apply("deployments", deployment)


def build(world: World) -> None:
    """Break both within the last quarter of an hour."""
    small_world.build(world)
    world.advance_until(world.clock.start - timedelta(minutes=15))
    break_liveness(world)
    world.advance_until(world.clock.start - timedelta(minutes=8))
    break_readiness(world)


SCENARIO = Scenario(
    "probes", "the reranker answers 503 to its readiness probe, the scheduler is restarted again and again", build
)
