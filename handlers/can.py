"""`can`: whether you may use a command on something, by which role, and who could instead."""

from __future__ import annotations

from dataclasses import dataclass

from bot.closing import seen_by
from bot.domain.actions import Action, Decision, DecisionKind, Need, Query, Setting, argument, parameters_of
from bot.domain.people import Permission
from bot.domain.policy import Asked, Authorization
from bot.domain.rights_words import held_words, holders_words, missing_words, read_words
from bot.domain.targets import Where
from bot.domain.text import listed
from bot.domain.view import Block, Button, Buttons, Context, Headline, Line, Mark, Paragraph, View, code, line
from bot.errors import UsageError
from bot.ports import Sources

# What the rule of a request counts, or ends by.
_VOTES = frozenset({DecisionKind.APPROVE, DecisionKind.DENY})


@dataclass(frozen=True, slots=True)
class Params:
    """The command, what it would be about, and how it goes on, which makes no difference."""

    command: str = argument("the command that you want to use", names_verb=True)
    target: str = argument("a service of the catalogue; the whole place when empty", default="", names_service=True)
    others: str = argument("the other words of the command", default="", metavar="WORDS", of_verb=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """The command, where it would be used (None: it is about no place), and the decision.

    Everybody may try to vote; `voting` tells whether the person holds the role whose votes count as a rule.
    """

    action: Action
    where: Where | None
    decision: Authorization
    local: bool
    voting: Authorization | None = None


async def observe(params: Params, sources: Sources) -> Seen:
    registry, rights, where = sources.registry, sources.rights, sources.where
    if registry is None or rights is None or where is None:
        raise ValueError("can needs the registry, the rights and the place")
    try:
        action = registry.find(params.command)
    except UsageError as error:
        raise UsageError(
            error.message,
            usage=error.usage,
            suggestions=[f"can {near} {params.target}".rstrip() for near in error.suggestions],
        ) from None
    place = None
    if Need.CLUSTER in action.needs:
        place = where if takes_service(action) else Where(where.scope)
    actor = sources.request.actor
    decision = await rights.of(actor, Asked(action.permission, action.name, place))
    voting = None
    if isinstance(action, Decision) and action.kind in _VOTES and not actor.local:
        voting = await rights.of(actor, Asked(Permission.APPROVE, action.name, where))
    return Seen(action, place, decision, actor.local, voting)


def takes_service(action: Action) -> bool:
    """Tell whether a command is about one service when it names one."""
    return any(parameter.names_service for _, parameter in parameters_of(action.params))


def render(params: Params, seen: Seen, setting: Setting) -> View:
    decision, name = seen.decision, seen.action.name
    # Where something is, is told to those who may look at some place.
    tells = bool(decision.grants) or seen.local
    about = str(seen.where) if tells else params.target
    here = seen.where.service if tells and seen.where else params.target
    place = f" {'for' if here else 'in'} {about}" if seen.where and about else ""
    roles = [role for role in decision.roles if role in decision.helpers]
    unknown = decision.membership is None and not seen.local and not decision.allowed
    if decision.allowed:
        by = f"as {listed(roles)}" if roles else "with the kubeconfig's rights" if seen.local else "it needs no role"
        summary, mark, code_ = f"Yes, you may use {name}{place} ({by}).", Mark.OK, 0
    elif unknown:
        summary, mark, code_ = f"I cannot tell whether you may use {name}: {decision.reason}.", Mark.UNKNOWN, 2
    else:
        summary, mark, code_ = f"No, you may not use {name}{place}: {missing_words(decision)}.", Mark.WARNING, 1
    lines = [line(text) for text in _told(seen, params, tells=tells, unknown=unknown)]
    blocks: list[Block] = [Headline(summary, mark), *((Paragraph(tuple(lines)),) if lines else ())]
    blocks += [Context(_small_print(seen, setting)), Buttons((Button("Who am I", "whoami"),))]
    return View(summary, tuple(blocks), data=_data(seen, about if seen.where else ""), exit_code=code_)


def _told(seen: Seen, params: Params, *, tells: bool, unknown: bool) -> list[str]:
    """Return what a person should know beside the yes or no."""
    decision, told = seen.decision, []
    if seen.voting is not None and decision.allowed:
        told += _vote_words(seen.voting)
    if not decision.allowed and not unknown and not seen.local:
        told += [f"You have: {held_words(decision)}.", holders_words(decision)]
    if unknown:
        told.append("Nobody is let in on a guess: try again in a minute.")
    if Need.ASK in seen.action.needs and decision.permission is not Permission.ANYONE:
        told.append("The command inside needs its own right.")
    if params.target and seen.where is None:
        told.append(f"{seen.action.name} is about no place: what you name makes no difference.")
    elif params.target and seen.where and not takes_service(seen.action):
        told.append(f"{seen.action.name} is about a whole place: a role for one service does not reach it.")
    elif params.target and seen.where and not seen.where.service and tells:
        told.append(f"I know no service {params.target} there, so only roles for the whole place count.")
    return [text for text in told if text]


def _vote_words(voting: Authorization) -> list[str]:
    """Say whose votes count: what everybody may say is not what moves a request."""
    told = ["Whether it counts, the rule of the request decides: its card names those who may."]
    if voting.membership is None:
        return [*told, f"I cannot tell whether you are an approver: {voting.reason}."]
    held = "You are an approver here." if voting.allowed else "You are no approver here."
    return [*told, " ".join(filter(None, (held, holders_words(voting))))]


def _small_print(seen: Seen, setting: Setting) -> tuple[Line, ...]:
    groups = "" if seen.local else f"Your groups {read_words(seen.decision, setting.now)}"
    first = " · ".join(filter(None, (groups, seen_by(setting, after=""))))
    return (*((line(first),) if first else ()), line(code("whoami"), " shows all that you may."))


def _data(seen: Seen, place: str) -> dict[str, object]:
    decision = seen.decision
    return {
        "command": seen.action.name,
        "allowed": decision.allowed,
        "permission": decision.permission.value,
        "where": place,
        "reason": "" if decision.allowed else missing_words(decision),
        "roles": [role.value for role in decision.roles],
        "enough": [role.value for role in decision.helpers],
        "holders": {role.value: list(decision.holders[role]) for role in decision.helpers if role in decision.holders},
    }


ACTION = Query(
    name="can",
    summary="Say whether you may use a command, by which role, and who could instead",
    params=Params,
    permission=Permission.ANYONE,
    needs=frozenset({Need.RIGHTS, Need.REGISTRY}),
    observe=observe,
    render=render,
    examples=(
        ("can status api", "whether you may look at one service"),
        ("can scale api 5", "a whole command, as it would be sent"),
        ("can audit", "whether you may read the record"),
        ("can logs -n kube-system", "in another namespace"),
    ),
)
