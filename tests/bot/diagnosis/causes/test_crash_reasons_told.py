"""Crashes whose log names a reason: the code, the title and the sentence follow from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Finding, StepKind
from bot.domain.objects import Container, Port, Probe, Role
from bot.domain.snapshot import LogKey, Part
from bot.domain.targets import ObjectRef
from tests.support.builders import (
    container,
    crash_looping,
    deployment,
    ended,
    endpoints,
    labelled,
    log_of,
    missing,
    pod,
    replica_set,
    running,
    service,
    snapshot,
    stateful_set,
    template,
    waiting,
)

BACK_OFF = waiting("CrashLoopBackOff")


def found(*containers: Container, said: str = "", others: tuple[object, ...] = ()) -> list[Finding]:
    """Diagnose a pod `api-1` that crashed and whose log ends with `said`."""
    workload = deployment(ready=0)
    replicas = replica_set(workload)
    logs = {LogKey("api-1", "api", previous=False): log_of(*said.splitlines())}
    seen = snapshot(workload, replicas, pod(replicas, *containers, name="api-1"), *others, logs=logs)
    return list(diagnose(seen).findings)


@pytest.mark.parametrize(
    ("said", "code", "title"),
    [
        ("FATAL DATABASE_URL is not set", "CRASH_CONFIGURATION", "crashes for want of DATABASE_URL"),
        ("Invalid configuration", "CRASH_CONFIGURATION", "crashes, its configuration is incomplete"),
        ("listen tcp :8080: bind: address already in use", "CRASH_ADDRESS_IN_USE", "crashes, port 8080 is in use"),
        ("dial tcp: lookup db: no such host", "CRASH_DEPENDENCY", "crashes without db"),
        ("password authentication failed for user", "CRASH_CREDENTIALS", "crashes, its credentials are refused"),
        ("no space left on device", "CRASH_NO_SPACE", "crashes, its disk is full"),
        ("open /data/x: permission denied", "CRASH_PERMISSION", "crashes, it lacks a permission"),
        ("No module named 'numpy'", "CRASH_IMAGE_INCOMPLETE", "crashes, its image lacks a file"),
        ("IndexError: list index out of range", "CRASH_LOOP", "crashes again and again"),
    ],
)
def test_the_reason_gives_the_code(said: str, code: str, title: str) -> None:
    """Each is mended in another way."""
    [finding] = found(crash_looping(), said=said)
    assert (finding.code, finding.title) == (code, title)
    assert f'"{said}"' in finding.summary


def test_the_termination_message_is_read_where_the_log_says_nothing() -> None:
    """It outlives the log."""
    [finding] = found(crash_looping(ended(1, message="DATABASE_URL is not set")))
    assert finding.code == "CRASH_CONFIGURATION"


def test_the_line_of_the_programs_own_code_is_told() -> None:
    """It is where the mending begins."""
    said = 'Traceback (most recent call last):\n  File "/app/main.py", line 7, in <module>\nIndexError: no such index'
    [finding] = found(crash_looping(), said=said)
    assert finding.summary.endswith('"IndexError: no such index". It fell over at /app/main.py:7.')


@pytest.mark.parametrize("code", [126, 127])
def test_a_shell_that_cannot_run_its_command_is_told_apart(code: int) -> None:
    """The container started, so the kubelet has nothing to say."""
    [finding] = found(crash_looping(ended(code)), said="sh: 1: serve: not found")
    assert (finding.code, finding.title) == ("CRASH_COMMAND", "crashes, its command cannot be run")


def test_a_library_that_is_missing_is_no_missing_command() -> None:
    """Both end with exit code 127."""
    [finding] = found(crash_looping(ended(127)), said="api: error while loading shared libraries: libpq.so.5: no")
    assert finding.code == "CRASH_IMAGE_INCOMPLETE"


@pytest.mark.parametrize(
    "state",
    [container(BACK_OFF, last=ended(0, "Completed"), restarts=4), container(ended(0, "Completed"), restarts=1)],
    ids=["in back-off", "just ended"],
)
def test_a_server_that_finishes_is_told_apart(state: Container) -> None:
    """It reports no error, so there is none to look for."""
    [finding] = found(state)
    assert (finding.code, finding.title) == ("EXITED", "ends by itself again and again")
    assert "a server must go on" in finding.summary


def test_a_probe_may_have_stopped_what_seems_to_finish() -> None:
    """The event that would tell may have expired; then it is not claimed."""
    [finding] = found(container(BACK_OFF, last=ended(0, "Completed"), restarts=4, liveness=Probe("GET :80/")))
    assert "no event tells whether that stopped it" in finding.summary


def test_what_may_finish_is_not_accused_of_it() -> None:
    """A pod that is restarted only on failure is meant to end."""
    done = pod(None, container(ended(0, "Completed"), restarts=1), container(name="main"))
    seen = snapshot(deployment(), replace(done, restart_policy="OnFailure"))
    assert diagnose(seen).findings == ()


def test_a_container_that_declares_the_same_port_is_named() -> None:
    """All containers of a pod share one address."""
    proxy = replace(container(name="proxy"), ports=(Port(8080),))
    [finding] = found(crash_looping(), proxy, said="Error: listen EADDRINUSE: address already in use :::8080")
    assert "Container proxy of the same pod declares port 8080, too" in finding.summary


@pytest.mark.parametrize(
    ("role", "state", "words"),
    [
        (Role.INIT, waiting("PodInitializing"), "Init container migrate of revision 1 ends with"),
        (Role.INIT, waiting("PodInitializing"), "Main cannot start before it is done."),
        (Role.SIDECAR, waiting("PodInitializing"), "Main cannot start before it runs."),
        (Role.SIDECAR, running(), "The pod's other containers run meanwhile."),
    ],
    ids=["an init container is named", "its pod waits", "a sidecar's pod waits", "a sidecar's pod runs"],
)
def test_who_waits_for_the_container_is_told(role: Role, state: object, words: str) -> None:
    """The one that crashes need not be the one that people look at."""
    main = container(waiting("PodInitializing") if not isinstance(state, type(running())) else running(), name="main")
    [finding] = found(container(BACK_OFF, name="migrate", role=role, last=ended(3), restarts=8), main)
    assert words in finding.summary
    assert finding.container == "migrate"


def test_the_release_that_lacks_a_variable_is_said_to_be_new() -> None:
    """Title, contrast and way back in one answer."""
    workload = deployment(desired=3, ready=3, revision=8)
    old = replica_set(workload, 7, desired=3, ready=3, containers=(template(env=("DATABASE_URL",)),))
    new = replica_set(workload, 8)
    bad = pod(new, crash_looping(), name="api-1")
    logs = {LogKey("api-1", "api", previous=False): log_of("DATABASE_URL is not set")}
    [finding] = diagnose(snapshot(workload, old, new, bad, *(pod(old) for _ in range(3)), logs=logs)).findings
    assert finding.title == "new release crashes for want of DATABASE_URL, the old one still serves"
    assert [(step.kind, step.text) for step in finding.next] == [
        (StepKind.COMMAND, "rollback api"),
        (StepKind.COMMAND, "compare api 7 8"),
        (StepKind.COMMAND, "logs api"),
    ]


# --- what it depends on -----------------------------------------------------------------------------------------------

REFUSED = "dial tcp: lookup {host} on 10.96.0.10:53: no such host"


def database(*, ready: int) -> tuple[object, ...]:
    workload = stateful_set("db", ready=ready)
    member = labelled(pod(workload, container(ready=bool(ready)), name="db-0"), app="db")
    postgres = service("postgres", app="db")
    return workload, member, postgres, endpoints(postgres, member)


@pytest.mark.parametrize("host", ["postgres", "postgres.shop", "postgres.shop.svc.cluster.local"])
def test_a_crash_for_want_of_a_database_hangs_under_the_databases_trouble(host: str) -> None:
    """One trouble is one finding, however far it is felt."""
    findings = found(crash_looping(), said=REFUSED.format(host=host), others=database(ready=0))
    felt = [consequence.code for finding in findings for consequence in finding.consequences]
    assert "CRASH_DEPENDENCY" in felt
    assert "CRASH_DEPENDENCY" not in [finding.code for finding in findings]


def test_a_database_that_is_well_is_not_accused() -> None:
    """The crash then stands for itself, and says what was looked at."""
    [finding] = found(crash_looping(), said=REFUSED.format(host="postgres"), others=database(ready=1))
    assert finding.because == (ObjectRef("Service", "shop", "postgres"), ObjectRef("StatefulSet", "shop", "db"))
    assert "Service postgres has 1 ready pod behind it." in finding.summary
    assert finding.next[0].text == "status db"


def test_a_service_that_does_not_exist_is_said_not_to() -> None:
    """A mistyped name looks like this."""
    [finding] = found(crash_looping(), said=REFUSED.format(host="postgers"))
    assert "There is no service postgers in shop." in finding.summary


@pytest.mark.parametrize("host", ["db.other.svc", "10.0.0.1", "db.example.com", "localhost"])
def test_what_is_elsewhere_is_not_judged(host: str) -> None:
    """Only services of this namespace are seen here."""
    [finding] = found(crash_looping(), said=REFUSED.format(host=host))
    assert "service" not in finding.summary
    assert finding.because == ()


def test_services_that_could_not_be_read_are_not_said_to_be_missing() -> None:
    """Could not look is never the same as not there."""
    logs = {LogKey("api-1", "api", previous=False): log_of(REFUSED.format(host="postgres"))}
    lone = pod(None, crash_looping(), name="api-1")
    [finding] = diagnose(snapshot(lone, logs=logs, parts={Part.SERVICES: missing("no right")})).findings
    assert "no service" not in finding.summary
