"""The kinds of action and how a verb declares its parameters.

A verb is data: what differs by verb is a field here, never a branch in the machine. `observe` reads; `plan` and
`render` are pure. The same declaration serves Slack, the terminal, buttons, help and the reference pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from bot.domain.catalogue import Catalogue
from bot.domain.people import Permission
from bot.domain.plans import Draft, Refusal
from bot.domain.requests import Outcome
from bot.domain.view import View

P = TypeVar("P")
S = TypeVar("S")


class Need(StrEnum):
    """A port that a verb may ask for; `observe` and `act` are handed exactly those they name."""

    CLUSTER = "cluster"
    LOGS = "logs"
    REGISTRY = "registry"
    RIGHTS = "rights"
    ASK = "ask"
    CATALOGUE = "catalogue"
    AUDIT = "audit"
    INBOX = "inbox"
    LIVE = "live"
    RECORD = "record"
    CHANGES = "changes"
    PLACES = "places"
    PROBES = "probes"
    EXTRAS = "extras"
    WATCHED = "watched"
    DIGESTS = "digests"


PARAMETER = "parameter"
# What people type before a command, in chat and at a terminal.
IN_CHAT, AT_TERMINAL = "/rag ", "ragops "


@dataclass(frozen=True, slots=True)
class Parameter:
    """How one field of a parameter record is typed: a positional word, the rest of the line, or an option.

    `names_verb`: it is the name of a verb, which may have two words. `prose`: the rest is what a person says, in which
    neither quotes nor dashes mean anything. `of_verb`: all other words of the verb that was named.
    """

    help: str
    option: str = ""
    short: str = ""
    rest: bool = False
    metavar: str = ""
    minimum: int | None = None
    maximum: int | None = None
    names_service: bool = False
    names_verb: bool = False
    prose: bool = False
    of_verb: bool = False


def argument(
    help: str,  # noqa: A002  # the word of the field, as in argparse
    *,
    default: Any = MISSING,
    rest: bool = False,
    metavar: str = "",
    names_service: bool = False,
    names_verb: bool = False,
    prose: bool = False,
    of_verb: bool = False,
) -> Any:
    """Declare a positional parameter; without `default` it is required.

    `rest` takes all remaining words. `names_service`: it may be a service of the catalogue, whose cluster and namespace
    are then meant unless the command names others.
    """
    parameter = Parameter(
        help,
        rest=rest,
        metavar=metavar,
        names_service=names_service,
        names_verb=names_verb,
        prose=prose,
        of_verb=of_verb,
    )
    return field(default=default, metadata={PARAMETER: parameter})


def option(  # the parameters are the fields of Parameter
    name: str,
    help: str,  # noqa: A002  # see argument
    *,
    default: Any,
    short: str = "",
    metavar: str = "",
    minimum: int | None = None,
    maximum: int | None = None,
) -> Any:
    """Declare `--name VALUE`, or a switch when the field is a bool."""
    parameter = Parameter(help, option=name, short=short, metavar=metavar, minimum=minimum, maximum=maximum)
    return field(default=default, metadata={PARAMETER: parameter})


def parameters_of(params: type[Any]) -> tuple[tuple[Field[Any], Parameter], ...]:
    """Return the declared parameters of a record, in order."""
    return tuple((f, f.metadata[PARAMETER]) for f in fields(params) if PARAMETER in f.metadata)


@dataclass(frozen=True, slots=True)
class NoParams:
    """For verbs without parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What rendering may know besides what was seen: the time, the verb's own command line, and who will see it.

    `place` is the words (`-n NAMESPACE`) that lead other commands to the scope of this one; empty for the default.
    `prompt` is what stands before a command where the answer is read, `catalogue` the services of its place.
    """

    now: datetime
    command: str
    private: bool = True
    actor_id: str = ""
    place: str = ""
    prompt: str = ""
    catalogue: Catalogue = field(default_factory=Catalogue)

    def typed(self, command: str) -> str:
        """Return the same as `here` for people to type: with the word that begins a command there, and the alias."""
        return f"{self.prompt}{self.catalogue.typed(self.here(command))}"

    def here(self, command: str) -> str:
        """Return a command that looks at the same cluster and namespace as this one."""
        return f"{command} {self.place}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Generic[P, S]):
    """Reads. `observe(params, sources)` awaits; `render(params, seen, setting)` is pure."""

    name: str
    summary: str
    observe: Callable[[P, Any], Awaitable[S]]
    render: Callable[[P, S, Setting], View]
    params: type[P]
    permission: Permission = Permission.READ
    needs: frozenset[Need] = frozenset()
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Control(Generic[P]):
    """Writes only our own store, in one audited transaction: `act(params, sources)` says what is to be kept."""

    name: str
    summary: str
    act: Callable[[P, Any], Awaitable[Outcome]]
    params: type[P]
    permission: Permission
    needs: frozenset[Need] = frozenset()
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[P, S]):
    """Wants to change the cluster: `plan(params, seen)` is pure and decides everything, writing nothing.

    `observe` reads as a query's does, with the live target besides (`Need.LIVE`). What `plan` returns is stored, shown,
    approved and carried out by the engine alone.
    """

    name: str
    summary: str
    observe: Callable[[P, Any], Awaitable[S]]
    plan: Callable[[P, S], Draft | Refusal]
    params: type[P]
    permission: Permission = Permission.OPERATE
    needs: frozenset[Need] = frozenset()
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """What every change takes besides its own parameters."""

    reason: str = option("--reason", "why, for those who are to agree", default="", metavar="TEXT")
    replace: bool = option("--replace", "take the place of a request that waits for the same object", default=False)


class DecisionKind(StrEnum):
    """What a person can say to a request."""

    APPROVE = "approve"
    DENY = "deny"
    CANCEL = "cancel"
    WITHDRAW = "withdraw"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class DecisionParams:
    """Which request, by its id or by the address that a button carries; and why, or what was found out."""

    request: str = argument("the request's id, as its card shows it")
    words: str = argument("why", default="", rest=True, prose=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Says something to a request: kept, and decided by the engine under the request's lock, where rights are judged.

    Its `permission` is only what it takes to try.
    """

    name: str
    summary: str
    kind: DecisionKind
    params: type[DecisionParams] = DecisionParams
    permission: Permission = Permission.ANYONE
    needs: frozenset[Need] = frozenset()
    examples: tuple[tuple[str, str], ...] = ()


Action = Query[Any, Any] | Control[Any] | Change[Any, Any] | Decision


def declared_by(action: Action) -> tuple[tuple[Field[Any], Parameter], ...]:
    """Return the parameters that an action takes: its own, then those of its kind."""
    own = parameters_of(action.params)
    return (*own, *parameters_of(ChangeOptions)) if isinstance(action, Change) else own
