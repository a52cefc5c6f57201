"""The dialog that builds a command: drawn from the registry, so that a new verb is in it by itself. Pure.

A first question asks for the verb; its answer draws the verb's own questions. What is filled in becomes the command
line that people type, and goes the same way.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field
from typing import Any

from bot.domain.actions import Action, Need, Parameter, Query, declared_by
from bot.domain.catalogue import Catalogue
from bot.domain.forms import Choice, FieldKind, FilledForm, Form, FormField
from bot.domain.targets import Scope
from bot.errors import FormFaults, UsageError
from bot.parser import parse
from bot.registry import Registry
from bot.scopes import Scopes

VERB = "verb"
PLACE = "place"
CHANNEL = "channel"
MOST_CHOICES = 100
SWITCHED_ON = "yes"

_PARAMETER = "parameter:"
_WHERE = {"-n": "namespace", "--namespace": "namespace", "--cluster": "cluster"}


def form_for(registry: Registry, scopes: Scopes, catalogue: Catalogue, filled: FilledForm | None = None) -> Form:
    """Return the dialog, with the questions of the verb that was chosen so far, or that its command begins with."""
    values: Mapping[str, str] = filled.values if filled else {}
    if filled is not None and filled.command:
        values = {**said_by(registry, scopes, filled.command), **values}
    verbs = tuple(Choice(a.name, a.name, a.summary) for a in registry.all())[:MOST_CHOICES]
    asked = [
        FormField(
            name=VERB,
            label="What do you want to do?",
            kind=FieldKind.CHOICE,
            choices=verbs,
            value=values.get(VERB, ""),
            required=True,
            redraws=True,
        )
    ]
    action = _chosen(registry, values.get(VERB, ""))
    if action is not None:
        asked += _questions(action, catalogue, values)
        asked += _places(action, scopes, values)
        hint = "Only you see it there." if isinstance(action, Query) else "Others there may see it."
        asked.append(FormField(name=CHANNEL, label="Answer in", kind=FieldKind.CHANNEL, hint=hint, required=True))
    words = action.summary if action is not None else "Choose a command; its questions appear then."
    return Form(title="Build a command", submit="Run" if action else "", words=words, fields=tuple(asked))


def said_by(registry: Registry, scopes: Scopes, command: str) -> dict[str, str]:
    """Return what the beginning of a command says, as the dialog is filled in with it.

    What cannot be understood is left out: it is asked for.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    try:
        action, length = registry.match(words) if words else (None, 0)
    except UsageError:
        return {}
    return {VERB: action.name, **_said(action, scopes, words[length:])} if action is not None else {}


def _said(action: Action, scopes: Scopes, words: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    where: dict[str, str] = {}
    fields = list(_fields(action))
    options = {o: name for name, (_, p) in fields for o in (p.option, p.short) if o}
    switches = {name for name, (declared, _) in fields if isinstance(declared.default, bool)}
    arguments = [(name, p) for name, (_, p) in fields if not p.option]
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        option, sign, value = word.partition("=")
        name = options.get(option, "")
        if name in switches:
            values[name] = SWITCHED_ON
        elif name or option in _WHERE:
            if not sign:
                value, at = " ".join(words[at : at + 1]), at + 1
            (values if name else where)[name or _WHERE[option]] = value
        elif arguments and not option.startswith("-"):
            name, parameter = arguments.pop(0)
            values[name] = word
            if parameter.rest:
                values[name], at = shlex.join(words[at - 1 :]), len(words)
    place = _place_of(scopes, where)
    return {**values, PLACE: place} if place else values


def _place_of(scopes: Scopes, where: Mapping[str, str]) -> str:
    """Return the choice that stands for where a command looks; empty when it does not say so, or there is no such."""
    try:
        scope = scopes.resolve(where.get("cluster", ""), where.get("namespace", "")) if where else None
    except UsageError:
        return ""
    return _place(scope) if scope is not None else ""


def _place(scope: Scope) -> str:
    return shlex.join(["--cluster", scope.cluster, "-n", scope.namespace])


def command_of(registry: Registry, filled: FilledForm) -> str:
    """Return the command line that was built. Raises `FormFaults` with what is wrong, by field."""
    action = _chosen(registry, filled.values.get(VERB, ""))
    if action is None:
        raise FormFaults({VERB: "Choose one of the commands."})
    text = " ".join([action.name, *_words(action, filled), *shlex.split(filled.values.get(PLACE, ""))])
    try:
        parse(text, registry)
    except UsageError as error:
        raise FormFaults({_blamed(action, error.message): error.message}) from error
    return text


def _blamed(action: Action, message: str) -> str:
    """Return the field that a message names, by its option or its name; the verb's when it names none."""
    for name, (declared, parameter) in _fields(action):
        if re.search(rf"(?<![\w-]){re.escape(parameter.option or declared.name)}(?![\w-])", message, re.IGNORECASE):
            return name
    return VERB


def _chosen(registry: Registry, name: str) -> Action | None:
    return next((action for action in registry.all() if action.name == name), None)


def _fields(action: Action) -> Iterator[tuple[str, tuple[Field[Any], Parameter]]]:
    """Return what is asked for; not the words of another verb, which are typed or left out."""
    for declared, parameter in declared_by(action):
        if not parameter.of_verb:
            yield _PARAMETER + declared.name, (declared, parameter)


def _questions(action: Action, catalogue: Catalogue, values: Mapping[str, str]) -> Iterator[FormField]:
    for name, (declared, parameter) in _fields(action):
        kind = FieldKind.TEXT
        if isinstance(declared.default, bool):
            kind = FieldKind.SWITCH
        elif declared.type in ("int", "int | None"):
            kind = FieldKind.NUMBER
        services = "Services: " + ", ".join(sorted(catalogue.entries)) + ". " if catalogue.entries else ""
        yield FormField(
            name=name,
            label=parameter.option.lstrip("-") or declared.name,
            kind=kind,
            hint=(services if parameter.names_service else "") + parameter.help[:1].upper() + parameter.help[1:],
            value=values.get(name, ""),
            required=declared.default is MISSING,
            minimum=parameter.minimum,
            maximum=parameter.maximum,
        )


def _places(action: Action, scopes: Scopes, values: Mapping[str, str]) -> Iterator[FormField]:
    """Ask where to look, when there is more than one place."""
    places = [
        Choice(_place(Scope(cluster, namespace)), f"{namespace} on {cluster}")
        for cluster, namespaces in scopes.namespaces.items()
        for namespace in namespaces
    ]
    if Need.CLUSTER in action.needs and len(places) > 1:
        yield FormField(
            name=PLACE,
            label="where",
            kind=FieldKind.CHOICE,
            choices=tuple(places[:MOST_CHOICES]),
            value=values.get(PLACE, ""),
        )


def _words(action: Action, filled: FilledForm) -> Iterator[str]:
    for name, (declared, parameter) in _fields(action):
        value = filled.values.get(name, "").strip()
        if not value:
            continue
        if isinstance(declared.default, bool):
            yield parameter.option
        elif parameter.option:
            yield from (parameter.option, shlex.quote(value))
        else:
            yield value if parameter.rest else shlex.quote(value)
