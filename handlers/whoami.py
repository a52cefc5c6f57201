"""`whoami`: who the bot takes you for, and what that lets you do."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.actions import Need, NoParams, Query, Setting
from bot.domain.people import Membership, Permission
from bot.domain.policy import Authorization
from bot.domain.view import Context, Fields, Headline, Mark, Mention, Paragraph, View, line
from bot.ports import Sources

_MEANINGS = {
    Permission.READ: "look (status and the other reading commands)",
    Permission.SHARE: "share answers with a channel",
    Permission.OPERATE: "ask for changes",
    Permission.APPROVE: "approve changes of others",
    Permission.ADMINISTER: "change the bot's own settings",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of the person: the directory's word (None at a terminal) and the decision for each permission."""

    membership: Membership | None
    problem: str
    roles: tuple[str, ...]
    granted: tuple[Permission, ...]
    local: bool


async def observe(params: NoParams, sources: Sources) -> Identity:
    rights = sources.rights
    if rights is None:
        raise ValueError("whoami needs the rights of the person")
    decisions: list[Authorization] = [
        await rights.of(sources.request.actor, permission) for permission in Permission if permission in _MEANINGS
    ]
    first = decisions[0]
    return Identity(
        membership=first.membership,
        problem=first.reason if first.membership is None else "",
        roles=tuple(role.value for role in first.roles),
        granted=tuple(decision.permission for decision in decisions if decision.allowed),
        local=sources.request.actor.local,
    )


def render(params: NoParams, seen: Identity, setting: Setting) -> View:
    if seen.local:
        summary = "You are at a terminal: you read with the rights of the kubeconfig, and nothing else."
        return View(summary, (Headline(summary, Mark.INFO),), data={"local": True, "permissions": ["read"]})
    may = ", ".join(_MEANINGS[permission] for permission in seen.granted) or "nothing"
    roles = ", ".join(seen.roles) or "none"
    summary = f"You may: {may}." if seen.membership else f"I cannot tell what you may do: {seen.problem}."
    pairs = [("Roles", roles), ("You may", may)]
    if seen.membership:
        handles = seen.membership.group_handles
        groups = ", ".join(sorted(f"@{handles.get(group, group)}" for group in seen.membership.groups)) or "none"
        pairs[1:1] = [("User groups", groups), ("Account", seen.membership.standing.value)]
    age = (setting.now - seen.membership.read_at).total_seconds() if seen.membership else 0
    read = f"Groups read {age:.0f} s ago" if seen.membership else "Groups could not be read"
    return View(
        summary,
        (
            Headline(summary, Mark.INFO if seen.membership else Mark.UNKNOWN),
            Paragraph((line("You are ", Mention(setting.actor_id)),)),
            Fields(tuple(pairs)),
            Context((line(read, " · only you see this" if setting.private else ""),)),
        ),
        data={"roles": list(seen.roles), "permissions": [permission.value for permission in seen.granted]},
    )


ACTION = Query(
    name="whoami",
    summary="Show who the bot takes you for and what you may do",
    params=NoParams,
    permission=Permission.ANYONE,
    needs=frozenset({Need.RIGHTS}),
    observe=observe,
    render=render,
    examples=(("whoami", "your roles and rights"),),
)
