"""A decision about rights in words for people: what is held, who could, how old the knowledge is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from bot.domain.people import RoleName
from bot.domain.policy import Authorization
from bot.domain.text import count, either, listed


def held_words(decision: Authorization) -> str:
    """Name the roles that a person holds, each with its places: `viewer, operator for api in shop`."""
    return ", ".join(grant_words(role, places) for role, places in decision.grants) or "no role"


def grant_words(role: RoleName, places: str) -> str:
    """Name a role and where it is held: `operator for api in shop`; without places it holds everywhere."""
    return f"{role} {places}".rstrip()


def missing_words(decision: Authorization) -> str:
    """Say which role is missing, without the place of it."""
    return f"needs the role {either(decision.helpers)}" if decision.helpers else decision.reason


def needed_words(decision: Authorization) -> str:
    """Say which role is missing, and where; the place only to those who hold a role somewhere."""
    return decision.reason if decision.grants else missing_words(decision)


def holders_words(decision: Authorization) -> str:
    """Name who holds the roles that would be enough: `Operators are @rag-oncall and 1 person by name.`."""
    return " ".join(
        f"{role.capitalize()}s are {listed(decision.holders[role])}."
        for role in decision.helpers
        if decision.holders.get(role)
    )


def people_words(
    groups: Collection[str], persons: int, handles: Mapping[str, str], *, everyone: bool = False
) -> tuple[str, ...]:
    """Name people: groups by their handles where these are known, else by id, and how many are named themselves."""
    words = [f"@{handles[group]}" if handles.get(group) else f"group {group}" for group in sorted(groups)]
    words += [f"{count(persons, 'person')} by name"] if persons else []
    return (*words, "every full member") if everyone else tuple(words)


def read_words(decision: Authorization, now: datetime) -> str:
    """Say how old the knowledge of the person's groups is: `were read 40 s ago`, else `could not be read`."""
    if decision.membership is None:
        return "could not be read"
    return f"were read {max((now - decision.membership.read_at).total_seconds(), 0):.0f} s ago"
