"""Who has to agree to a change: sets of people joined by AND, each "n of", over distinct humans. Pure.

One human fills one place, however many accounts or groups they have; which place a vote counts for is found by
matching, so the order of clicks does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.people import Membership, RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """`count` people of a set: who holds one of `roles`, is in one of `groups`, is one of `users`, or is on call.

    `name` is what people read: `@rag-leads`, `approvers`, `on call`. `tiers` limits who is on call; empty: any tier.
    `known_as` says who that is, as it was known when a change was asked for (`@rag-leads and 1 person by name`): words
    for people alone, which nothing is judged by. The configuration leaves it empty.
    """

    name: str
    count: int = 1
    roles: tuple[RoleName, ...] = ()
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    on_call: bool = False
    tiers: tuple[int, ...] = ()
    known_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """All sets must be filled, by at least `humans` distinct people. No set at all: the request itself is enough."""

    sets: tuple[RuleSet, ...] = ()
    humans: int = 0

    @property
    def empty(self) -> bool:
        """Say whether no second person is asked."""
        return not self.sets and self.humans == 0

    @property
    def places(self) -> int:
        """Return how many people it takes."""
        return max(self.humans, sum(each.count for each in self.sets))


@dataclass(frozen=True, slots=True)
class Quorum:
    """How far the votes fill a rule. `missing` names each set that lacks people, and how many."""

    met: bool
    missing: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is on call at a moment: user id and tier (1 is the first)."""

    people: tuple[tuple[str, int], ...] = ()

    def holds(self, user_id: str, tiers: tuple[int, ...]) -> bool:
        """Tell whether a person is on call in one of the tiers (any, if none is named)."""
        return any(user == user_id and (not tiers or tier in tiers) for user, tier in self.people)


NOBODY_ON_CALL = OnCall()


def sets_of(
    rule: Rule, membership: Membership, roles: Sequence[RoleName], on_call: OnCall = NOBODY_ON_CALL
) -> tuple[str, ...]:
    """Return the names of the sets that a person could fill now; empty: no vote of theirs counts."""
    return tuple(
        each.name
        for each in rule.sets
        if set(each.roles) & set(roles)
        or set(each.groups) & membership.groups
        or membership.user_id in each.users
        or (each.on_call and on_call.holds(membership.user_id, each.tiers))
    )


def quorum(rule: Rule, votes: Mapping[str, Sequence[str]]) -> Quorum:
    """Judge votes: for each human the names of the sets they could fill."""
    places = [each.name for each in rule.sets for _ in range(each.count)]
    taken: dict[int, str] = {}

    def seat(human: str, tried: set[int]) -> bool:
        """Find a place for a human, moving others who fit elsewhere (augmenting path)."""
        for place, name in enumerate(places):
            if place in tried or name not in votes[human]:
                continue
            tried.add(place)
            if place not in taken or seat(taken[place], tried):
                taken[place] = human
                return True
        return False

    for human in sorted(votes):
        seat(human, set())
    free = [name for place, name in enumerate(places) if place not in taken]
    missing = {name: free.count(name) for name in free}
    # Whoever could fill a set of this rule is one of the humans; who could fill none is not counted.
    humans = sum(not set(places).isdisjoint(sets) for sets in votes.values())
    lacking = max(0, rule.humans - humans)
    if lacking > len(free):
        missing["people more"] = lacking - len(free)
    return Quorum(not missing, tuple(missing.items()))


def as_strict(rule: Rule, than: Rule) -> bool:
    """Tell whether whoever fills `rule` fills the other rule as well: each of its sets has one here to answer for it.

    Every doubt is a no: sets that would answer only together do not count.
    """
    free = list(rule.sets)
    for wanted in than.sets:
        found = next((each for each in free if _answers_for(each, wanted)), None)
        if found is None:
            return False
        free.remove(found)
    # Of the people that this rule asks for, only those count who could fill a set of the other one.
    counting = [each for each in rule.sets if any(_within(each, wanted) for wanted in than.sets)]
    people = sum(each.count for each in counting)
    return than.humans <= (max(people, rule.humans) if len(counting) == len(rule.sets) else people)


def _answers_for(given: RuleSet, wanted: RuleSet) -> bool:
    return given.count >= wanted.count and _within(given, wanted)


def _within(given: RuleSet, wanted: RuleSet) -> bool:
    """Tell whether whoever could fill a set could fill the other."""
    on_call = not given.on_call or (
        wanted.on_call and (not wanted.tiers or (bool(given.tiers) and set(given.tiers) <= set(wanted.tiers)))
    )
    return (
        set(given.roles) <= set(wanted.roles)
        and set(given.groups) <= set(wanted.groups)
        and set(given.users) <= set(wanted.users)
        and on_call
    )
