"""Who has to agree: sets of people joined by AND, over distinct humans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.approval import NOBODY_ON_CALL, OnCall, Quorum, Rule, RuleSet, as_strict, quorum, sets_of
from bot.domain.people import Membership, RoleName
from tests.support.twins import member

Votes = Mapping[str, tuple[str, ...]]
NAMES = ("a", "b", "c")
HUMANS = ("ann", "bob", "cid", "dan", "eve")


def rule(humans: int = 0, **counts: int) -> Rule:
    return Rule(sets=tuple(RuleSet(name=name, count=count) for name, count in counts.items()), humans=humans)


RULES = st.builds(
    lambda counts, humans: rule(humans, **counts),
    st.dictionaries(st.sampled_from(NAMES), st.integers(1, 2), max_size=3),
    st.integers(0, 4),
)
# "z" is a set of another rule: it must never help.
VOTES = st.dictionaries(
    st.sampled_from(HUMANS), st.lists(st.sampled_from((*NAMES, "z")), max_size=4, unique=True).map(tuple), max_size=5
)


def assignments(votes: Votes) -> Iterator[tuple[str, ...]]:
    """Return every way of giving each human one of their sets, or none."""
    return product(*(("", *sets) for sets in votes.values()))


def unfilled(of: Rule, votes: Votes) -> int:
    """Return how many places stay free under the best of all assignments."""
    return min(sum(max(0, each.count - chosen.count(each.name)) for each in of.sets) for chosen in assignments(votes))


def lacking(of: Rule, votes: Votes) -> int:
    names = {each.name for each in of.sets}
    return max(0, of.humans - sum(bool(names & set(sets)) for sets in votes.values()))


@settings(max_examples=300, deadline=None)
@given(RULES, VOTES)
def test_a_quorum_is_found_whenever_there_is_one(of: Rule, votes: Votes) -> None:
    """By trying every assignment of humans to places; what is missing is as little as can be."""
    found = quorum(of, votes)
    free, short = unfilled(of, votes), lacking(of, votes)
    assert found.met is (free == short == 0)
    assert sum(number for _, number in found.missing) == max(free, short)
    assert all(number > 0 for _, number in found.missing)


@settings(max_examples=100, deadline=None)
@given(RULES, VOTES, st.permutations(HUMANS))
def test_the_order_of_the_votes_does_not_matter(of: Rule, votes: Votes, order: list[str]) -> None:
    """Nor the order of a person's sets."""
    turned = {human: votes[human] for human in order if human in votes}
    assert quorum(of, turned) == quorum(of, votes)
    assert quorum(of, {human: sets[::-1] for human, sets in turned.items()}).met is quorum(of, votes).met


@settings(max_examples=100, deadline=None)
@given(RULES, VOTES, st.sampled_from(HUMANS), st.sampled_from(NAMES))
def test_another_approval_never_takes_a_quorum_away(of: Rule, votes: Votes, human: str, name: str) -> None:
    """What was enough stays enough."""
    if quorum(of, votes).met:
        assert quorum(of, {human: (name,), **votes}).met


def test_one_human_fills_one_place() -> None:
    """However many sets they are in."""
    both = rule(a=1, b=1)
    assert quorum(both, {"ann": ("a", "b")}) == Quorum(met=False, missing=(("b", 1),))
    assert quorum(both, {"ann": ("a", "b"), "bob": ("a",)}).met
    assert quorum(both, {"ann": ("a",), "bob": ("a",)}) == Quorum(met=False, missing=(("b", 1),))


def test_a_rule_may_ask_for_more_people_than_its_sets_have_places() -> None:
    """Whoever could fill any of the sets is one of them."""
    three = rule(3, a=1)
    assert quorum(three, {"ann": ("a",)}).missing == (("people more", 2),)
    assert quorum(three, {}).missing == (("a", 1), ("people more", 2))
    assert quorum(three, {"ann": ("a",), "bob": ("a",), "cid": ()}).missing == (("people more", 1),)
    assert quorum(three, {"ann": ("a",), "bob": ("a",), "cid": ("z",)}).missing == (("people more", 1),)
    assert quorum(three, {"ann": ("a",), "bob": ("a",), "cid": ("a",)}).met
    assert (three.places, rule(a=2, b=1).places, rule(1, a=2).places) == (3, 3, 2)


def test_an_empty_rule_is_met_by_the_request() -> None:
    """And only an empty one is."""
    assert Rule().empty
    assert quorum(Rule(), {}).met
    assert not rule(a=1).empty
    assert not rule(1).empty
    assert not quorum(rule(1), {"ann": ("a",)}).met


# --- who could fill a set ---------------------------------------------------------------------------------------------

ON_CALL = OnCall((("U1", 1), ("U2", 2)))


@pytest.mark.parametrize(
    ("of", "holds"),
    [
        (RuleSet(name="s", roles=(RoleName.APPROVER, RoleName.ADMIN)), True),
        (RuleSet(name="s", roles=(RoleName.ADMIN,)), False),
        (RuleSet(name="s", groups=("S1", "S9")), True),
        (RuleSet(name="s", groups=("s1",)), False),
        (RuleSet(name="s", users=("U1",)), True),
        (RuleSet(name="s", users=("U2",)), False),
        (RuleSet(name="s", on_call=True), True),
        (RuleSet(name="s", on_call=True, tiers=(1,)), True),
        (RuleSet(name="s", on_call=True, tiers=(2,)), False),
        (RuleSet(name="s", tiers=(1,)), False),
        (RuleSet(name="s", roles=(RoleName.ADMIN,), users=("U1",)), True),
        (RuleSet(name="s"), False),
    ],
)
def test_a_set_is_held_by_role_group_user_or_turn(of: RuleSet, *, holds: bool) -> None:
    """Any of them is enough; a set that names nobody is held by nobody."""
    held = sets_of(Rule(sets=(of,)), member("U1", "S1"), [RoleName.APPROVER], ON_CALL)
    assert held == (("s",) if holds else ())


def test_nobody_is_on_call_where_nobody_is_said_to_be() -> None:
    """A rule that asks for them is then not met."""
    of = Rule(sets=(RuleSet(name="on call", on_call=True),))
    assert sets_of(of, member("U1"), [RoleName.APPROVER]) == ()
    assert not NOBODY_ON_CALL.holds("U1", ())
    assert ON_CALL.holds("U2", ())
    assert not ON_CALL.holds("U3", ())


# --- a stricter policy ------------------------------------------------------------------------------------------------

PEOPLE = ("U1", "U2", "U3")
SETS = st.builds(
    RuleSet,
    name=st.sampled_from(NAMES),
    count=st.integers(1, 2),
    roles=st.lists(st.sampled_from([RoleName.APPROVER, RoleName.ADMIN]), max_size=1).map(tuple),
    groups=st.lists(st.sampled_from(["S1", "S2"]), max_size=2, unique=True).map(tuple),
    users=st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True).map(tuple),
    on_call=st.booleans(),
    tiers=st.lists(st.sampled_from([1, 2]), max_size=2, unique=True).map(tuple),
)
WHOLE_RULES = st.builds(
    Rule, sets=st.lists(SETS, max_size=2, unique_by=lambda each: each.name).map(tuple), humans=st.integers(0, 2)
)
MEMBERS = st.tuples(*(st.sets(st.sampled_from(["S1", "S2"])).map(frozenset) for _ in PEOPLE))
ROLES = st.lists(st.lists(st.sampled_from([RoleName.APPROVER, RoleName.ADMIN])), min_size=3, max_size=3)


@settings(max_examples=300, deadline=None)
@given(WHOLE_RULES, WHOLE_RULES, MEMBERS, ROLES, st.sampled_from([1, 2]))
def test_who_fills_a_rule_that_is_as_strict_fills_the_other(
    given_rule: Rule, other: Rule, groups: tuple[frozenset[str], ...], roles: list[list[RoleName]], tier: int
) -> None:
    """Whoever they are: every choice of people is tried."""
    assert as_strict(given_rule, given_rule)
    if not as_strict(given_rule, other):
        return
    on_call = OnCall((("U1", tier),))
    members: list[Membership] = [member(user, *found) for user, found in zip(PEOPLE, groups, strict=True)]
    for size in range(len(PEOPLE) + 1):
        for chosen in combinations(zip(members, roles, strict=True), size):
            filled = [
                quorum(each, {who.user_id: sets_of(each, who, held, on_call) for who, held in chosen}).met
                for each in (given_rule, other)
            ]
            assert filled[0] <= filled[1]
