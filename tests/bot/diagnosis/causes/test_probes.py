from __future__ import annotations

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Finding
from bot.domain.objects import Container, Event, Pod, Probe
from tests.support.builders import (
    container,
    deployment,
    ended,
    event,
    oom_killed,
    pod,
    replica_set,
    running,
    snapshot,
    template,
    waiting,
)

WORKLOAD = deployment(ready=0)
REPLICAS = replica_set(WORKLOAD)
PROBE = Probe("GET :8080/health", timeout_s=1, period_s=3)
FAILS = "{} probe failed: HTTP probe failed with statuscode: 503"
KILLED = "Container api failed {} probe, will be restarted"
BACK_OFF = waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container=api")


def found(subject: Pod, *events: Event) -> list[Finding]:
    return list(diagnose(snapshot(WORKLOAD, REPLICAS, subject, *events)).findings)


def codes(subject: Pod, *events: Event) -> list[str]:
    return [finding.code for finding in found(subject, *events)]


def unready() -> Pod:
    return pod(REPLICAS, container(ready=False, readiness=PROBE))


def test_a_failing_readiness_probe_is_found() -> None:
    """The pod runs, and the answer tells what the probe asked and got."""
    subject = unready()
    [finding] = found(subject, event(subject, "Unhealthy", FAILS.format("Readiness")))
    assert (finding.code, finding.title) == ("READINESS_FAILING", "runs, but is not ready")
    assert finding.summary == (
        "1 pod of api runs but gets no traffic: the readiness probe (GET :8080/health, every 3 s, 1 s to answer) fails:"
        ' "HTTP probe failed with statuscode: 503".'
    )
    assert finding.since is not None


def test_several_pods_are_counted() -> None:
    """One sentence for all of them."""
    pods = [unready(), unready()]
    events = [event(each, "Unhealthy", FAILS.format("Readiness")) for each in pods]
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, *pods, *events)).findings
    assert finding.summary.startswith("2 pods of api run but get no traffic: ")


def test_a_readiness_gate_is_not_blamed_on_a_probe() -> None:
    """Without an event of the probe, the cause is not known and said to be so."""
    assert codes(unready()) == ["NOT_READY"]


def test_a_pod_that_has_only_just_been_started_may_fail_its_first_probes() -> None:
    """Every roll-out would be an alarm otherwise."""
    young = pod(REPLICAS, container(running(for_s=8), ready=False, readiness=PROBE), age_s=10)
    assert codes(young, event(young, "Unhealthy", FAILS.format("Readiness"), ago_s=2)) == ["STARTING"]


def test_an_event_of_another_container_does_not_count() -> None:
    """Each container answers for itself."""
    subject = unready()
    assert codes(subject, event(subject, "Unhealthy", FAILS.format("Readiness"), container_name="proxy")) == [
        "NOT_READY"
    ]


def test_a_ready_container_is_not_accused_for_an_old_failure() -> None:
    """Probes fail once in a while."""
    healthy = deployment()
    subject = pod(replica_set(healthy))
    report = diagnose(
        snapshot(healthy, replica_set(healthy), subject, event(subject, "Unhealthy", FAILS.format("Readiness")))
    )
    assert report.findings == ()


def test_a_slow_start_is_told_apart_from_not_being_ready() -> None:
    """As long as the startup probe has not passed, the readiness probe is not even asked."""
    subject = pod(REPLICAS, container(ready=False, started=False, startup=PROBE, readiness=PROBE))
    [finding] = found(subject, event(subject, "Unhealthy", FAILS.format("Startup")))
    assert (finding.code, finding.title) == ("STARTUP_FAILING", "has not come up yet")
    assert finding.summary.startswith("Container api has not come up yet: the startup probe (GET :8080/health")


def test_the_old_revision_that_is_ready_is_named() -> None:
    """A new release that never gets ready is told apart from a service that is down."""
    workload = deployment(ready=1, revision=2)
    old = replica_set(workload, 1, ready=1, containers=(template(),))
    new = replica_set(workload, 2)
    subject = pod(new, container(ready=False, readiness=PROBE))
    told = event(subject, "Unhealthy", FAILS.format("Readiness"))
    [finding] = diagnose(snapshot(workload, old, new, subject, told)).findings
    assert finding.summary.endswith("Revision 1 (v1.1) has 1 of 1 pod ready.")


@pytest.mark.parametrize(
    "state",
    [
        container(BACK_OFF, last=ended(0, "Completed"), restarts=11, liveness=PROBE),
        container(BACK_OFF, last=ended(2), restarts=11, liveness=PROBE),
        container(running(for_s=20), last=ended(0, "Completed", ago_s=21), restarts=3, liveness=PROBE),
        container(running(for_s=20), last=ended(143, ago_s=21), restarts=1, ready=False, liveness=PROBE),
        container(ended(0, "Completed"), restarts=3, liveness=PROBE),
    ],
    ids=["in back-off, finished", "in back-off, failed", "between two kills", "after the first kill", "just ended"],
)
@pytest.mark.parametrize(("word", "code"), [("liveness", "LIVENESS_FAILING"), ("startup", "STARTUP_FAILING")])
def test_a_restart_by_a_probe_is_no_crash(state: Container, word: str, code: str) -> None:
    """Whatever the program returned on SIGTERM, the event tells who ended it."""
    subject = pod(REPLICAS, state)
    [finding] = found(
        subject,
        event(subject, "Unhealthy", FAILS.format(word.capitalize())),
        event(subject, "Killing", KILLED.format(word)),
    )
    assert (finding.code, finding.title) == (code, f"restarted by its {word} probe")
    assert finding.summary.startswith("The kubelet restarts container api because of it: ")


def test_a_kill_long_ago_does_not_explain_a_crash_now() -> None:
    """After half an hour the event is history."""
    subject = pod(REPLICAS, container(BACK_OFF, last=ended(1), restarts=11))
    assert codes(subject, event(subject, "Killing", KILLED.format("liveness"), ago_s=1801)) == ["CRASH_LOOP"]


def test_a_pod_that_is_told_to_go_was_not_killed_by_a_probe() -> None:
    """`Killing` is also the event of every deletion."""
    healthy = deployment()
    subject = pod(replica_set(healthy), container(last=ended(1, ago_s=9000), restarts=1))
    report = diagnose(
        snapshot(healthy, replica_set(healthy), subject, event(subject, "Killing", "Stopping container api"))
    )
    assert report.findings == ()


def test_a_kill_for_memory_comes_first() -> None:
    """A program that swaps itself to death also fails its probe; the memory is the cause."""
    subject = pod(REPLICAS, container(BACK_OFF, last=oom_killed(), restarts=4))
    assert codes(subject, event(subject, "Killing", KILLED.format("liveness"))) == ["OOM_KILLED"]


def test_a_probe_without_an_answer_still_has_a_sentence() -> None:
    """The event of the failure may be gone; that of the kill is enough."""
    subject = pod(REPLICAS, container(BACK_OFF, last=ended(0, "Completed"), restarts=4))
    [finding] = found(subject, event(subject, "Killing", KILLED.format("liveness")))
    assert finding.summary.endswith("the liveness probe fails.")


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_finished_pods_are_not_probed(phase: str) -> None:
    """Nobody asks them for their health any more."""
    healthy = deployment()
    subject = pod(None, container(ended(0), restarts=1), phase=phase)
    report = diagnose(snapshot(healthy, subject, event(subject, "Killing", KILLED.format("liveness"))))
    assert report.findings == ()
