"""What is shown is what is executed: one text for a plan, and its digest."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings

from bot.domain.approval import Rule, RuleSet
from bot.domain.people import RoleName
from bot.domain.plans import FORMAT, Draft, Plan, Symptom, canonical, digest_of, plan_of
from bot.domain.steps import (
    AnyStep,
    ClearFailed,
    Evict,
    FailedPod,
    Restart,
    Scale,
    SetBounds,
    SetImage,
    SetResources,
)
from bot.domain.targets import Where
from tests.support.any_record import anything, neighbours
from tests.support.changes import BOB, EVE, ID, SCOPE, draft, plan, ref, rollback_step

GOLDEN = (
    '{"command":"rollback api","created_at":"2026-11-24T14:12:05Z","draft":{"inverse":"rollback api --to '
    '8","is":"Draft","risk":"medium","service":"api","step":{"is":"Rollback","kind":"Deployment","revisio'
    'n":7,"revision_name":"api-7","revision_uid":"rs-7","template":"a3cb88cc3ceaa571f00cfdaf78a696ce5a96b'
    'd9ea865a16664039be70b285fe9","to_template":"7979748abbe9b214271b528fb43e893664343973cf9256bd1a36e40f'
    '09229af9"},"symptoms":[{"code":"crash-loop","is":"Symptom","title":"new release crashes"}],"target":'
    '{"is":"Target","kind":"Deployment","name":"api","scope":{"cluster":"prod-eu","is":"Scope","namespace'
    '":"shop"},"uid":"d-uid"},"verb":"rollback","words":{"differences":[{"after":"app:v1","before":"app:v'
    '2","is":"Difference","label":"image"},{"after":"","before":"FEATURE_X","is":"Difference","label":"en'
    'v"}],"done":"api is at revision 7 again","facts":[{"is":"Fact","label":"pods","text":"3 move, at lea'
    'st 3 stay ready, about 40 s"}],"is":"PlanWords","not_undone":["config maps","database migrations"],"'
    'reverts":["Argo CD (application rag) sets it back: suspend its automatic sync first, and change Git"'
    '],"title":"Roll back api to revision 7","warnings":["Revision 7 is 3 days old."]}},"expires_at":"202'
    '6-11-24T14:27:05Z","human":"ann","is":"Plan","policy_version":"p1","reason":"500s since 14:02","requ'
    'ester":{"is":"Actor","team_id":"T1","user_id":"U0000ANN0"},"rule":{"humans":1,"is":"Rule","sets":[{"'
    'is":"RuleSet","name":"approvers","roles":["approver"]}]},"seal":"00ff","v":1}'
)
STEPS: tuple[AnyStep, ...] = (
    rollback_step(),
    Scale(kind="Deployment", was=3, replicas=5),
    Restart(kind="StatefulSet", template="t"),
    SetImage(kind="Deployment", template="t", to_template="u", container="main", was="app:v1", image="app:v2"),
    SetResources(
        kind="Deployment",
        template="t",
        to_template="u",
        container="main",
        resource="memory",
        limit_was="512Mi",
        limit="1Gi",
        request_was="256Mi",
        request="512Mi",
    ),
    SetBounds(minimum_was=2, maximum_was=5, minimum=4, maximum=8),
    Evict(owner="ReplicaSet/api-5d4"),
    ClearFailed(pods=(FailedPod("a", "u-a"), FailedPod("b", "u-b"))),
)


def full(step: AnyStep) -> Plan:
    """Return a plan that says something in every field."""
    everybody = RuleSet(
        name="@rag-leads",
        count=2,
        roles=(RoleName.APPROVER,),
        groups=("SRAGLEADS0",),
        users=(BOB,),
        on_call=True,
        tiers=(1, 2),
        known_as="@rag-leads and 1 person by name",
    )
    of = draft(step, watch=ref("Deployment", "api"), lasts_s=120)
    return plan(of, rule=Rule(sets=(everybody,), humans=2))


def test_the_canonical_text_is_fixed() -> None:
    """Plans outlive the program that wrote them: neither text nor digest of an old one ever changes."""
    assert canonical(plan()) == GOLDEN
    assert digest_of(GOLDEN) == "3ba0e29c5d3848129d419120c48b0bde67cc9909def7b2d504b090adf379ca44"


def test_a_plan_from_before_its_approvers_were_named_is_the_same_plan() -> None:
    """Its text has no words for them: it is read without, and its digest stays."""
    old = plan_of(GOLDEN)
    assert [each.known_as for each in old.rule.sets] == [""]
    assert canonical(old) == GOLDEN


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_the_canonical_text_has_one_form(step: AnyStep) -> None:
    """ASCII, keys in order, no blanks, no nulls, no floats."""
    text = canonical(full(step))
    assert text.isascii()
    read = json.loads(text, parse_float=pytest.fail)
    assert json.dumps(read, sort_keys=True, separators=(",", ":")) == text
    assert not re.search(r":null[,}]", text)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_every_field_is_in_the_digest(step: AnyStep) -> None:
    """Whatever differs from what was shown is another plan."""
    whole = full(step)
    others = {where: other for where, other in neighbours(whole) if where != ".v"}
    assert {".draft.target.uid", ".draft.words.warnings[0]", ".human", ".expires_at", ".rule.sets[0].count"} <= set(
        others
    )
    digests = {where: digest_of(canonical(other)) for where, other in others.items()}
    assert len(set(digests.values()) - {digest_of(canonical(whole))}) == len(others)


@settings(max_examples=60, deadline=None)
@given(anything(Plan))
def test_every_plan_is_read_back_as_it_was(any_plan: Plan) -> None:
    """Of any step, with any words; and its text is the same again."""
    current = replace(any_plan, v=FORMAT)
    text = canonical(current)
    assert plan_of(text) == current
    assert canonical(plan_of(text)) == text


@settings(max_examples=60, deadline=None)
@given(anything(Plan), anything(Plan))
def test_plans_have_the_same_digest_only_when_they_are_the_same(one: Plan, other: Plan) -> None:
    """There is one text for a plan and one plan for a text."""
    one, other = replace(one, v=FORMAT), replace(other, v=FORMAT)
    assert (digest_of(canonical(one)) == digest_of(canonical(other))) is (one == other)


def test_times_are_written_in_utc_to_the_second() -> None:
    """Wherever the clock stands."""
    here = datetime(2026, 11, 24, 15, 12, 5, 999_999, timezone(timedelta(hours=1)))
    assert canonical(plan(created_at=here)) == canonical(plan(created_at=datetime(2026, 11, 24, 14, 12, 5, tzinfo=UTC)))


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"is":"Plan"}',
        GOLDEN.replace('"v":1', '"v":2'),
        GOLDEN.replace('"v":1', '"v":true'),
        GOLDEN.replace('"verb":"rollback"', '"verb":7'),
        GOLDEN.replace('"verb":', '"newer":"x","verb":'),
        GOLDEN.replace('"is":"Rollback"', '"is":"Reboot"'),
        GOLDEN.replace('"is":"Rollback"', '"is":"Target"'),
        GOLDEN.replace('"risk":"medium"', '"risk":"none"'),
        GOLDEN.replace("2026-11-24T14:12:05Z", "yesterday"),
        "[" * 200_000,
    ],
    ids=range(14),
)
def test_what_is_damaged_or_newer_is_refused(damage: str) -> None:
    """Never guessed: what cannot be read cannot be carried out."""
    with pytest.raises(ValueError, match="a stored plan"):
        plan_of(damage)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"created_at": datetime(2026, 11, 24, 14, 12, 5)}, "offset"),  # noqa: DTZ001  # the point of the test
        ({"draft": draft(lasts_s=1.5)}, "cannot be read"),
        ({"v": FORMAT + 1}, "format"),
        ({"reason": None}, "cannot be read"),
    ],
    ids=["naive", "float", "format", "null"],
)
def test_what_could_not_be_read_back_is_not_written(changed: dict[str, Any], why: str) -> None:
    """A plan that nobody could carry out is a fault of the program, found before anybody agrees to it."""
    with pytest.raises(ValueError, match=why):
        canonical(plan(**changed))


def test_a_write_carries_what_the_plan_says() -> None:
    """Its time in UTC, and who asked and who agreed, by id."""
    here = datetime(2026, 11, 24, 15, 12, 5, tzinfo=timezone(timedelta(hours=1)))
    stamp = plan(created_at=here).stamp(ID, (BOB, EVE))
    assert (stamp.operation_id, stamp.at) == (ID, "2026-11-24T14:12:05Z")
    assert stamp.cause == f"ragops: rollback asked by U0000ANN0, approved by {BOB} and {EVE} (request {ID})"
    assert plan().stamp(ID, ()).cause == f"ragops: rollback asked by U0000ANN0 (request {ID})"


def test_a_draft_says_where_it_is_about() -> None:
    """For rights and rules."""
    made: Draft = draft(service="search", symptoms=(Symptom("x", "y"),))
    assert made.where == Where(SCOPE, "search")
