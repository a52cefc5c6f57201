from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Behaviour, Crashes, FailsProbe, OutOfMemory, Serves, never_ready
from sandbox.cluster.world.reactions import WATCHED
from tests.support.waiting import in_background, until

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny

_RESOURCES = (*WATCHED, "events", "endpointslices", "controllerrevisions")
_BEHAVIOURS: tuple[Behaviour, ...] = (
    Serves(),
    Crashes(),
    OutOfMemory(start=10, slope=3),
    never_ready(),
    FailsProbe(probe="liveness", healthy_for=15),
)
_PROBES = {
    "readinessProbe": make.http_probe("/", 8080, period=3),
    "livenessProbe": make.http_probe("/", 8080, period=4),
}


def _everything(tiny: Tiny) -> str:
    return json.dumps({resource: tiny.world.store.list(resource) for resource in _RESOURCES})


def _play(tiny: Tiny) -> str:
    tiny.world.apply("services", make.service("ns", "app", 80, 8080))
    tiny.deploy(Serves(voice="api"), replicas=3, **_PROBES)
    tiny.world.advance(100)
    tiny.deploy(OutOfMemory(voice="api"), replicas=2, image="r.example/app:v2", memory_limit="256Mi", **_PROBES)
    tiny.world.advance(400)
    logs = [
        [line.text for line in tiny.world.lines("ns", pod["metadata"]["name"], "main")] for pod in tiny.list("pods")
    ]
    metrics = [tiny.world.pod_metrics(None), tiny.world.node_metrics()]
    return _everything(tiny) + json.dumps(logs) + json.dumps(metrics)


def test_the_same_seed_makes_the_same_world(make_tiny: type[Tiny]) -> None:
    """Names, uids, times, logs and metrics repeat; another seed gives others."""
    first = _play(make_tiny(seed=7))
    assert _play(make_tiny(seed=7)) == first
    assert _play(make_tiny(seed=8)) != first


def test_a_settled_world_rests(tiny: Tiny) -> None:
    """Without a fault nothing is written for minutes but the heartbeats of nodes."""
    tiny.deploy(Serves(), replicas=3, **_PROBES)
    tiny.world.advance(30)
    before = tiny.world.store.resource_version
    tiny.world.advance(290)
    assert tiny.world.store.resource_version - before <= 1


def test_pods_carry_what_describe_prints(tiny: Tiny) -> None:
    """The defaults of the API server and the fields of the kubelet are there."""
    tiny.deploy(Serves(), port=8080, memory_limit="128Mi", **_PROBES)
    tiny.world.advance(20)
    pod, spec, status = tiny.pod, tiny.pod["spec"], tiny.pod["status"]
    assert pod["metadata"]["generateName"] == f"{pod['metadata']['ownerReferences'][0]['name']}-"
    assert pod["metadata"]["ownerReferences"][0]["controller"] is True
    assert pod["metadata"]["labels"]["pod-template-hash"] in pod["metadata"]["name"]
    container = spec["containers"][0]
    assert container["terminationMessagePolicy"] == "File"
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["readinessProbe"]["httpGet"]["scheme"] == "HTTP"
    assert container["readinessProbe"]["timeoutSeconds"] == 1
    assert spec["tolerations"]
    assert spec["serviceAccountName"] == "default"
    assert status["qosClass"] == "Burstable"
    assert status["hostIP"] == "10.111.0.10"
    assert status["podIP"].startswith("10.244.0.")
    assert status["startTime"] == pod["metadata"]["creationTimestamp"]
    assert {entry["type"] for entry in status["conditions"]} == {
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    }


def test_a_pod_of_its_own_runs_too(tiny: Tiny) -> None:
    """A pod that a person created, without owner, defaults or status, is scheduled and started."""
    spec = {"containers": [{"name": "shell", "image": "r.example/shell:v1"}]}
    tiny.world.store.create("pods", {"metadata": {"name": "shell", "namespace": "ns"}, "spec": spec})
    tiny.world.advance(20)
    assert tiny.condition(tiny.pod, "Ready")["status"] == "True"
    assert tiny.pod["status"]["qosClass"] == "BestEffort"


def test_writes_beyond_the_history_are_seen_too(tiny: Tiny) -> None:
    """When the store forgot what happened, the controllers look at everything again."""
    tiny.deploy(Serves())
    tiny.world.advance(20)
    tiny.change("deployments", "app", lambda deployment: deployment["spec"].update(replicas=3))
    tiny.world.store.expire()
    tiny.world.advance(20)
    assert tiny.deployment["status"]["readyReplicas"] == 3


async def test_running_follows_real_time(tiny: Tiny) -> None:
    """``run`` moves the clock with the speed it was given, until it is cancelled."""
    tiny.deploy(Serves())
    before = tiny.world.clock.seconds
    began = time.monotonic()

    async def ready() -> int:
        return int(tiny.deployment["status"].get("readyReplicas", 0))

    async with in_background(tiny.world.run(speed=100)):
        await until(ready, bool)
    assert 0 < tiny.world.clock.seconds - before <= (time.monotonic() - began) * 100 + 10


_STEPS = st.one_of(
    st.tuples(st.just("advance"), st.floats(0.1, 400)),
    st.tuples(st.just("replicas"), st.integers(0, 5)),
    st.tuples(st.just("release"), st.integers(1, 3)),
    st.tuples(st.just("behave"), st.integers(0, len(_BEHAVIOURS) - 1)),
    st.tuples(st.just("delete"), st.integers(0, 10)),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(_STEPS, min_size=1, max_size=12))
def test_whatever_happens_the_objects_fit_together(make_tiny: type[Tiny], steps: list[tuple[str, float]]) -> None:
    """Counters never exceed their whole, pods have owners, endpoints are the ready pods, restarts never fall."""
    tiny = make_tiny()
    tiny.world.apply("services", make.service("ns", "app", 80, 8080))
    tiny.deploy(Serves(), replicas=2, memory_limit="128Mi", **_PROBES)
    restarts: dict[str, int] = {}
    for action, value in steps:
        _act(tiny, action, value)
        tiny.world.advance(0.1)
        _check(tiny, restarts)


def _act(tiny: Tiny, action: str, value: float) -> None:
    if action == "advance":
        tiny.world.advance(value)
    elif action == "replicas":
        tiny.change("deployments", "app", lambda d: d["spec"].update(replicas=int(value)))
    elif action == "release":
        image = f"r.example/app:v{int(value)}"
        tiny.change("deployments", "app", lambda d: d["spec"]["template"]["spec"]["containers"][0].update(image=image))
    elif action == "behave":
        tiny.world.behave("app", _BEHAVIOURS[int(value)])
    elif pods := tiny.list("pods"):
        tiny.world.store.delete("pods", "ns", pods[int(value) % len(pods)]["metadata"]["name"])


def _check(tiny: Tiny, restarts: dict[str, int]) -> None:
    status, pods = tiny.deployment["status"], tiny.list("pods")
    assert status.get("availableReplicas", 0) <= status.get("readyReplicas", 0) <= status.get("replicas", 0)
    assert status.get("updatedReplicas", 0) <= status.get("replicas", 0)
    owners = {item["metadata"]["uid"] for item in tiny.list("replicasets")}
    assert all(pod["metadata"]["ownerReferences"][0]["uid"] in owners for pod in pods)
    assert len({pod["status"]["podIP"] for pod in pods if "podIP" in pod["status"]}) == sum(
        "podIP" in pod["status"] for pod in pods
    )
    (listed,) = tiny.list("endpointslices")
    ready = {entry["targetRef"]["name"] for entry in listed["endpoints"] or () if entry["conditions"]["ready"]}
    assert ready == {
        pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"] and _is_true(pod, "Ready")
    }
    for pod in pods:
        for container in pod["status"].get("containerStatuses", ()):
            assert container["restartCount"] >= restarts.get(pod["metadata"]["uid"], 0)
            restarts[pod["metadata"]["uid"]] = container["restartCount"]


def _is_true(pod: dict[str, object], kind: str) -> bool:
    conditions = pod["status"].get("conditions", ())  # type: ignore[attr-defined]  # JSON
    return any(entry["type"] == kind and entry["status"] == "True" for entry in conditions)
