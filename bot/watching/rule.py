"""What a rule of alerts is. Adding one is adding a file to `rules/`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from bot.domain.watch.episodes import Signal
from bot.domain.watch.world import Judged, World
from bot.watching import rules as package
from bot.watching.measuring import asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition that is worth an alert. `name` is one word: it begins its signals' keys, and silences name it.

    `severity` is said in words. One `of_cluster` judges what all namespaces of a cluster share, once for the cluster.
    `watches` tells whether something that it told of is still among what it looks at: what the configuration leaves out
    by now is not over.
    """

    name: str
    summary: str
    severity: str
    judge: Callable[[World], Judged]
    of_cluster: bool = False
    watches: Callable[[World, Signal], bool] = asks

    @property
    def beginning(self) -> str:
        """Return how the keys of its signals begin."""
        return f"{self.name}:"


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule (`RULE` of a module in `rules/`), by name."""
    modules = [
        importlib.import_module(f"{package.__name__}.{info.name}") for info in pkgutil.iter_modules(package.__path__)
    ]
    return tuple(sorted((module.RULE for module in modules), key=lambda rule: rule.name))
