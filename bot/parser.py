"""Words -> a verb with its parameters. Pure.

Phones rewrite what people type: curly quotes and long dashes are read as the plain ones. Every verb takes
`-n NAMESPACE` and `--cluster CLUSTER`, every change also `--reason TEXT` and `--replace`.
"""

from __future__ import annotations

import shlex
from dataclasses import MISSING, Field, dataclass
from typing import Any

from bot.domain.actions import Action, Change, ChangeOptions, Parameter, declared_by, parameters_of
from bot.domain.text import suggest
from bot.errors import UsageError
from bot.registry import Registry

LONGEST_COMMAND = 2000
# Curly quotes of both kinds, the no-break space, the long dashes.
_PLAIN = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e", '"')
    | dict.fromkeys("\u2018\u2019", "'")
    | dict.fromkeys("\u2014\u2013", "--")
    | {"\u00a0": " "}
)
_GLOBAL = {"-n": "namespace", "--namespace": "namespace", "--cluster": "cluster"}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command that was understood. `namespace` and `cluster` are empty where the default is meant.

    Only a change has a `reason`, or is to `replace` a request that waits.
    """

    action: Action
    params: Any
    namespace: str
    cluster: str
    text: str
    reason: str = ""
    replace: bool = False


def parse(text: str, registry: Registry) -> Parsed:
    """Understand a command line without the bot's name. Raises `UsageError` with usage and suggestions."""
    words = _split(text)
    if not words:
        words = ["help"]
    action, length = registry.match(words)
    before = _before_prose(action)
    end = None if before is None else length + before
    if {"-h", "--help"} & {*words[length:end]}:
        words, length = ["help", *action.name.split()], 1
        action = registry.find("help")
    elif end is not None:
        words = [*words[:end], *map(_prose, text.split(maxsplit=end)[end:])]
    try:
        return _Words(action, words[length:], registry).read(shlex.join(words))
    except UsageError as error:
        meant = error.suggestions or registry.translated(words)
        raise UsageError(error.message, usage=registry.usage(action), suggestions=meant) from None


def _split(text: str) -> list[str]:
    if len(text) > LONGEST_COMMAND:
        raise UsageError(f"The command is longer than {LONGEST_COMMAND} characters.")
    text = text.translate(_PLAIN)
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _before_prose(action: Action) -> int | None:
    """Return how many words of a verb stand before prose; None when it takes none."""
    positional = [parameter for _, parameter in declared_by(action) if not parameter.option]
    return next((number for number, parameter in enumerate(positional) if parameter.prose), None)


def _prose(text: str) -> str:
    """Return prose as it was typed, on one line; what a program quoted (a shell's arguments) is unquoted."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    quoted = shlex.join(words) == text or (len(words) == 1 and text[0] == text[-1] and text[0] in "\"'")
    return " ".join((" ".join(words) if quoted else text).split())


class _Words:
    """The words of one command, read from left to right."""

    def __init__(self, action: Action, words: list[str], registry: Registry) -> None:
        self._action = action
        self._registry = registry
        self._words = words
        self._at = 0
        self._values: dict[str, Any] = {}
        self._scope = {"namespace": "", "cluster": ""}
        declared = declared_by(action)
        self._positional = [(f, p) for f, p in declared if not p.option]
        self._options: dict[str, tuple[Field[Any], Parameter]] = {}
        self._of_verb = next((p for _, p in self._positional if p.of_verb), None)
        self._named: Action | None = None
        self._passed = 0
        for f, p in declared:
            self._options.update({name: (f, p) for name in (p.option, p.short) if name})

    def read(self, text: str) -> Parsed:
        while self._at < len(self._words):
            word = self._words[self._at]
            self._at += 1
            if word.startswith("-") and len(word) > 1 and not word[1:].isdecimal() and not self._in_prose():
                self._option(word)
            else:
                self._argument(word)
        missing = [
            f"{p.metavar or f.name.upper()}, {p.help}"
            for f, p in self._positional
            if f.default is MISSING and f.name not in self._values
        ]
        if missing:
            raise UsageError(f"{self._action.name} needs {'; and '.join(missing)}.")
        common = {f.name for f, _ in parameters_of(ChangeOptions)} if isinstance(self._action, Change) else set()
        params = self._action.params(**{name: value for name, value in self._values.items() if name not in common})
        of_change = {name: value for name, value in self._values.items() if name in common}
        return Parsed(self._action, params, self._scope["namespace"], self._scope["cluster"], text, **of_change)

    def _in_prose(self) -> bool:
        """Tell whether the next word is prose, in which nothing is an option."""
        open_ = (parameter for declared, parameter in self._positional if declared.name not in self._values)
        return next((parameter.prose for parameter in open_), False)

    def _option(self, word: str) -> None:
        name, separator, attached = word.partition("=")
        if name in _GLOBAL:
            self._scope[_GLOBAL[name]] = attached if separator else self._next(name)
            return
        if name not in self._options and self._named is not None and self._of_verb is not None:
            self._option_of(self._named, name, separator=separator)
            return
        if name not in self._options:
            known = [*self._options, "--namespace", "--cluster"]
            raise UsageError(f'{self._action.name} has no option "{name}".', suggestions=suggest(name, known))
        declared, parameter = self._options[name]
        if isinstance(declared.default, bool):
            if separator:
                raise UsageError(f"{name} takes no value.")
            self._values[declared.name] = True
            return
        self._values[declared.name] = _convert(name, attached if separator else self._next(name), declared, parameter)

    def _option_of(self, verb: Action, name: str, *, separator: str) -> None:
        """Pass over an option of the verb that was named, with its value. Raises `UsageError` when it has none such."""
        options = {each: f for f, p in declared_by(verb) for each in (p.option, p.short) if each}
        if name not in options:
            raise UsageError(f'{verb.name} has no option "{name}".', suggestions=suggest(name, options))
        if not separator and not isinstance(options[name].default, bool):
            self._next(name)

    def _word_of(self, verb: Action | None, name: str, word: str) -> None:
        """Take one more word of the verb that was named; all that is left where it takes the rest of a line."""
        said = [*filter(None, (self._values.get(name, ""),)), word]
        self._passed += 1
        positional = [p for _, p in declared_by(verb) if not p.option] if verb is not None else []
        if self._passed < len(positional) and (positional[self._passed].rest or positional[self._passed].prose):
            said += self._words[self._at :]
            self._at = len(self._words)
        self._values[name] = " ".join(said)

    def _next(self, option: str) -> str:
        if self._at >= len(self._words):
            raise UsageError(f"{option} needs a value.")
        self._at += 1
        return self._words[self._at - 1]

    def _argument(self, word: str) -> None:
        for declared, parameter in self._positional:
            if parameter.of_verb:
                self._word_of(self._named, declared.name, word)
                return
            if declared.name in self._values:
                continue
            if parameter.prose:
                self._values[declared.name] = word
                return
            if parameter.rest:
                # What follows belongs to the command inside, its options included.
                rest = [word, *self._words[self._at :]]
                self._values[declared.name] = shlex.join(rest)
                self._at = len(self._words)
                return
            if parameter.names_verb:
                word = self._verb(word)
                self._named = next((each for each in self._registry.all() if each.name == word.lower()), None)
            self._values[declared.name] = _convert(
                parameter.metavar or declared.name.upper(), word, declared, parameter
            )
            return
        raise UsageError(f'{self._action.name} does not know what to do with "{word}".')

    def _verb(self, word: str) -> str:
        """Return the name of a verb that begins with this word: with the next one, when the two are one."""
        both = [word, *self._words[self._at : self._at + 1]]
        known = {action.name for action in self._registry.all()}
        if len(both) == 2 and " ".join(both).lower() in known:
            self._at += 1
            return " ".join(both)
        return word


def _convert(name: str, text: str, declared: Field[Any], parameter: Parameter) -> str | int:
    if declared.type not in ("int", "int | None"):
        return text
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdecimal() or len(text) > 12:
        raise UsageError(f'{name} needs a whole number, not "{text}".')
    value = int(text)
    if parameter.minimum is not None and value < parameter.minimum:
        raise UsageError(f"{name} must be at least {parameter.minimum}, not {value}.")
    if parameter.maximum is not None and value > parameter.maximum:
        raise UsageError(f"{name} must be at most {parameter.maximum}, not {value}.")
    return value
