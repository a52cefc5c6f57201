"""The dialog that builds a command: drawn from the registry, so that a new verb is in it by itself. Pure.

A first question asks for the verb; its answer draws the verb's own questions. What is filled in becomes the command
line that people type, and goes the same way.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import MISSING, Field
from typing import Any

from bot.domain.actions import Action, Need, Parameter, Query, parameters_of
from bot.domain.catalogue import Catalogue
from bot.domain.forms import Choice, FieldKind, FilledForm, Form, FormField
from bot.errors import FormFaults, UsageError
from bot.parser import parse
from bot.registry import Registry
from bot.scopes import Scopes

VERB = "verb"
PLACE = "place"
CHANNEL = "channel"
_PARAMETER = "parameter:"
MOST_CHOICES = 100


def form_for(registry: Registry, scopes: Scopes, catalogue: Catalogue, filled: FilledForm | None = None) -> Form:
    """Return the dialog, with the questions of the verb that was chosen so far."""
    values = filled.values if filled else {}
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
    for declared, parameter in parameters_of(action.params):
        yield _PARAMETER + declared.name, (declared, parameter)


def _questions(action: Action, catalogue: Catalogue, values: dict[str, str]) -> Iterator[FormField]:
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


def _places(action: Action, scopes: Scopes, values: dict[str, str]) -> Iterator[FormField]:
    """Ask where to look, when there is more than one place."""
    places = [
        Choice(shlex.join(["--cluster", cluster, "-n", namespace]), f"{namespace} on {cluster}")
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
