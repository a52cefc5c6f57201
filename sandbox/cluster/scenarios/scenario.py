"""What a scenario is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.cluster.world.world import World


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named situation; ``build`` rewinds the world's clock and plays the history."""

    name: str
    summary: str
    build: Callable[[World], None]


class UnknownScenario(LookupError):  # noqa: N818  # reads as what happened
    """There is no scenario of that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no scenario {name!r}; there are {', '.join(known)}")
        self.name = name
        self.known = known
