"""Nothing is wrong."""

from __future__ import annotations

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.scenarios.scenario import Scenario

SCENARIO = Scenario("healthy", "eleven workloads, all fine; the API runs revision 7 (v1.1)", small_world.build)
