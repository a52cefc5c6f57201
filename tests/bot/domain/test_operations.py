"""A change on its way: which step may follow which, and what holds after any steps in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain import operations
from bot.domain import transitions as states
from bot.domain.approval import Rule, quorum
from bot.domain.operations import (
    Effect,
    Operation,
    Progress,
    Resolution,
    State,
    Verdict,
    Vote,
    approvers,
    overdue,
    state_words,
)
from bot.domain.transitions import NotPossible
from tests.support.changes import ANN, APPROVERS, BOB, EVE, LEADS, NOW, operation, plan, vote

Step = Callable[[Operation], Operation]
WITHIN_S = 120
LATER = NOW + timedelta(seconds=30)
TOO_LATE = NOW + timedelta(hours=1)
TWO_SETS = Rule(sets=(APPROVERS, LEADS), humans=2)


def approved() -> Operation:
    waiting = operation()
    return states.approve(waiting, vote(waiting), now=LATER, execute_within_s=WITHIN_S)


def executing() -> Operation:
    return states.claim(approved(), now=LATER)


def applied() -> Operation:
    return states.written(executing(), now=LATER, generation=5)


# Each state by the shortest way to it.
REACHED: Mapping[str, Operation] = {
    "pending": operation(),
    "approved": approved(),
    "executing": executing(),
    "applied": applied(),
    "succeeded": states.succeed(applied(), now=LATER),
    "failed": states.fail(executing(), "refused", now=LATER),
    "failed applied": states.fail(applied(), "too slow", now=LATER),
    "unknown": states.lose(executing(), "no answer", now=LATER),
    "resolved": states.resolve(states.lose(executing(), "no answer", now=LATER), Resolution.HAPPENED, EVE),
    "denied": states.deny(operation(), BOB, "wait", now=LATER),
    "expired": states.expire(operation(), now=TOO_LATE),
    "cancelled": states.cancel(operation(), "ann", ANN, now=LATER),
    "superseded": states.supersede(operation(), "the image is v3 now", now=LATER),
}
WAITING, RUNNING = {"pending", "approved"}, {"executing", "applied"}
# Each step, and the states in which it is possible.
STEPS: Mapping[str, tuple[Step, set[str]]] = {
    "approve": (lambda of: states.approve(of, vote(of, EVE), now=LATER, execute_within_s=WITHIN_S), {"pending"}),
    "withdraw": (lambda of: states.withdraw(of, BOB, now=LATER), {"approved"}),
    "void": (lambda of: states.void_votes(of, {BOB: "left the group"}), WAITING),
    "deny": (lambda of: states.deny(of, BOB, "no", now=LATER), WAITING),
    "cancel": (lambda of: states.cancel(of, "ann", ANN, now=LATER), WAITING),
    "supersede": (lambda of: states.supersede(of, "drift", now=LATER), WAITING),
    "expire": (lambda of: states.expire(of, now=TOO_LATE), WAITING),
    "claim": (lambda of: states.claim(of, now=LATER), {"approved"}),
    "written": (lambda of: states.written(of, now=LATER, generation=5), RUNNING),
    "progressed": (lambda of: states.progressed(of, Progress(ready=1, wanted=3)), RUNNING),
    "succeed": (lambda of: states.succeed(of, now=LATER), {"applied"}),
    "fail": (lambda of: states.fail(of, "refused", now=LATER), RUNNING),
    "lose": (lambda of: states.lose(of, "no answer", now=LATER), RUNNING),
    "resolve": (lambda of: states.resolve(of, Resolution.UNDONE, EVE), {"unknown"}),
    "judge": (lambda of: states.judged(of, Verdict(gone=("crash",))), {"succeeded", "failed applied"}),
}


@pytest.mark.parametrize("reached", REACHED)
@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_possible_in_its_states_and_in_no_other(step: str, reached: str) -> None:
    """What is not possible says so to the person, and changes nothing; what is possible is a new version."""
    take, possible = STEPS[step]
    before = REACHED[reached]
    if reached not in possible:
        with pytest.raises(NotPossible) as refusal:
            take(before)
        assert refusal.value.message.endswith(".")
        return
    changed = take(before)
    assert changed.version == before.version + 1
    assert (changed.id, changed.plan, changed.digest) == (before.id, before.plan, before.digest)


@pytest.mark.parametrize("reached", [name for name, of in REACHED.items() if of.state.final])
@pytest.mark.parametrize("step", STEPS)
def test_no_step_leaves_a_final_state(step: str, reached: str) -> None:
    """What may still be noted there is a resolution or a verdict."""
    take, possible = STEPS[step]
    if reached in possible:
        assert take(REACHED[reached]).state is REACHED[reached].state


def test_all_states_are_reached_here() -> None:
    """And each says in a sentence where it stands."""
    assert {of.state for of in REACHED.values()} == set(State)
    assert all(state_words(of).endswith(".") for of in REACHED.values())
    assert len({state_words(of) for of in REACHED.values()}) == len(State)


@pytest.mark.parametrize("reached", REACHED)
def test_what_is_open_or_in_doubt_blocks_its_target(reached: str) -> None:
    """Until a person has said what happened."""
    assert REACHED[reached].blocks is (reached in {*WAITING, *RUNNING, "unknown"})


@pytest.mark.parametrize(
    ("reached", "effect"),
    [
        ("approved", None),
        ("executing", None),
        ("applied", Effect.APPLIED),
        ("succeeded", Effect.APPLIED),
        ("failed", Effect.NONE),
        ("failed applied", Effect.APPLIED),
        ("unknown", Effect.UNKNOWN),
        ("denied", None),
    ],
)
def test_an_end_says_what_the_cluster_got(reached: str, effect: Effect | None) -> None:
    """Nothing, all of it, or nobody knows."""
    assert REACHED[reached].effect is effect


# --- votes ------------------------------------------------------------------------------------------------------------


def voted(of: Operation, *votes: Vote) -> Operation:
    for each in votes:
        of = states.approve(of, each, now=LATER, execute_within_s=WITHIN_S)
    return of


def test_a_quorum_approves_and_starts_the_time_to_begin() -> None:
    """Counted from the vote that made it."""
    done = approved()
    assert (done.state, done.approved_at, done.execute_by) == (
        State.APPROVED,
        LATER,
        LATER + timedelta(seconds=WITHIN_S),
    )
    assert approvers(done) == (BOB,)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"digest": "another"}, "another plan"),
        ({"human": "ann"}, "own request"),
        ({"user_id": ANN, "human": "somebody else"}, "own request"),
        ({"sets": ()}, "none of the groups"),
        ({"human": "bob", "user_id": EVE}, "already recorded"),
        ({"human": "eve", "user_id": BOB}, "already recorded"),
    ],
    ids=["plan", "same human", "same account", "no group", "again by another account", "again as another human"],
)
def test_a_vote_that_may_not_count_is_refused(changed: dict[str, object], said: str) -> None:
    """By the human and by the account: who is whom may have been configured anew meanwhile."""
    waiting = operation(plan(rule=Rule(sets=(replace(APPROVERS, count=2),), humans=2)))
    waiting = voted(waiting, vote(waiting, BOB, human="bob"))
    with pytest.raises(NotPossible, match=said):
        voted(waiting, replace(vote(waiting, EVE), **changed))


def test_who_comes_after_the_quorum_learns_whose_it_was() -> None:
    """Two press at once; both get the truth."""
    with pytest.raises(NotPossible, match="already approved") as refusal:
        voted(approved(), vote(approved(), EVE))
    assert refusal.value.users == (BOB,)


def test_who_comes_after_a_denial_learns_by_whom() -> None:
    """An approval never overrides it."""
    with pytest.raises(NotPossible, match="denied already") as refusal:
        voted(REACHED["denied"], vote(REACHED["denied"], EVE))
    assert refusal.value.users == (BOB,)


def test_every_order_of_clicks_gives_the_same() -> None:
    """Of two sets, with one person who is in both."""
    waiting = operation(plan(rule=TWO_SETS))
    people = (
        vote(waiting, BOB, sets=("approvers", "@rag-leads")),
        vote(waiting, EVE, sets=("approvers",)),
    )
    ends = [voted(waiting, *order) for order in permutations(people)]
    assert {each.state for each in ends} == {State.APPROVED}
    assert {frozenset(approvers(each)) for each in ends} == {frozenset({BOB, EVE})}


def test_a_vote_taken_back_stays_on_record_and_can_be_given_again() -> None:
    """Below the quorum the request waits again, and the time to begin is gone."""
    back = states.withdraw(approved(), BOB, now=LATER)
    assert (back.state, back.approved_at, back.execute_by) == (State.PENDING, None, None)
    assert [each.void for each in back.votes] == ["withdrawn"]
    assert back.counted == ()
    again = voted(back, vote(back))
    assert again.state is State.APPROVED
    assert [each.void for each in again.votes] == ["withdrawn", ""]


def test_a_void_vote_is_not_voided_again() -> None:
    """Its reason is the first one."""
    back = states.withdraw(approved(), BOB, now=LATER)
    assert states.void_votes(back, {BOB: "left the group"}).votes == back.votes


def test_a_vote_beyond_the_quorum_may_go_without_harm() -> None:
    """It stays approved as long as the rest is enough."""
    waiting = operation(plan(rule=TWO_SETS))
    both = voted(waiting, vote(waiting, BOB, sets=("@rag-leads",)), vote(waiting, EVE, sets=("approvers",)))
    more = replace(both, votes=(*both.votes, vote(both, "U0000DAN0", sets=("approvers",))))
    assert states.void_votes(more, {EVE: "left the group"}).state is State.APPROVED
    assert states.void_votes(more, {BOB: "left the group"}).state is State.PENDING


def test_a_vote_on_another_plan_does_not_count() -> None:
    """However it came to stand there."""
    foreign = replace(approved(), votes=(vote(operation(), digest="another"),))
    assert foreign.counted == ()
    with pytest.raises(NotPossible, match="may not begin"):
        states.claim(foreign, now=LATER)


# --- who, and when ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("human", "user_id", "possible"), [("ann", EVE, True), ("eve", ANN, True), ("eve", EVE, False)]
)
def test_only_the_requester_cancels(human: str, user_id: str, *, possible: bool) -> None:
    """By either account; stopping one's own request must always be easy."""
    if possible:
        assert states.cancel(operation(), human, user_id, now=LATER).closed_by == user_id
        return
    with pytest.raises(NotPossible, match="Only who asked"):
        states.cancel(operation(), human, user_id, now=LATER)


def test_nobody_takes_back_what_they_did_not_give() -> None:
    """A vote is one's own."""
    with pytest.raises(NotPossible, match="no approval of yours"):
        states.withdraw(approved(), EVE, now=LATER)


EXPIRES = operation().expires_at
BEGINS_BY = LATER + timedelta(seconds=WITHIN_S)


@pytest.mark.parametrize(("of", "ends"), [(operation(), EXPIRES), (approved(), BEGINS_BY)], ids=["pending", "approved"])
def test_time_is_over_at_its_last_moment(of: Operation, ends: datetime) -> None:
    """A second before, everything is possible; at the moment itself, nothing but to expire."""
    before = ends - timedelta(seconds=1)
    assert not overdue(of, before)
    with pytest.raises(NotPossible, match="not over"):
        states.expire(of, now=before)
    assert states.deny(of, BOB, "no", now=before).state is State.DENIED
    assert overdue(of, ends)
    assert states.expire(of, now=ends).state is State.EXPIRED
    for late in (
        lambda: states.deny(of, BOB, "no", now=ends),
        lambda: states.cancel(of, "ann", ANN, now=ends),
        lambda: states.withdraw(of, BOB, now=ends),
        lambda: states.claim(of, now=ends),
        lambda: states.approve(of, vote(of, EVE), now=ends, execute_within_s=WITHIN_S),
    ):
        with pytest.raises(NotPossible):
            late()


def test_an_end_by_time_says_which_time_it_was() -> None:
    """Nobody answered, or it could not begin."""
    assert states.expire(operation(), now=TOO_LATE).outcome == "nobody answered in time"
    assert states.expire(approved(), now=TOO_LATE).outcome == "approved, but it could not begin in time"


def test_what_runs_does_not_run_out_of_time() -> None:
    """Its times are over, and it goes on."""
    assert not overdue(executing(), TOO_LATE)
    assert states.written(executing(), now=TOO_LATE, generation=5).state is State.EXECUTING


def test_a_claim_takes_the_next_fence() -> None:
    """Whoever had the one before can write nothing any more."""
    assert (executing().fence, executing().began_at) == (approved().fence + 1, LATER)


def test_a_request_without_a_rule_begins_by_itself() -> None:
    """An empty rule is met by the request."""
    alone = operation(plan(rule=Rule()), state=State.APPROVED, approved_at=NOW, execute_by=BEGINS_BY)
    assert states.claim(alone, now=LATER).state is State.EXECUTING


def test_a_doubt_is_resolved_once() -> None:
    """By a person, whose word is kept; nothing is done again."""
    resolved = REACHED["resolved"]
    assert (resolved.state, resolved.resolution, resolved.closed_by) == (State.UNKNOWN, Resolution.HAPPENED, EVE)
    with pytest.raises(NotPossible, match="resolved already: happened"):
        states.resolve(resolved, Resolution.UNDONE, BOB)


# --- any steps in any order -------------------------------------------------------------------------------------------

# Accounts, and the humans behind them: Ann and Bob have two each.
ACCOUNTS = {ANN: "ann", "U0000ANN2": "ann", BOB: "bob", "U0000BOB2": "bob", EVE: "eve", "U0000DAN0": "dan"}
HUMANS = sorted(set(ACCOUNTS.values()))
SETS = ("approvers", "@rag-leads")
# What would end most runs before they began.
RARELY = st.integers(0, 4).map(lambda drawn: drawn == 4)


class Requests(RuleBasedStateMachine):
    """One request, and everything that people, time, policy and workers can do to it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.of = operation()
        self.record: list[tuple[str, str, tuple[str, ...]]] = []  # what an audit would say of the votes
        self.final: State | None = None
        self.claims = 0
        self.seen = [self.of]

    @initialize(
        of=st.sampled_from(
            [
                Rule(sets=(APPROVERS,), humans=1),
                TWO_SETS,
                Rule(sets=(APPROVERS,), humans=2),
                Rule(sets=(LEADS, APPROVERS)),
            ]
        )
    )
    def request(self, of: Rule) -> None:
        self.of = operation(plan(rule=of))
        self.seen = [self.of]

    def step(self, take: Step, *said: tuple[str, str, tuple[str, ...]]) -> None:
        try:
            changed = take(self.of)
        except NotPossible:
            return
        if self.of.state.final:
            assert changed.state is self.of.state
        self.record += said
        self.of = changed
        self.seen.append(changed)
        if changed.state.final:
            self.final = self.final or changed.state

    @rule(
        user_id=st.sampled_from(sorted(ACCOUNTS)),
        sets=st.sampled_from([SETS, SETS, *((name,) for name in SETS), ()]),
        of_it=st.sampled_from([True, True, True, False]),
    )
    def vote(self, user_id: str, sets: tuple[str, ...], *, of_it: bool) -> None:
        """Anybody presses the button, of this card or of another."""
        held = tuple(each.name for each in self.of.plan.rule.sets if each.name in sets)
        human = ACCOUNTS[user_id]
        cast = Vote(
            human=human,
            user_id=user_id,
            team_id="T1",
            sets=held,
            digest=self.of.digest if of_it else "another",
            cast_at=self.now,
        )
        self.step(lambda of: states.approve(of, cast, now=self.now, execute_within_s=WITHIN_S), ("vote", human, held))

    @rule(human=st.sampled_from(HUMANS))
    def withdraw(self, human: str) -> None:
        self.step(lambda of: states.withdraw(of, human, now=self.now), ("withdrawn", human, ()))

    @rule(humans=st.sets(st.sampled_from(HUMANS), min_size=1), rare=RARELY)
    def lose_rights(self, humans: set[str], *, rare: bool) -> None:
        if not rare:
            return
        why = dict.fromkeys(humans, "left the group")
        self.step(lambda of: states.void_votes(of, why), *(("void", human, ()) for human in sorted(humans)))

    @rule(how=st.sampled_from(["deny", "cancel", "drift"]), user_id=st.sampled_from(sorted(ACCOUNTS)), rare=RARELY)
    def stop(self, how: str, user_id: str, *, rare: bool) -> None:
        ends: Mapping[str, Step] = {
            "deny": lambda of: states.deny(of, user_id, "no", now=self.now),
            "cancel": lambda of: states.cancel(of, ACCOUNTS[user_id], user_id, now=self.now),
            "drift": lambda of: states.supersede(of, "drift", now=self.now),
        }
        if rare:
            self.step(ends[how])
        assert self.of.state is not State.CANCELLED or ACCOUNTS[self.of.closed_by] == "ann"

    @rule(seconds=st.sampled_from([1, 5, 30, 119, 900]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def expire(self) -> None:
        waited = self.of.state in operations.WAITING
        over = overdue(self.of, self.now)
        self.step(lambda of: states.expire(of, now=self.now))
        assert (self.of.state is State.EXPIRED) or not (waited and over)

    @rule()
    def claim(self) -> None:
        before = self.of
        self.step(lambda of: states.claim(of, now=self.now))
        if self.of is before:
            return
        self.claims += 1
        assert before.state is State.APPROVED
        assert before.execute_by is not None
        assert self.now < before.execute_by
        assert quorum(self.of.plan.rule, self.replayed()).met

    @rule()
    def write(self) -> None:
        self.step(lambda of: states.written(of, now=self.now, generation=5))

    @rule(ready=st.integers(0, 3))
    def progress(self, ready: int) -> None:
        self.step(lambda of: states.progressed(of, Progress(ready=ready, wanted=3)))

    @rule(how=st.sampled_from(["succeed", "fail", "lose"]))
    def finish(self, how: str) -> None:
        ends: Mapping[str, Step] = {
            "succeed": lambda of: states.succeed(of, now=self.now),
            "fail": lambda of: states.fail(of, "refused", now=self.now),
            "lose": lambda of: states.lose(of, "no answer", now=self.now),
        }
        self.step(ends[how])

    @rule(found=st.sampled_from(Resolution))
    def resolve(self, found: Resolution) -> None:
        self.step(lambda of: states.resolve(of, found, EVE))

    @precondition(lambda self: self.of.state.final)
    @rule()
    def judge(self) -> None:
        self.step(lambda of: states.judged(of, Verdict(stayed=("crash",))))

    def replayed(self) -> dict[str, tuple[str, ...]]:
        """Return the votes that count, from the record alone."""
        votes: dict[str, tuple[str, ...]] = {}
        for what, human, sets in self.record:
            if what == "vote":
                votes[human] = sets
            else:
                votes.pop(human, None)
        return votes

    @invariant()
    def nothing_runs_without_its_votes(self) -> None:
        """I1: from the claim on, the votes that it was begun by stand, and they are enough."""
        if self.of.began_at is not None:
            assert self.claims == 1
            assert self.of.quorum.met
        else:
            assert self.of.effect is None
            assert self.of.fence == 0

    @invariant()
    def it_runs_once(self) -> None:
        """I2, as far as states go: no way leads back from what runs or has ended."""
        assert self.claims <= 1
        ranks = [_rank(each.state) for each in self.seen]
        began = next((place for place, rank in enumerate(ranks) if rank > 0), len(ranks))
        assert ranks[began:] == sorted(ranks[began:])

    @invariant()
    def nobody_approves_their_own(self) -> None:
        """I4: neither by the human nor by any account; and one human counts once."""
        humans = [each.human for each in self.of.counted]
        assert "ann" not in humans
        assert len(humans) == len(set(humans))

    @invariant()
    def an_end_is_final(self) -> None:
        """I6."""
        assert self.final is None or self.of.state is self.final

    @invariant()
    def votes_follow_from_the_record(self) -> None:
        """The row holds nothing that the audit could not tell."""
        assert {each.human: each.sets for each in self.of.counted} == self.replayed()

    @invariant()
    def waiting_says_whether_it_is_enough(self) -> None:
        """Approved exactly while the quorum is met."""
        if self.of.state in operations.WAITING:
            assert (self.of.state is State.APPROVED) is self.of.quorum.met
            assert (self.of.execute_by is not None) is self.of.quorum.met

    @invariant()
    def the_plan_stays_what_was_shown(self) -> None:
        """I3, as far as the row goes: and each version is a new one."""
        assert (self.of.plan, self.of.digest) == (self.seen[0].plan, self.seen[0].digest)
        assert [each.version for each in self.seen] == list(range(1, len(self.seen) + 1))

    @invariant()
    def success_was_applied(self) -> None:
        """And a doubt has no other name."""
        assert self.of.state is not State.SUCCEEDED or self.of.effect is Effect.APPLIED
        assert (self.of.state is State.UNKNOWN) is (self.of.effect is Effect.UNKNOWN)


def _rank(state: State) -> int:
    return 2 if state.final else 1 if state is State.EXECUTING else 0


TestRequests = Requests.TestCase
TestRequests.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
