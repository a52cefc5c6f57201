"""What a scenario is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named situation; ``build`` takes the world (and parameters), rewinds its clock and plays the history."""

    name: str
    summary: str
    build: Callable[..., None]


class UnknownScenario(LookupError):
    """There is no scenario of that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no scenario {name!r}; there are {', '.join(known)}")
        self.name = name
        self.known = known
