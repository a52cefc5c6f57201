from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.cluster.world import backoff, templates
from sandbox.cluster.world.behaviours import CannotStart, Crashes, Exits, OutOfMemory, Serves

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny


@pytest.mark.parametrize(
    ("crashes", "seconds"), [(1, 0), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (8, 300), (50, 300)]
)
def test_waits_double_from_ten_seconds_to_five_minutes(crashes: int, seconds: float) -> None:
    """The first restart is immediate, the wait before the next ones doubles up to its limit."""
    assert backoff.delay(crashes) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (40, "40s"), (80, "1m20s"), (160, "2m40s"), (300, "5m0s")])
def test_durations_read_as_go_writes_them(seconds: float, text: str) -> None:
    """Back-off messages name the wait in Go's notation."""
    assert backoff.duration(seconds) == text


def test_restarts_follow_the_table(tiny: Tiny) -> None:
    """Each restart of a crash loop comes at its wait after the crash, at most fifteen seconds late."""
    tiny.deploy(Crashes(after=1.0))
    tiny.until(lambda: tiny.state == "Error", step=0.2)
    waits = []
    for restarts in range(1, 8):
        waits.append(tiny.until(lambda count=restarts: tiny.container["restartCount"] == count, step=0.2))
        tiny.until(lambda: tiny.state != "running", step=0.2)
    for wait, expected in zip(waits, [0, 10, 20, 40, 80, 160, 300], strict=True):
        assert expected - 0.5 <= wait <= expected + 15


def test_terminated_is_shown_before_the_back_off(tiny: Tiny) -> None:
    """After a crash the state is terminated for a while, then waiting with the message of the kubelet."""
    tiny.deploy(Crashes(after=1.0, exit_code=3))
    tiny.until(lambda: tiny.container["restartCount"] == 1 and tiny.state == "Error", step=0.2)
    ended = tiny.container["state"]["terminated"]
    assert ended["exitCode"] == 3
    tiny.until(lambda: tiny.state == "CrashLoopBackOff", within=15, step=0.2)
    pod, status = tiny.pod, tiny.container
    where = f"{pod['metadata']['name']}_ns({pod['metadata']['uid']})"
    assert status["state"]["waiting"]["message"] == f"back-off 10s restarting failed container=main pod={where}"
    assert status["lastState"]["terminated"] == ended
    assert pod["status"]["phase"] == "Running"


def test_memory_limit_kills_with_137(tiny: Tiny) -> None:
    """A container that grows to its limit is OOMKilled with exit code 137, when the limit is reached."""
    tiny.deploy(OutOfMemory(start=100, slope=10), memory_limit="200Mi")
    tiny.until(lambda: tiny.state == "running")
    assert tiny.until(lambda: tiny.state != "running") == pytest.approx(10, abs=1)
    assert tiny.state == "OOMKilled"
    assert tiny.container["state"]["terminated"]["exitCode"] == 137
    assert "signal" not in tiny.container["state"]["terminated"]


def test_a_higher_limit_heals_a_bounded_growth(tiny: Tiny) -> None:
    """A container whose growth ends below the limit is not killed."""
    tiny.deploy(OutOfMemory(start=100, slope=10, ceiling=300), memory_limit="400Mi")
    tiny.world.advance(900)
    assert tiny.container["restartCount"] == 0


def test_missing_command_is_a_start_error(tiny: Tiny) -> None:
    """A command that does not exist shows RunContainerError, then StartError 128 that started in 1970."""
    tiny.deploy(CannotStart(command="/nope"))
    tiny.until(lambda: tiny.state == "RunContainerError", step=0.2)
    assert tiny.container["lastState"] == {}
    tiny.until(lambda: tiny.state == "CrashLoopBackOff", step=0.2)
    last = tiny.container["lastState"]["terminated"]
    assert (last["reason"], last["exitCode"], last["startedAt"]) == ("StartError", 128, "1970-01-01T00:00:00Z")
    assert 'exec: "/nope": stat /nope: no such file or directory' in last["message"]


def test_a_long_run_resets_the_back_off(tiny: Tiny) -> None:
    """After a run of more than ten minutes the next restart is immediate again."""
    tiny.deploy(Crashes(after=1.0))
    tiny.until(lambda: tiny.container["restartCount"] == 4)
    tiny.world.behave("app", Crashes(after=620))
    tiny.until(lambda: tiny.state == "running" and tiny.container["restartCount"] >= 5, step=1)
    before = tiny.container["restartCount"]
    tiny.until(lambda: tiny.state != "running", step=1)
    assert tiny.until(lambda: tiny.container["restartCount"] == before + 1, step=0.2) <= 3


def test_init_container_holds_the_pod_back(tiny: Tiny) -> None:
    """A failing init container crash-loops while the regular one waits in PodInitializing and the pod is Pending."""
    tiny.world.behave("app/setup", Crashes(after=0.5, exit_code=3))
    tiny.deploy(Serves(), pod={"initContainers": [templates.container("setup", "r.example/setup:v1")]})
    tiny.world.advance(60)
    status = tiny.pod["status"]
    assert status["phase"] == "Pending"
    assert status["initContainerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert tiny.state == "PodInitializing"
    assert tiny.condition(tiny.pod, "Initialized")["message"] == "containers with incomplete status: [setup]"


def test_init_container_ends_before_the_main_one_starts(tiny: Tiny) -> None:
    """Init containers run one after the other, then the regular container starts."""
    tiny.deploy(Serves(), pod={"initContainers": [templates.container("setup", "r.example/setup:v1")]})
    tiny.until(lambda: tiny.condition(tiny.pod, "Ready")["status"] == "True")
    init = tiny.pod["status"]["initContainerStatuses"][0]
    assert init["state"]["terminated"]["reason"] == "Completed"
    assert init["state"]["terminated"]["finishedAt"] <= tiny.container["state"]["running"]["startedAt"]


def test_a_sidecar_runs_beside_the_main_container(tiny: Tiny) -> None:
    """A restartable init container keeps running, and counts for readiness."""
    sidecar = templates.container("proxy", "r.example/proxy:v1") | {"restartPolicy": "Always"}
    tiny.world.behave("app/proxy", Exits(exit_code=1, after=30))
    tiny.deploy(Serves(), pod={"initContainers": [sidecar]})
    tiny.until(lambda: tiny.condition(tiny.pod, "Ready")["status"] == "True")
    assert "running" in tiny.pod["status"]["initContainerStatuses"][0]["state"]
    tiny.world.advance(90)
    assert tiny.pod["status"]["initContainerStatuses"][0]["restartCount"] >= 1
    assert tiny.state == "running"


def test_a_task_that_ends_well_is_restarted_too(tiny: Tiny) -> None:
    """In a Deployment exit code 0 is Completed, and ends in a back-off as well."""
    tiny.deploy(Exits(exit_code=0, after=1))
    tiny.until(lambda: tiny.state == "Completed", step=0.2)
    tiny.until(lambda: tiny.state == "CrashLoopBackOff")
    assert tiny.container["lastState"]["terminated"]["exitCode"] == 0


def test_an_evicted_pod_is_replaced(tiny: Tiny) -> None:
    """Eviction by the kubelet leaves a Failed pod with its reason, and the ReplicaSet makes another."""
    tiny.deploy(Serves())
    tiny.world.advance(10)
    name = tiny.pod["metadata"]["name"]
    tiny.world.evict("ns", name, "The node was low on resource: memory. ")
    tiny.world.advance(10)
    evicted = tiny.get("pods", name)["status"]
    assert (evicted["phase"], evicted["reason"]) == ("Failed", "Evicted")
    assert "containerStatuses" not in evicted
    assert len(tiny.list("pods")) == 2
    assert tiny.deployment["status"]["readyReplicas"] == 1
