from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose, wanted
from bot.domain.findings import Finding
from bot.domain.objects import Container, Event, Pod, Probe
from bot.domain.snapshot import LogKey
from tests.support.builders import (
    MI,
    container,
    deployment,
    ended,
    endpoints,
    event,
    labelled,
    log_of,
    oom_killed,
    pod,
    replica_set,
    running,
    service,
    snapshot,
    stateful_set,
    template,
    usage,
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
        ' "HTTP probe failed with statuscode: 503" (it answers 503: the program says itself that it is not well).'
    )
    assert finding.since is not None


def test_several_pods_are_counted() -> None:
    """One sentence for all of them."""
    pods = [unready(), unready()]
    events = [event(each, "Unhealthy", FAILS.format("Readiness")) for each in pods]
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, *pods, *events)).findings
    assert finding.summary.startswith("2 pods of api run but get no traffic: ")


def test_a_running_container_that_is_not_ready_fails_its_probe_also_when_the_event_has_expired() -> None:
    """Nothing else keeps a running container unready; what it answered is said not to be known."""
    [finding] = found(unready())
    assert finding.code == "READINESS_FAILING"
    assert finding.summary.endswith("has not passed; no event is left of its answer.")


def test_without_a_probe_no_probe_is_blamed() -> None:
    """Why such a container is not ready is not known, and said to be so."""
    assert codes(pod(REPLICAS, container(ready=False))) == ["NOT_READY"]


def test_a_container_that_was_just_restarted_has_its_time() -> None:
    """An old pod may hold a container that has only just come back."""
    back = container(running(for_s=30), ready=False, readiness=PROBE, last=ended(1, ago_s=31), restarts=1)
    assert codes(pod(REPLICAS, back)) == ["NOT_READY"]


def test_a_pod_that_has_only_just_been_started_may_fail_its_first_probes() -> None:
    """Every roll-out would be an alarm otherwise."""
    young = pod(REPLICAS, container(running(for_s=8), ready=False, readiness=PROBE), age_s=10)
    assert codes(young, event(young, "Unhealthy", FAILS.format("Readiness"), ago_s=2)) == ["STARTING"]


def test_an_event_of_another_container_does_not_count() -> None:
    """Each container answers for itself."""
    subject = unready()
    [finding] = found(subject, event(subject, "Unhealthy", FAILS.format("Readiness"), container_name="proxy"))
    assert "503" not in finding.summary


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
    assert finding.summary.startswith("The kubelet restarts container api: the ")


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
    subject = pod(REPLICAS, container(BACK_OFF, last=oom_killed(), restarts=4, memory_limit=64 * MI))
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


def test_want_of_cpu_is_said_beside_the_probe() -> None:
    """A throttled program is too slow to answer, and looks ill."""
    slow = replace(container(ready=False, readiness=PROBE), cpu_limit_m=100)
    subject = pod(REPLICAS, slow)
    told = event(subject, "Unhealthy", "Readiness probe failed: context deadline exceeded")
    findings = diagnose(snapshot(WORKLOAD, REPLICAS, subject, told, usage(subject, cpu_m=98))).findings
    finding = next(each for each in findings if each.code == "READINESS_FAILING")
    assert "(no answer within 1 s). It uses 98 % of its CPU limit, so it may be too slow to answer." in finding.summary
    assert finding.next[-1].reason.endswith("give the probe more time")


def test_how_long_a_start_may_take_is_told() -> None:
    """The startup probe's own settings say it."""
    startup = replace(PROBE, period_s=10, failure_threshold=30, initial_delay_s=5)
    subject = pod(REPLICAS, container(ready=False, started=False, startup=startup))
    [finding] = found(subject, event(subject, "Unhealthy", FAILS.format("Startup")))
    assert "It has 5 min to start." in finding.summary


def test_what_the_log_cannot_reach_explains_why_it_is_not_ready() -> None:
    """The trouble of the database is the cause, and this is told there."""
    subject = pod(REPLICAS, container(ready=False, readiness=PROBE), name="api-1")
    database = stateful_set("db", ready=0)
    member = labelled(pod(database, container(ready=False), name="db-0"), app="db")
    postgres = service("postgres", app="db")
    logs = {LogKey("api-1", "api", previous=False): log_of("dial tcp: lookup postgres: no such host")}
    seen = snapshot(WORKLOAD, REPLICAS, subject, database, member, postgres, endpoints(postgres, member), logs=logs)
    assert wanted(seen).logs == tuple(logs)
    felt = [(c.code, c.target.name) for f in diagnose(seen).findings for c in f.consequences]
    assert ("READINESS_FAILING", "api") in felt


def test_a_release_whose_probe_fails_has_a_way_back() -> None:
    """As with every other fault of a new revision."""
    workload = deployment(desired=1, ready=1, revision=2)
    old, new = replica_set(workload, 1, ready=1), replica_set(workload, 2)
    bad = pod(new, container(ready=False, readiness=PROBE))
    [finding] = diagnose(snapshot(workload, old, new, pod(old), bad)).findings
    assert [step.text for step in finding.next] == [
        "rollback api",
        "compare api 1 2",
        "logs api",
    ]
