from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import REFUSED, TIMEOUT, Answer, FailsProbe, ProbeKind, Serves, never_ready
from sandbox.cluster.world.probes import failure_message

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny

_HTTP = {"httpGet": {"path": "/health", "port": 8080, "scheme": "HTTP"}}


@pytest.mark.parametrize(
    ("kind", "spec", "answer", "message"),
    [
        ("liveness", _HTTP, Answer(status=503), "Liveness probe failed: HTTP probe failed with statuscode: 503"),
        (
            "readiness",
            _HTTP,
            REFUSED,
            (
                'Readiness probe failed: Get "http://10.0.0.7:8080/health": dial tcp 10.0.0.7:8080: connect: connection'
                " refused"
            ),
        ),
        (
            "readiness",
            _HTTP,
            TIMEOUT,
            (
                'Readiness probe failed: Get "http://10.0.0.7:8080/health": context deadline exceeded (Client.Timeout'
                " exceeded while awaiting headers)"
            ),
        ),
        (
            "startup",
            {"tcpSocket": {"port": 5432}},
            REFUSED,
            "Startup probe failed: dial tcp 10.0.0.7:5432: connect: connection refused",
        ),
        ("liveness", {"exec": {"command": ["x"]}}, Answer(failure="no leader"), "Liveness probe failed: no leader"),
    ],
)
def test_failures_have_the_kubelets_words(kind: ProbeKind, spec: dict[str, Any], answer: Answer, message: str) -> None:
    """The text of an Unhealthy event says what the probe met."""
    assert failure_message(kind, spec, answer, "10.0.0.7") == message


def test_an_unready_pod_runs_and_is_not_ready(tiny: Tiny) -> None:
    """A failing readiness probe keeps Ready False and restarts nothing."""
    tiny.deploy(never_ready(), readinessProbe=make.http_probe("/health", 8080, period=3))
    tiny.world.advance(120)
    pod = tiny.pod
    assert tiny.state == "running"
    assert tiny.container["restartCount"] == 0
    assert tiny.container["ready"] is False
    assert tiny.container["started"] is True
    ready = tiny.condition(pod, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert ready["message"] == "containers with unready status: [main]"
    messages = {event["message"] for event in tiny.events("Unhealthy")}
    assert "Readiness probe failed: HTTP probe failed with statuscode: 503" in messages


def test_a_pod_can_lose_its_readiness_and_find_it_again(tiny: Tiny) -> None:
    """Readiness follows what the program answers now."""
    tiny.deploy(Serves(), readinessProbe=make.http_probe("/health", 8080, period=3))
    tiny.world.advance(10)
    assert tiny.condition(tiny.pod, "Ready")["status"] == "True"
    tiny.world.behave("app", never_ready())
    tiny.world.advance(15)
    assert tiny.condition(tiny.pod, "Ready")["status"] == "False"
    tiny.world.behave("app", Serves())
    tiny.world.advance(15)
    assert tiny.condition(tiny.pod, "Ready")["status"] == "True"


def test_a_failed_liveness_probe_restarts_the_container(tiny: Tiny) -> None:
    """Three failures give Unhealthy events, a Killing event of type Normal, and a restart with the program's code."""
    behaviour = FailsProbe(probe="liveness", healthy_for=20, stop_exit_code=2)
    tiny.deploy(behaviour, livenessProbe=make.http_probe("/live", 8080, period=5))
    tiny.until(lambda: tiny.container["restartCount"] == 1, within=60)
    last = tiny.container["lastState"]["terminated"]
    assert (last["reason"], last["exitCode"]) == ("Error", 2)
    (killing,) = tiny.events("Killing")
    assert (killing["type"], killing["message"]) == (
        "Normal",
        "Container main failed liveness probe, will be restarted",
    )
    (unhealthy,) = [event for event in tiny.events("Unhealthy") if "503" in event["message"]]
    assert (unhealthy["type"], unhealthy["count"]) == ("Warning", 3)
    assert unhealthy["involvedObject"]["fieldPath"] == "spec.containers{main}"


def test_a_startup_probe_holds_the_others_back(tiny: Tiny) -> None:
    """Until the start is over the container is not started, and the liveness probe does not run."""
    startup = make.http_probe("/live", 8080, period=5, threshold=30)
    tiny.deploy(Serves(start_delay=40), startupProbe=startup, livenessProbe=make.http_probe("/live", 8080, period=2))
    tiny.world.advance(30)
    assert tiny.container["started"] is False
    assert tiny.container["ready"] is False
    tiny.world.advance(30)
    assert tiny.container["started"] is True
    assert tiny.container["restartCount"] == 0
    assert {event["message"].split()[0] for event in tiny.events("Unhealthy")} == {"Startup"}


def test_a_start_that_takes_too_long_is_killed(tiny: Tiny) -> None:
    """A startup probe that fails too often restarts the container."""
    tiny.deploy(Serves(start_delay=400), startupProbe=make.http_probe("/live", 8080, period=5))
    tiny.until(lambda: tiny.container["restartCount"] == 1, within=60)
    assert tiny.events("Killing")[0]["message"] == "Container main failed startup probe, will be restarted"
