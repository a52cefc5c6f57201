"""The verbs there are: look-up by name, "did you mean", usage lines. Filled once, by whoever composes the program."""

from __future__ import annotations

import importlib
import pkgutil
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import MISSING
from types import ModuleType

from bot.domain.actions import Action, Parameter, declared_by
from bot.domain.kubectl_words import in_our_words
from bot.domain.text import suggest
from bot.errors import UsageError

_HELP = "help lists what there is"


class Registry:
    """Actions by name, which is one word or two (`set image`).

    The names are unique; a second verb of the same name is a bug and is refused.
    """

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
            usage=_HELP,
            suggestions=suggest(name, self._actions),
        )

    def match(self, words: Sequence[str]) -> tuple[Action, int]:
        """Return the verb that a command's first words name, and how many they are.

        Raises `UsageError` with the nearest commands, the other words included.
        """
        names = [" ".join(words[:length]).lower() for length in (2, 1)]
        for name in names:
            if name in self._actions:
                return self._actions[name], len(name.split(" "))
        seconds = [each.partition(" ")[2] for each in self._actions if each.startswith(f"{names[1]} ")]
        ours = self.translated(words)
        if seconds:
            raise self._second_word_wrong(words, seconds, ours)
        try:
            return self.find(words[0]), 1
        except UsageError as error:
            meant = ours or [_command(near, words[1:]) for near in error.suggestions]
            raise UsageError(error.message, usage=error.usage, suggestions=meant) from None

    def translated(self, words: Sequence[str]) -> list[str]:
        """Return the command that does what these words of kubectl ask for; none when no verb here does."""
        ours = in_our_words(words)
        first, *rest = ours.split(" ", maxsplit=2) if ours else [""]
        known = {first, " ".join([first, *rest[:1]])} & self._actions.keys()
        return [ours] if known and ours != _command(words[0].lower(), words[1:]) else []

    def _second_word_wrong(self, words: Sequence[str], seconds: Sequence[str], ours: list[str]) -> UsageError:
        """Tell what the second word may be: one near to what was typed, else any that takes so many words behind it."""
        first, *rest = words
        near = suggest(rest[0], seconds) if rest else ()
        behind = rest[1:] if near else rest
        names = [f"{first.lower()} {second}" for second in near or sorted(seconds)]
        meant = ours or [_command(name, behind) for name in names if near or self._takes(name, behind)]
        return UsageError(f'There is no command "{" ".join(words[:2])}".', usage=_HELP, suggestions=meant)

    def _takes(self, name: str, words: Sequence[str]) -> bool:
        """Tell whether a verb has room for so many words that are no options."""
        positional = [each for _, each in declared_by(self._actions[name]) if not each.option]
        given = sum(not word.startswith("-") for word in words)
        return given <= len(positional) or any(each.rest or each.prose for each in positional)

    def usage(self, action: Action) -> str:
        """Return the usage line of a verb: `status [SERVICE] [-n NAMESPACE] [--cluster CLUSTER]`."""
        words = [action.name]
        for declared, parameter in declared_by(action):
            words.append(_usage_word(declared.name, parameter, required=declared.default is MISSING))
        return " ".join(words)


def _command(name: str, rest: Sequence[str]) -> str:
    return f"{name} {shlex.join(rest)}".rstrip()


def _usage_word(name: str, parameter: Parameter, *, required: bool) -> str:
    if parameter.option:
        value = f" {parameter.metavar}" if parameter.metavar else ""
        return f"[{parameter.short or parameter.option}{value}]"
    word = parameter.metavar or name.upper()
    word = f"{word}…" if parameter.rest or parameter.of_verb else word
    return word if required else f"[{word}]"


def discover(package: ModuleType) -> Registry:
    """Import every module of `package` and collect what each declares as `ACTION`: adding a verb is adding a file."""
    actions = []
    for info in pkgutil.walk_packages(package.__path__, prefix=f"{package.__name__}."):
        action = getattr(importlib.import_module(info.name), "ACTION", None)
        if action is not None:
            actions.append(action)
    return Registry(actions)
