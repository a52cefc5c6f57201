"""Whose approval a request waits for: the same people whose vote would be counted, and would help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import transitions as states
from bot.domain.approval import Rule, sets_of
from bot.domain.ballots import is_own, waits_for
from bot.domain.change_policy import ChangePolicy, RuleFor
from bot.domain.operations import Operation
from bot.domain.people import Actor, Membership, Permission, RoleName, Standing
from bot.domain.policy import Authorization
from bot.domain.transitions import NotPossible
from tests.support.changes import ANN, APPROVERS, BOB, EVE, LEADS, NOW, operation, plan, vote

LATER = NOW + timedelta(seconds=30)
BOTH = Rule(sets=(APPROVERS, LEADS), humans=2)
PEOPLE = (ANN, BOB, EVE)


def rights(user_id: str, *roles: RoleName, groups: frozenset[str] = frozenset(), allowed: bool = True) -> Authorization:
    member = Membership(user_id, Standing.MEMBER, groups, NOW)
    return Authorization(allowed, Permission.ANYONE, roles, membership=member)


def of(rule: Rule = BOTH) -> Operation:
    return operation(plan(rule=rule))


POLICY = ChangePolicy(rules=(RuleFor(rule=BOTH),))
APPROVER = rights(BOB, RoleName.APPROVER)
TEAM = of().plan.requester.team_id


@given(
    voted=st.sets(st.sampled_from((BOB, EVE))),
    who=st.sampled_from(PEOPLE),
    roles=st.sets(st.just(RoleName.APPROVER)),
    groups=st.frozensets(st.sampled_from(LEADS.groups)),
    same=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(("one", "two"))),
    late=st.booleans(),
)
def test_a_request_waits_for_whose_vote_would_be_counted_and_would_help(
    voted: set[str], who: str, roles: set[RoleName], groups: frozenset[str], same: dict[str, str], *, late: bool
) -> None:
    """What the page says and what a press comes to are the same."""
    waiting = of()
    for user in sorted(voted):
        agreed = vote(waiting, user, sets=("approvers",))
        waiting = states.approve(waiting, agreed, now=LATER, execute_within_s=60)
    now = waiting.expires_at if late else LATER
    held, policy = rights(who, *roles, groups=groups), replace(POLICY, humans=same)
    said = waits_for(policy, waiting, Actor(who, TEAM), held, now)
    sets = sets_of(BOTH, held.membership, tuple(roles)) if held.membership else ()
    cast = vote(waiting, who, human=policy.human_of(who), sets=sets)
    try:
        counted = states.approve(waiting, cast, now=now, execute_within_s=60)
    except NotPossible:
        assert not said
    else:
        linked = {policy.human_of(each) for each in (ANN, *voted)}
        helps = counted.quorum.missing != waiting.quorum.missing
        assert said is (helps and policy.human_of(who) not in linked)


@pytest.mark.parametrize(
    "policy",
    [
        replace(POLICY, frozen=(RuleFor(forbidden="until Monday"),)),
        ChangePolicy(rules=(RuleFor(forbidden="never here"),)),
        ChangePolicy(rules=(RuleFor(rule=replace(BOTH, humans=5)),)),
    ],
    ids=["frozen", "forbidden", "stricter"],
)
def test_what_the_policy_has_something_against_waits_for_nobody(policy: ChangePolicy) -> None:
    """An approval would end it."""
    assert waits_for(POLICY, of(), Actor(BOB, TEAM), APPROVER, LATER)
    assert not waits_for(policy, of(), Actor(BOB, TEAM), APPROVER, LATER)


def test_who_may_not_say_anything_is_not_waited_for() -> None:
    """`approve` may be kept for some, and an account may be none of a member."""
    assert not waits_for(POLICY, of(), Actor(BOB, TEAM), replace(APPROVER, allowed=False), LATER)
    assert not waits_for(POLICY, of(), Actor(BOB, TEAM), replace(APPROVER, membership=None), LATER)


def test_a_request_is_ones_own_by_any_account_of_ones_workspace() -> None:
    """Ids of another workspace are other people."""
    policy = ChangePolicy(humans={EVE: of().plan.human})
    assert is_own(ChangePolicy(), of(), Actor(ANN, TEAM))
    assert is_own(policy, of(), Actor(EVE, TEAM))
    assert not is_own(policy, of(), Actor(BOB, TEAM))
    assert not is_own(policy, of(), Actor(ANN, "T-other"))
