"""`help`: what there is, and how each verb is used. Made from the registry, so it cannot be out of date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.actions import Action, Need, Query, Setting, argument, parameters_of
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
_FIRST = ("status", "logs", "describe", "pods", "history", "compare", "whoami", "can", "home")
_OWN = "You, your rights, and the record"
# The groups, by what their verbs need.
_GROUPS: tuple[tuple[str, frozenset[Permission]], ...] = (
    ("Look", frozenset({Permission.READ})),
    ("Tell others", frozenset({Permission.SHARE})),
    ("Change", frozenset({Permission.OPERATE})),
    ("Approve", frozenset({Permission.APPROVE})),
    ("Administer", frozenset({Permission.ADMINISTER})),
    (_OWN, frozenset({Permission.ANYONE, Permission.AUDIT})),
)


@dataclass(frozen=True, slots=True)
class Params:
    """What to explain; everything when empty."""

    command: str = argument("the command to explain", default="")


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
    grouped = [(title, [each for each in ranked if each.permission in needs]) for title, needs in _GROUPS]
    return [(title, group) for title, group in grouped if group]


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
    """Say each verb in a line of its own; of those about oneself the names are enough, so that all fits on a phone."""
    if title != _OWN:
        return [line(bold(title)), *(line(code(action.name), f"  {action.summary}") for action in group)]
    parts: list[str | Span] = [bold(f"{title}: ")]
    for action in group:
        parts += [*([" · "] if len(parts) > 1 else []), code(action.name)]
    return [line(*parts)]


def _one(action: Action, usage: str) -> View:
    pairs = tuple(
        (" ".join(filter(None, (p.option or f.name.upper(), p.short, p.metavar))), p.help)
        for f, p in parameters_of(action.params)
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
                    line(f"Needs the permission: {action.permission.value}"),
                )
            ),
        ),
        data={"usage": usage, "summary": action.summary, "permission": action.permission.value},
    )


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
