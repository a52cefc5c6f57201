"""Scenarios: clusters in the middle of something, with the history that led there.

One file a scenario. Each holds a ``SCENARIO`` that builds on ``small_world``: it lets the past happen on the world's
own clock, up to the clock's start, and the world then goes on from there. Scenarios use the world's public interface
only; they must not import the API server, ``bot`` or ``handlers``.
"""

from __future__ import annotations

import importlib
import pkgutil
from datetime import UTC, datetime

from sandbox.cluster.scenarios.scenario import Scenario, UnknownScenario
from sandbox.cluster.store import ObjectStore
from sandbox.cluster.world.clock import WorldClock
from sandbox.cluster.world.world import World

__all__ = ["SCENARIOS", "Scenario", "UnknownScenario", "load"]

_HISTORY = 5000  # writes that watches can look back to


def _discover() -> dict[str, Scenario]:
    found = {}
    for entry in sorted(pkgutil.iter_modules(__path__), key=lambda entry: entry.name):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        scenario = getattr(module, "SCENARIO", None)
        if isinstance(scenario, Scenario):
            found[scenario.name] = scenario
    return found


SCENARIOS: dict[str, Scenario] = _discover()


def load(name: str, *, seed: int = 0, clock: WorldClock | None = None, **parameters: int) -> World:
    """Build a scenario up to the clock's start (by default the present). Raises UnknownScenario.

    Parameters are the scenario's own, such as ``pods`` of ``crowd``.
    """
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise UnknownScenario(name, tuple(SCENARIOS))
    clock = clock or WorldClock(datetime.now(UTC))
    world = World(ObjectStore(clock.now, history=_HISTORY), clock, seed=seed)
    scenario.build(world, **parameters)
    world.advance_until(clock.start)
    return world
