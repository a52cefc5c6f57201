"""Verbs of the tests' own, with every kind of parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.actions import Change, NoParams, Query, Setting, argument, option
from bot.domain.plans import Refusal
from bot.domain.view import Headline, View
from bot.registry import Registry


@dataclass(frozen=True, slots=True)
class Scaling:
    """A required word, a number with bounds, a switch, options of both kinds."""

    workload: str = argument("what to scale")
    replicas: int = argument("how many", default=1)
    reason: str = option("--reason", "why", default="", short="-r", metavar="TEXT")
    limit: int | None = option("--limit", "at most", default=None, metavar="N", minimum=1, maximum=10)
    force: bool = option("--force", "without asking", default=False, short="-f")


@dataclass(frozen=True, slots=True)
class Sharing:
    """All the rest of the line, after one word."""

    place: str = argument("where")
    command: str = argument("the command to run", rest=True, metavar="COMMAND")


@dataclass(frozen=True, slots=True)
class Helping:
    """An optional word."""

    command: str = argument("which", default="")


async def observe(_: Any, __: Any) -> None:
    """See nothing."""


def render(_: Any, __: None, setting: Setting) -> View:
    """Repeat the command."""
    return View(setting.command, (Headline(setting.command),))


def verb(name: str, params: type[Any] = NoParams) -> Query[Any, None]:
    return Query(name=name, summary=f"Do {name}", params=params, observe=observe, render=render)


@dataclass(frozen=True, slots=True)
class Naming:
    """The name of a verb, and a word behind it."""

    verb: str = argument("which verb", names_verb=True)
    target: str = argument("on what", default="")


def plan(_: Any, __: Any) -> Refusal:
    """Refuse."""
    return Refusal(reason="Not today.")


def change(name: str, params: type[Any] = NoParams) -> Change[Any, None]:
    return Change(name=name, summary=f"Do {name}", params=params, observe=observe, plan=plan)


CHANGING = Registry(
    [
        change("restart", Helping),
        change("set image", Sharing),
        change("set memory", Helping),
        change("clear failed"),
        verb("help", Naming),
        verb("status", Helping),
    ]
)
VERBS = Registry(
    [verb("scale", Scaling), verb("send", Sharing), verb("help", Helping), verb("status", Helping), verb("whoami")]
)
