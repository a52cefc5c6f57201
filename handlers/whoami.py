"""`whoami`: who the bot takes you for, and what that lets you do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.closing import seen_by
from bot.domain.actions import Need, NoParams, Query, Setting
from bot.domain.people import GRANTS, Membership, Permission
from bot.domain.policy import Asked, Authorization
from bot.domain.rights_words import grant_words, held_words, read_words
from bot.domain.text import listed
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Context,
    Fields,
    Headline,
    Mark,
    Mention,
    Paragraph,
    View,
    code,
    line,
)
from bot.ports import Sources

# The strictest first: its look-up is a fresh one, on which the others rest then.
_MEANINGS = {
    Permission.ADMINISTER: "change the bot's own settings",
    Permission.APPROVE: "approve changes of others",
    Permission.OPERATE: "ask for changes",
    Permission.AUDIT: "read the record of what was done",
    Permission.SHARE: "share answers with a channel",
    Permission.READ: "look (status and the other reading commands)",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of the person: the decision for each permission, wherever it may hold."""

    decisions: Sequence[Authorization]
    local: bool

    @property
    def known(self) -> Authorization | None:
        """Return a decision that rests on the directory's word; None when one of them could not be made."""
        unknown = any(decision.membership is None for decision in self.decisions)
        return None if unknown else self.decisions[0]

    @property
    def everywhere(self) -> list[Permission]:
        """Return what is allowed in all places, the mildest first."""
        roles = {role for decision in self.decisions for role, places in decision.grants if not places}
        return [
            decision.permission
            for decision in reversed(self.decisions)
            if decision.allowed and any(decision.permission in GRANTS[role] for role in roles)
        ]


async def observe(params: NoParams, sources: Sources) -> Identity:
    rights = sources.rights
    if rights is None:
        raise ValueError("whoami needs the rights of the person")
    actor = sources.request.actor
    return Identity([await rights.of(actor, Asked(permission)) for permission in _MEANINGS], actor.local)


def render(params: NoParams, seen: Identity, setting: Setting) -> View:
    if seen.local:
        summary = "You are at a terminal: you read with the rights of the kubeconfig, and nothing else."
        return View(summary, (Headline(summary, Mark.INFO),), data={"local": True, "permissions": ["read"]})
    known = seen.known
    if known is None or known.membership is None:
        return _unknown(seen, setting)
    member = known.membership
    may = ", ".join(_MEANINGS[permission] for permission in seen.everywhere) or "nothing"
    limited = [(role, places) for role, places in known.grants if places]
    summary = f"You may: {may}."
    if limited and not seen.everywhere:
        summary = f"Your rights hold in some places only: {held_words(known)}."
    pairs = [("Account", f"{member.standing.value} of this workspace"), ("User groups", _groups(member))]
    pairs += [("Roles", held_words(known) if known.grants else "none"), *([("Everywhere", may)] if limited else [])]
    for role, places in limited:
        allowed = [_MEANINGS[permission] for permission in reversed(_MEANINGS) if permission in GRANTS[role]]
        pairs.append((f"Only {places}", f"{', '.join(allowed)} (as {role})"))
    return View(
        summary,
        (
            Headline(summary, Mark.INFO),
            Paragraph((line("You are ", Mention(setting.actor_id)),)),
            Fields(tuple(pairs)),
            *_closing(f"Groups {read_words(known, setting.now)}", member.source, setting),
        ),
        data={
            "account": member.standing.value,
            "groups": sorted(member.groups),
            "groups_read_at": member.read_at.isoformat(timespec="seconds"),
            "source": member.source,
            "roles": list(dict.fromkeys(role.value for role, _ in known.grants)),
            "grants": [grant_words(role, places) for role, places in known.grants],
            "permissions": [permission.value for permission in seen.everywhere],
        },
    )


def _unknown(seen: Identity, setting: Setting) -> View:
    """Say that it cannot be told, why, and what an older look-up still allows."""
    failed = next(decision for decision in seen.decisions if decision.membership is None)
    old = [decision for decision in seen.decisions if decision.membership is not None and decision.allowed]
    summary = f"I cannot tell what you may do: {failed.reason}."
    still = [f"You may still {_MEANINGS[one.permission]}: your groups {read_words(one, setting.now)}." for one in old]
    words = [
        *still,
        "Everything else that needs a role is refused until they can be read: nobody is let in on a guess.",
    ]
    return View(
        summary,
        (
            Headline(summary, Mark.UNKNOWN),
            Paragraph((line("You are ", Mention(setting.actor_id)), *(line(one) for one in words))),
            *_closing("Groups could not be read", "", setting),
        ),
        data={"error": failed.reason, "permissions": [decision.permission.value for decision in old]},
        exit_code=2,
    )


def _groups(member: Membership) -> str:
    handles = member.group_handles
    names = sorted(f"@{handles[group]}" if handles.get(group) else f"group {group}" for group in member.groups)
    return listed(names) or "none"


def _closing(read: str, source: str, setting: Setting) -> tuple[Block, ...]:
    how = "Roles are for full members: guests, people of other workspaces and bots have none."
    return (
        Context(
            (
                line(f"{read}{f'; roles come from {source}' if source else ''}{seen_by(setting)}"),
                line(how),
                line(code("can COMMAND"), " tells whether you may use one."),
            )
        ),
        Buttons((Button("Refresh", "whoami", replaces=True),)),
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
