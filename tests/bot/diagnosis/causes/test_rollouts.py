"""Roll-outs that have stopped, and those that wait on purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.diagnosis.causes.rollouts import SURVEY
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity, StepKind
from bot.domain.objects import Condition, ReplicaSet, Workload
from tests.support.builders import (
    ago,
    condition,
    container,
    crash_looping,
    deployment,
    pod,
    ref,
    replica_set,
    snapshot,
    template,
)

EXCEEDED = condition(
    "Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "api-rs2" has timed out progressing.', ago_s=120
)
UPDATING = condition("Progressing", "True", "ReplicaSetUpdated", ago_s=2000)
COMPLETE = condition("Progressing", "True", "NewReplicaSetAvailable", ago_s=2000)
PAUSED = condition("Progressing", "Unknown", "DeploymentPaused", ago_s=300)


def release(progressing: Condition, **changes: object) -> Workload:
    """Make a Deployment in the middle of its second revision: the old one serves."""
    made = deployment(desired=3, ready=3, revision=2, conditions=(progressing,))
    return replace(made, updated=1, available=3, progress_deadline_s=600, **changes)  # type: ignore[arg-type]  # checked by dataclasses at run time


API = release(EXCEEDED)


def revision(number: int, *, ready: int, age_s: float = 3000, image: str = "rag-engine:v1") -> ReplicaSet:
    made = replica_set(API, number, desired=1, ready=ready, containers=(template(image=image),))
    return replace(made, meta=replace(made.meta, created_at=ago(age_s)))


OLD, NEW = revision(1, ready=3, age_s=9000), revision(2, ready=0, image="rag-engine:v2")


def look(*objects: object) -> list[Finding]:
    return list(SURVEY.look(Index(snapshot(*objects))))


def test_a_release_past_its_deadline_is_stuck() -> None:
    """With what works, what changed, and since when nothing went on."""
    [finding] = look(API, OLD, NEW)
    assert (finding.code, finding.severity, finding.revision) == ("ROLLOUT_STUCK", Severity.CRITICAL, 2)
    assert finding.title == "new release is stuck, the old one still serves"
    assert finding.summary == (
        "Revision 2 (v2) makes no progress for 12 min: it has 1 of 3 wanted pods, 0 of them ready."
        " Revision 1 (v1) still serves with 3 ready pods."
    )
    assert finding.changed == ("image v1 → v2",)
    assert finding.since == ago(720)
    assert finding.evidence[0].lines == ('ReplicaSet "api-rs2" has timed out progressing.',)
    assert [step.text for step in finding.next] == [
        "rollback api",
        "compare api 1 2",
        "history api",
    ]


def test_a_first_release_that_is_stuck_has_no_way_back() -> None:
    """Nothing serves."""
    first = replace(API, ready=0, available=0)
    [finding] = look(first, NEW)
    assert finding.title == "new release is stuck"
    assert finding.summary.endswith("No other revision serves.")
    assert all(step.kind is StepKind.COMMAND for step in finding.next)


def test_it_is_told_below_what_keeps_it() -> None:
    """The crash is the cause; that it is not ready is not said again."""
    broken = pod(NEW, crash_looping())
    pods = [pod(OLD) for _ in range(3)]
    [root] = diagnose(snapshot(replace(API, ready=2), OLD, NEW, broken, *pods)).findings
    assert root.code == "CRASH_LOOP"
    assert [felt.code for felt in root.consequences] == ["ROLLOUT_STUCK"]


def test_it_stands_alone_where_no_cause_is_named() -> None:
    """Instead of a mere "not ready"."""
    [finding] = diagnose(snapshot(replace(API, ready=2), OLD, NEW)).findings
    assert finding.code == "ROLLOUT_STUCK"
    assert finding.because == (ref(API),)


@pytest.mark.parametrize(
    ("deadline_s", "pod_age_s", "is_stuck"),
    [(600, 900, True), (600, 300, False), (3600, 900, False), (2_147_483_647, 4000, True), (60, 300, False)],
    ids=["too long", "goes on", "a longer deadline", "no deadline", "a shorter one that did not strike"],
)
def test_no_step_for_too_long_is_stuck_before_the_cluster_says_so(
    deadline_s: int, pod_age_s: float, *, is_stuck: bool
) -> None:
    """A pod that is made or becomes ready is a step."""
    workload = replace(release(UPDATING), progress_deadline_s=deadline_s)
    new = replace(NEW, meta=replace(NEW.meta, created_at=ago(9000)))
    waiting = pod(new, container(ready=False), age_s=pod_age_s)
    assert bool(look(workload, OLD, new, waiting)) == is_stuck


def test_a_pod_that_becomes_ready_is_progress() -> None:
    """However old it is."""
    ready = pod(NEW, age_s=2500, conditions=[condition("Ready", "True", ago_s=60)])
    assert look(release(UPDATING), OLD, NEW, ready) == []


@pytest.mark.parametrize(
    "workload",
    [
        release(COMPLETE),
        release(condition("Available", "True")),
        release(EXCEEDED, desired=0),
        replace(API, meta=replace(API.meta, generation=7), observed_generation=6),
        replace(API, kind="StatefulSet"),
    ],
    ids=["complete", "says nothing", "scaled to nothing", "a newer specification", "of another kind"],
)
def test_others_are_not_stuck(workload: Workload) -> None:
    """A finished roll-out that has lost pods since is another matter; a new specification starts anew."""
    assert look(workload, OLD, NEW) == []


# --- paused -----------------------------------------------------------------------------------------------------------


def test_a_paused_deployment_says_what_waits() -> None:
    """Its template against the one that runs."""
    waiting = release(PAUSED, paused=True, containers=(template(image="rag-engine:v3"),))
    [finding] = look(waiting, OLD, NEW)
    assert (finding.code, finding.severity, finding.since) == ("ROLLOUT_PAUSED", Severity.INFO, ago(300))
    assert finding.summary == "Deployment api is paused. A change waits to be rolled out: image v2 → v3."


@pytest.mark.parametrize(
    ("containers", "said"),
    [(NEW.containers, "No change waits"), ((), "Changes of its template are kept back")],
    ids=["nothing waits", "not known"],
)
def test_a_pause_without_a_change(containers: tuple[object, ...], said: str) -> None:
    """It is told, but nothing is missing."""
    [finding] = look(release(PAUSED, paused=True, containers=containers), OLD, NEW)
    assert said in finding.summary
    assert finding.changed == ()


def test_a_pause_with_a_change_that_is_not_compared() -> None:
    """The value of a variable, for example: no pod counts as up to date, so something waits."""
    waiting = replace(release(PAUSED, paused=True, containers=NEW.containers), updated=0)
    [finding] = look(waiting, OLD, NEW)
    assert "A change waits to be rolled out, in what is not compared here" in finding.summary
    assert finding.title == "roll-out is paused, a change waits"
