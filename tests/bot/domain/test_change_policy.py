"""What it takes to change something, where and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.domain.approval import NOBODY_ON_CALL, Rule
from bot.domain.change_policy import DEFAULT_RULES, ChangePolicy, Rota, RuleFor
from bot.domain.plans import Risk
from bot.domain.targets import ClusterName, Namespace, Scope, Where
from tests.support.changes import ANN, APPROVERS, BOB, EVE, LEADS, SCOPE

HERE = Where(SCOPE, "api")
STRICT = Rule(sets=(APPROVERS, LEADS), humans=2)


def test_by_default_the_risk_decides() -> None:
    """Nobody else for what is harmless, one approver, or two."""
    policy = ChangePolicy()
    assert policy.rule_for("restart", Risk.LOW, HERE).empty
    assert [policy.rule_for("x", risk, HERE).places for risk in Risk] == [0, 1, 2]
    assert set(DEFAULT_RULES) == set(Risk)
    assert policy.refusal("x", Risk.HIGH, HERE) == ""


@pytest.mark.parametrize(
    ("of", "holds"),
    [
        (RuleFor(), True),
        (RuleFor(verbs=frozenset({"rollback", "scale"})), True),
        (RuleFor(verbs=frozenset({"scale"})), False),
        (RuleFor(risks=frozenset({Risk.MEDIUM})), True),
        (RuleFor(risks=frozenset({Risk.LOW})), False),
        (RuleFor(clusters=frozenset({"prod-eu"})), True),
        (RuleFor(clusters=frozenset({"prod-us"})), False),
        (RuleFor(namespaces=frozenset({"shop"})), True),
        (RuleFor(namespaces=frozenset({"other"})), False),
        (RuleFor(services=frozenset({"api"})), True),
        (RuleFor(services=frozenset({"worker"})), False),
        (RuleFor(verbs=frozenset({"rollback"}), services=frozenset({"worker"})), False),
    ],
)
def test_a_rule_holds_where_everything_it_names_fits(of: RuleFor, *, holds: bool) -> None:
    """What it does not name, it does not limit."""
    assert of.holds("rollback", Risk.MEDIUM, HERE) is holds


def test_the_first_rule_that_holds_decides() -> None:
    """The default only where none does."""
    policy = ChangePolicy(
        rules=(
            RuleFor(rule=STRICT, verbs=frozenset({"rollback"})),
            RuleFor(rule=Rule(), namespaces=frozenset({"shop"})),
        )
    )
    elsewhere = Where(Scope(ClusterName("prod-eu"), Namespace("other")))
    assert policy.rule_for("rollback", Risk.LOW, HERE) is STRICT
    assert policy.rule_for("scale", Risk.HIGH, HERE).empty
    assert policy.rule_for("scale", Risk.HIGH, elsewhere) is DEFAULT_RULES[Risk.HIGH]


def test_what_is_forbidden_is_refused_with_its_reason() -> None:
    """By the rule that decides, not by a later one."""
    policy = ChangePolicy(
        rules=(
            RuleFor(rule=STRICT, verbs=frozenset({"rollback"})),
            RuleFor(forbidden="the vendor changes this", services=frozenset({"api"})),
        )
    )
    assert policy.refusal("rollback", Risk.MEDIUM, HERE) == ""
    assert policy.refusal("scale", Risk.MEDIUM, HERE) == "the vendor changes this"
    assert policy.refusal("scale", Risk.MEDIUM, Where(SCOPE)) == ""


def test_a_freeze_goes_before_every_rule() -> None:
    """Where and for what it holds."""
    freeze = RuleFor(forbidden="end of the quarter", clusters=frozenset({"prod-eu"}), verbs=frozenset({"scale"}))
    policy = ChangePolicy(frozen=(freeze,), rules=(RuleFor(forbidden="never"),))
    assert policy.refusal("scale", Risk.LOW, HERE) == "changes are frozen here: end of the quarter"
    assert policy.refusal("restart", Risk.LOW, HERE) == "never"


def test_each_verb_has_its_time() -> None:
    """Or the common one."""
    policy = ChangePolicy(time_to_live_s=900, times_to_live_s={"scale": 300})
    assert (policy.lives_s("scale"), policy.lives_s("rollback")) == (300, 900)


def test_an_account_that_nobody_linked_is_its_own_person() -> None:
    """And linked ones are one."""
    policy = ChangePolicy(humans={ANN: "ann", "U0000ANN2": "ann"})
    assert [policy.human_of(user) for user in (ANN, "U0000ANN2", BOB)] == ["ann", "ann", BOB]


# --- on call ----------------------------------------------------------------------------------------------------------

STARTS = datetime(2026, 1, 5, 9, tzinfo=UTC)  # a Monday
ROTA = Rota(people=(ANN, BOB, EVE), starts=STARTS)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        (STARTS - SECOND, ""),
        (STARTS, ANN),
        (STARTS + timedelta(days=7) - SECOND, ANN),
        (STARTS + timedelta(days=7), BOB),
        (STARTS + timedelta(days=14), EVE),
        (STARTS + timedelta(days=21), ANN),
        (STARTS + timedelta(days=7 * 3000 + 8), BOB),
        ((STARTS + timedelta(days=7)).astimezone(timezone(timedelta(hours=9))), BOB),
    ],
    ids=["before", "first moment", "last moment", "handover", "third", "round", "years later", "another zone"],
)
def test_people_take_turns(at: datetime, who: str) -> None:
    """A turn begins at its moment, wherever the clock that tells it stands."""
    assert ROTA.at(at) == who


def test_a_rota_without_people_or_beginning_has_nobody() -> None:
    """So a rule that asks for them is not met."""
    assert Rota(starts=STARTS).at(STARTS) == ""
    assert Rota(people=(ANN,)).at(STARTS) == ""


def test_each_tier_has_its_person() -> None:
    """A rota that has not begun has none."""
    second = Rota(people=(EVE,), starts=STARTS, tier=2)
    later = Rota(people=(BOB,), starts=STARTS + timedelta(days=1), tier=3)
    on_call = ChangePolicy(rotas=(ROTA, second, later)).on_call(STARTS)
    assert on_call.people == ((ANN, 1), (EVE, 2))
    assert ChangePolicy().on_call(STARTS) is NOBODY_ON_CALL
    assert ChangePolicy(rotas=(ROTA,)).on_call(STARTS - SECOND) is NOBODY_ON_CALL
