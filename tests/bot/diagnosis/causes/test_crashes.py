from __future__ import annotations

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Container, Owner, Pod, Role
from bot.domain.snapshot import LogExcerpt, LogKey
from tests.support.builders import (
    container,
    crash_looping,
    deployment,
    ended,
    log_of,
    pod,
    replica_set,
    running,
    snapshot,
    template,
    waiting,
)

NOT_FOUND = 'unable to start container process: exec: "/nope": stat /nope: no such file or directory: unknown'
BACK_OFF = waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container=api")


def found(*containers: Container, logs: dict[LogKey, LogExcerpt] | None = None, ready: int = 0) -> tuple[Finding, ...]:
    """Diagnose one pod `api-1` of a Deployment."""
    workload = deployment(ready=ready)
    replicas = replica_set(workload)
    return diagnose(snapshot(workload, replicas, pod(replicas, *containers, name="api-1"), logs=logs or {})).findings


@pytest.mark.parametrize(
    "crashing",
    [
        container(BACK_OFF, last=ended(1), restarts=5),
        container(BACK_OFF, restarts=5),
        container(ended(1), restarts=5, last=ended(1, ago_s=300)),
        container(ended(1), restarts=0),
        container(running(for_s=5), last=ended(1, ago_s=6), restarts=3),
        container(running(for_s=590), last=ended(1, ago_s=599), restarts=2),
        container(BACK_OFF, last=ended(137, "Error"), restarts=4),
        container(BACK_OFF, role=Role.INIT, last=ended(3), restarts=8),
        container(BACK_OFF, role=Role.SIDECAR, last=ended(3), restarts=8),
    ],
    ids=[
        "in back-off",
        "in back-off without a last state",
        "just ended",
        "just ended for the first time",
        "between two crashes",
        "between two crashes for almost ten minutes",
        "killed, but not for memory",
        "an init container",
        "a sidecar",
    ],
)
def test_a_crashing_container_is_found(crashing: Container) -> None:
    """Whichever of its states the look happens upon."""
    [finding] = found(crashing)
    assert (finding.code, finding.container, finding.pods) == ("CRASH_LOOP", "api", ("api-1",))


@pytest.mark.parametrize(
    "harmless",
    [
        container(),
        container(running(), last=ended(1, ago_s=601), restarts=7),
        container(running(for_s=20), last=ended(1, ago_s=21), restarts=1),
        container(running(), restarts=9),
        container(ended(0, "Completed"), role=Role.INIT),
        container(ended(0, "Completed"), role=Role.INIT, last=ended(1, ago_s=60), restarts=2),
    ],
    ids=[
        "healthy",
        "crashed more than ten minutes ago",
        "one restart",
        "restarts that nobody remembers",
        "an init container that is done",
        "an init container that is done at last",
    ],
)
def test_nobody_healthy_is_accused(harmless: Container) -> None:
    """A pod that works is not a finding, whatever it went through."""
    assert found(container(name="main"), harmless, ready=1) == ()


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_is_over(phase: str) -> None:
    """Pods of jobs end; that is what they are for."""
    done = pod(None, container(ended(0 if phase == "Succeeded" else 1), restarts=2), phase=phase)
    assert diagnose(snapshot(deployment(), done)).findings == ()


def test_a_job_may_end_one_container_before_the_others() -> None:
    """Also after a first try that failed; one that fails again and again is still found."""
    job = Owner("Job", "backfill", "uid-job")
    done = container(ended(0, "Completed"), last=ended(1, ago_s=90), restarts=1)
    failing = container(ended(1), last=ended(1, ago_s=90), restarts=1, name="load")
    assert diagnose(snapshot(deployment(), pod(job, done, container(name="load")))).findings == ()
    [finding] = diagnose(snapshot(deployment(), pod(job, done, failing))).findings
    assert (finding.code, finding.container, finding.target.name) == ("CRASH_LOOP", "load", "backfill")


def test_a_terminating_pod_is_not_judged() -> None:
    """It ends because it was told to."""
    workload = deployment()
    replicas = replica_set(workload)
    going = pod(replicas, container(ended(137)), deleted=True)
    assert diagnose(snapshot(workload, replicas, going, pod(replicas))).findings == ()


@pytest.mark.parametrize(
    "unstartable",
    [
        container(waiting("RunContainerError", NOT_FOUND)),
        container(waiting("RunContainerError", NOT_FOUND), last=ended(128, "StartError", message=NOT_FOUND)),
        container(BACK_OFF, last=ended(128, "StartError", message=NOT_FOUND), restarts=4),
        container(ended(128, "StartError", message=NOT_FOUND), restarts=4),
        container(BACK_OFF, last=ended(127, "ContainerCannotRun", message=NOT_FOUND), restarts=4),
    ],
    ids=["the first time", "again", "in back-off", "just ended", "another runtime"],
)
def test_a_command_that_cannot_start_is_no_crash(unstartable: Container) -> None:
    """There is no log of a run that never was; the kubelet's message says it all."""
    [finding] = found(unstartable)
    assert (finding.code, finding.title) == ("START_FAILED", "cannot be started")
    assert 'exec: "/nope"' in finding.summary
    assert [line for e in finding.evidence for line in e.lines] == [NOT_FOUND]


def test_a_start_failure_without_a_message_says_so() -> None:
    """Silence of the kubelet is said to be silence."""
    [finding] = found(container(BACK_OFF, last=ended(128, "StartError"), restarts=4))
    assert "the kubelet gives no reason" in finding.summary


def test_the_telling_line_of_the_log_is_the_reason() -> None:
    """The answer shows what the program itself said."""
    logs = {LogKey("api-1", "api", previous=False): log_of("starting", "FATAL model could not be loaded", "bye")}
    [finding] = found(crash_looping(), logs=logs)
    assert finding.code == "CRASH_LOOP"
    assert finding.summary == (
        "Revision 1 (v1.2) ends with exit code 1 (a general error of the program) at start:"
        ' "FATAL model could not be loaded".'
    )
    assert finding.evidence[-1].lines == ("starting", "FATAL model could not be loaded", "bye")


@pytest.mark.parametrize(
    ("excerpt", "label"),
    [
        (log_of(problem="it was rotated away"), "the crashed run's log, its end: not available, it was rotated away"),
        (log_of(), "the crashed run's log, its end: it wrote nothing"),
    ],
    ids=["unavailable", "empty"],
)
def test_a_log_without_lines_says_why(excerpt: LogExcerpt, label: str) -> None:
    """A missing log never looks like a quiet one."""
    [finding] = found(crash_looping(), logs={LogKey("api-1", "api", previous=False): excerpt})
    assert finding.evidence[-1].label == label
    assert finding.evidence[-1].lines == ()


def test_an_older_log_says_its_age() -> None:
    """Its lines are shown all the same."""
    remembered = log_of("ERROR no such index", problem="as it was 42 s ago")
    [finding] = found(crash_looping(), logs={LogKey("api-1", "api", previous=False): remembered})
    assert finding.evidence[-1].label == "the crashed run's log, its end (as it was 42 s ago)"
    assert finding.evidence[-1].lines == ("ERROR no such index",)


@pytest.mark.parametrize(
    ("ran_s", "words"),
    [(-1, " at start."), (2, " at start."), (42, " after 42 s."), (3000, " after 50 min.")],
    ids=["the clock went back", "at once", "soon", "later"],
)
def test_how_long_it_lived_is_told(ran_s: float, words: str) -> None:
    """Never as a negative time: the kubelet's two stamps may be out of order."""
    [finding] = found(crash_looping(ended(1, ran_s=ran_s)))
    assert finding.summary.endswith(words)


def test_an_unknown_end_is_said_to_be_one() -> None:
    """The status may have lost the last state."""
    [finding] = found(container(BACK_OFF, restarts=3))
    assert "ends with an unknown exit code." in finding.summary


def test_the_termination_message_is_evidence() -> None:
    """What the program left in /dev/termination-log is shown."""
    [finding] = found(crash_looping(ended(1, message="no space left on device")))
    assert finding.evidence[0].lines == ("no space left on device",)


def release(*, kind: str = "api", env: tuple[str, ...] = ("DATABASE_URL", "PORT")) -> tuple[Pod, Finding]:
    """Diagnose a release that crashes beside an old one that serves."""
    workload = deployment(desired=3, ready=3, revision=8)
    old = replica_set(workload, 7, desired=3, ready=3, containers=(template(name=kind, env=env),))
    new = replica_set(workload, 8, desired=1)
    bad = pod(new, container(BACK_OFF, last=ended(1), restarts=4, env=("PORT",)))
    [finding] = diagnose(snapshot(workload, old, new, bad, *(pod(old) for _ in range(3)))).findings
    return bad, finding


def test_a_bad_release_is_told_apart_from_a_broken_service() -> None:
    """What still serves and what the new one lacks are in the same answer, and the way back."""
    _, finding = release()
    assert finding.title == "new release crashes, the old one still serves"
    assert finding.severity is Severity.CRITICAL
    assert "Revision 7 (v1.1) has 3 of 3 pods ready." in finding.summary
    assert finding.summary.endswith("It sets DATABASE_URL, which revision 8 does not.")
    assert (finding.next[0].text, finding.next[0].label) == ("rollback api", "Roll back…")


def test_the_next_step_names_the_log_of_the_crash() -> None:
    """It is the current log while the container waits."""
    _, finding = release()
    assert finding.next[-1].text == "logs api"


def test_the_next_step_asks_for_the_previous_log_of_a_running_container() -> None:
    """It is the previous log while the next run is on."""
    [finding] = found(container(running(for_s=5), last=ended(1, ago_s=6), restarts=3))
    assert finding.next[-1].text == "logs api --previous"


def test_a_renamed_container_has_nothing_to_compare_with() -> None:
    """The contrast stays, without a guess at variables."""
    _, finding = release(kind="web")
    assert finding.summary.endswith("Revision 7 has 3 of 3 pods ready.")


def test_equal_environments_are_not_mentioned() -> None:
    """Only what is missing is worth a word."""
    _, finding = release(env=("PORT",))
    assert finding.summary.endswith("Revision 7 (v1.1) has 3 of 3 pods ready.")
