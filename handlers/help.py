"""`help`: what there is, and how each verb is used. Made from the registry, so it cannot be out of date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.actions import Action, Change, Decision, Need, Query, Setting, argument, declared_by
from bot.domain.people import Permission
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Context,
    Fields,
    Headline,
    Line,
    Paragraph,
    Span,
    View,
    bold,
    code,
    line,
)
from bot.ports import Sources

# What people use most stands first in its group; the others follow by name.
_FIRST = (
    *("status", "health", "deps", "logs", "describe", "pods", "history", "compare", "requests"),
    *("whoami", "can", "home"),
    *("alerts", "ack", "silence", "unsilence", "digest preview", "digest now", "schedule"),
    *("rollback", "restart", "scale", "approve", "deny", "cancel"),
)
_OWN = "You, your rights, and the record"
_CHANGE = "Change, once others have agreed"
_ANSWER = "Answer a request for a change"
_WATCH = "What is watched, and told by itself"
_ORDER = ("Look", _WATCH, "Tell others", _CHANGE, _ANSWER, "Administer", _OWN)
_WATCHING = frozenset({Need.WATCHED, Need.DIGESTS})
# The groups of those that are no change and no word on one.
_BY_PERMISSION = {Permission.READ: "Look", Permission.SHARE: "Tell others", Permission.ADMINISTER: "Administer"}


@dataclass(frozen=True, slots=True)
class Params:
    """What to explain; everything when empty."""

    command: str = argument("the command to explain", default="", names_verb=True)


@dataclass(frozen=True, slots=True)
class Pages:
    """The verbs to show, with their usage lines."""

    actions: Sequence[Action]
    usages: tuple[str, ...]


async def observe(params: Params, sources: Sources) -> Pages:
    registry = sources.registry
    if registry is None:
        raise ValueError("help needs the registry")
    actions = [registry.find(params.command)] if params.command else _in_order(registry.all())
    return Pages(actions, tuple(registry.usage(action) for action in actions))


def _in_order(actions: Sequence[Action]) -> list[Action]:
    """Sort verbs by group, then by how often people need them."""
    return [action for _, group in _grouped(actions) for action in group]


def _grouped(actions: Sequence[Action]) -> list[tuple[str, list[Action]]]:
    """Return the groups that have verbs, each with its title."""
    rank = {name: place for place, name in enumerate(_FIRST)}
    ranked = sorted(actions, key=lambda action: (rank.get(action.name, len(_FIRST)), action.name))
    grouped = [(title, [each for each in ranked if _group_of(each) == title]) for title in _ORDER]
    return [(title, group) for title, group in grouped if group]


def _group_of(action: Action) -> str:
    if action.permission is not Permission.ANYONE and not _WATCHING.isdisjoint(action.needs):
        return _WATCH  # a page of one's own tells of what is watched too, and stays one's own
    if isinstance(action, Change):
        return _CHANGE
    return _ANSWER if isinstance(action, Decision) else _BY_PERMISSION.get(action.permission, _OWN)


def render(params: Params, seen: Pages, setting: Setting) -> View:
    if params.command:
        return _one(seen.actions[0], seen.usages[0])
    lines: list[Line] = []
    for title, group in _grouped(seen.actions):
        lines += _told(title, group)
    summary = "Commands: " + ", ".join(action.name for action in seen.actions)
    return View(
        summary,
        (
            Headline("What I can do"),
            Paragraph(tuple(lines)),
            Context(
                (
                    line(code("help logs"), " shows how one is used. Every command takes ", code("-n NAMESPACE"), "."),
                    line(code("can COMMAND"), " says whether you may, ", code("audit"), " what others did."),
                    line("In a thread, mention me instead: slash commands do not work there."),
                )
            ),
            Buttons((Button("Status", "status"), Button("Who am I", "whoami"))),
        ),
        data={"commands": [{"usage": u, "summary": a.summary} for a, u in zip(seen.actions, seen.usages, strict=True)]},
    )


def _told(title: str, group: Sequence[Action]) -> list[Line]:
    """Say each verb in a line of its own; of some the names are enough, so that all fits on a phone."""
    if title not in (_OWN, _ANSWER):
        return [line(bold(title)), *(line(code(action.name), f"  {action.summary}") for action in group)]
    parts: list[str | Span] = [bold(f"{title}: ")]
    for action in group:
        parts += [*([" · "] if len(parts) > 1 else []), code(action.name)]
    return [line(*parts)]


def _one(action: Action, usage: str) -> View:
    pairs = tuple(
        (" ".join(filter(None, (p.option or f.name.upper(), p.short, p.metavar))), p.help)
        for f, p in declared_by(action)
    )
    examples = tuple(line(code(command), f"  {meaning}") for command, meaning in action.examples)
    blocks: list[Block] = [
        Headline(f"{action.name}: {action.summary}"),
        Paragraph((line(bold("Usage "), code(usage)),)),
    ]
    return View(
        f"{usage}: {action.summary}",
        (
            *blocks,
            *((Fields(pairs),) if pairs else ()),
            *((Paragraph(examples),) if examples else ()),
            Context(
                (
                    line("It also takes ", code("-n NAMESPACE"), " and ", code("--cluster CLUSTER"), "."),
                    line(f"Needs the permission: {action.permission.value}{_judged(action)}"),
                )
            ),
        ),
        data={"usage": usage, "summary": action.summary, "permission": action.permission.value},
    )


def _judged(action: Action) -> str:
    return "; whether it counts is judged by the request's own rule" if isinstance(action, Decision) else ""


ACTION = Query(
    name="help",
    summary="Show the commands, or explain one",
    params=Params,
    permission=Permission.ANYONE,
    needs=frozenset({Need.REGISTRY}),
    observe=observe,
    render=render,
    examples=(("help", "every command"), ("help status", "one command")),
)
