"""The verbs there are: look-up by name, "did you mean", usage lines. Filled once, by whoever composes the program."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import MISSING
from types import ModuleType

from bot.domain.actions import Action, Parameter, parameters_of
from bot.domain.text import suggest
from bot.errors import UsageError


class Registry:
    """Actions by name. The names are unique; a second verb of the same name is a bug and is refused."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions: dict[str, Action] = {}
        for action in actions:
            if action.name in self._actions:
                raise ValueError(f"two verbs are called {action.name!r}")
            self._actions[action.name] = action

    def all(self) -> Sequence[Action]:
        """Return every verb, by name."""
        return tuple(self._actions[name] for name in sorted(self._actions))

    def find(self, name: str) -> Action:
        """Return the verb called `name`. Raises `UsageError` with the nearest names."""
        action = self._actions.get(name.lower())
        if action is not None:
            return action
        raise UsageError(
            f'There is no command "{name}".',
            usage="help lists what there is",
            suggestions=suggest(name, self._actions),
        )

    def usage(self, action: Action) -> str:
        """Return the usage line of a verb: `status [SERVICE] [-n NAMESPACE] [--cluster CLUSTER]`."""
        words = [action.name]
        for declared, parameter in parameters_of(action.params):
            words.append(_usage_word(declared.name, parameter, required=declared.default is MISSING))
        return " ".join(words)


def _usage_word(name: str, parameter: Parameter, *, required: bool) -> str:
    if parameter.option:
        value = f" {parameter.metavar}" if parameter.metavar else ""
        return f"[{parameter.short or parameter.option}{value}]"
    word = parameter.metavar or name.upper()
    word = f"{word}…" if parameter.rest else word
    return word if required else f"[{word}]"


def discover(package: ModuleType) -> Registry:
    """Import every module of `package` and collect what each declares as `ACTION`: adding a verb is adding a file."""
    actions = []
    for info in pkgutil.walk_packages(package.__path__, prefix=f"{package.__name__}."):
        action = getattr(importlib.import_module(info.name), "ACTION", None)
        if action is not None:
            actions.append(action)
    return Registry(actions)
