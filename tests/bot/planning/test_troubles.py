from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import all_codes
from bot.domain.findings import Consequence, Finding, NextStep, Severity, StepKind
from bot.domain.plans import Fact
from bot.domain.targets import ObjectRef
from bot.planning.troubles import MET_BY_EVERY_POD, MET_BY_MORE_PODS, own_trouble, paused, refused_for_harm
from tests.support.bounds import api, ground_with
from tests.support.builders import SCOPE, deployment

API = ObjectRef("Deployment", SCOPE.namespace, "api")
DB = ObjectRef("StatefulSet", SCOPE.namespace, "db")


def found(
    code: str = "CRASH_LOOP",
    *,
    target: ObjectRef = API,
    severity: Severity = Severity.CRITICAL,
    revision: int | None = 1,
    felt: tuple[Consequence, ...] = (),
) -> Finding:
    return Finding(
        code=code, severity=severity, target=target, title="t", summary="s", revision=revision, consequences=felt
    )


FELT = Consequence("CRASH_DEPENDENCY", API, "cannot reach db", "")


@pytest.mark.parametrize(
    ("finding", "met"),
    [
        (found(), True),
        (found(revision=None), True),
        (found(revision=7), False),
        (found(severity=Severity.WARNING), False),
        (found("READINESS_FAILING"), False),
        (found("CLAIM_PENDING", target=DB, felt=(FELT,)), True),
        (found("CLAIM_PENDING", target=DB, felt=(replace(FELT, target=DB),)), False),
        (found("CLAIM_PENDING", target=DB, felt=(replace(FELT, code="NOT_READY"),)), False),
        (found(target=DB), False),
    ],
    ids=[
        "its own",
        "of a kind without revisions",
        "of an older revision",
        "no more than a warning",
        "of another sort",
        "felt from another",
        "felt by another",
        "felt, of another sort",
        "of another",
    ],
)
def test_only_a_critical_trouble_of_the_present_revision_is_met(finding: Finding, *, met: bool) -> None:
    """What an older revision suffers from, a new pod does not."""
    ground = replace(ground_with(api(), deployment(desired=3, revision=1)), findings=(finding,))
    assert own_trouble(ground, MET_BY_EVERY_POD) == (finding if met else None)


def test_every_code_is_one_of_the_diagnosis() -> None:
    """A code that is renamed there would silently no longer count."""
    assert {code.name for code in all_codes()} >= MET_BY_MORE_PODS > MET_BY_EVERY_POD


def test_a_refusal_tells_the_cause_and_what_to_do_instead() -> None:
    """Commands of ours apart from what is done by hand."""
    finding = replace(
        found(),
        likely="at the time of revision 8",
        next=(
            NextStep(StepKind.COMMAND, "rollback api", "goes back", "Roll back…"),
            NextStep(StepKind.MANUAL, "kubectl get nodes", "shows them"),
            NextStep(StepKind.MANUAL, "ask the owner"),
        ),
    )
    refusal = refused_for_harm(finding, "It does not help.")
    assert refusal.reason == "It does not help."
    assert refusal.facts == (
        Fact("trouble", "api: t"),
        Fact("cause", "s"),
        Fact("began", "at the time of revision 8"),
        Fact("by hand", "kubectl get nodes (shows them); ask the owner"),
    )
    assert refusal.commands == (Fact("rollback api", "goes back"),)
    assert [fact.label for fact in refused_for_harm(found(), "x").facts] == ["trouble", "cause"]


def test_a_paused_deployment_is_resumed_first() -> None:
    """A change of its template would lie there."""
    refusal = paused(ground_with(api(paused=True)))
    assert refusal is not None
    assert refusal.reason == "search is paused: a change of it would be stored, but no pod would be replaced."
    assert refusal.facts[0].text.startswith("kubectl -n shop rollout resume deployment/api")
    assert paused(ground_with(api())) is None
