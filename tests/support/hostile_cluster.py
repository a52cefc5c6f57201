"""Puts hostile words wherever the API of a cluster lets somebody write: logs, messages, reasons, labels, images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.cluster.scenarios import small_world
from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes
from sandbox.cluster.world.world import World
from tests.support.sandboxed import NAMESPACE

Json = dict[str, Any]


def crash(world: World, logs: Mapping[str, Sequence[str]]) -> None:
    """Start workloads that write these lines and end with an error, and let them fail for a while."""
    for app, lines in logs.items():
        world.behave(app, Crashes(voice="silent", closing=tuple(lines), exit_code=3, after=0.2))
        world.apply("deployments", small_world.simple(app, container="noise"))
    world.advance(90)


def crashing_pod(world: World, app: str) -> Json:
    """Return the newest pod of a workload."""
    pods = [pod for pod in world.store.list("pods", NAMESPACE) if pod["metadata"]["labels"].get("app") == app]
    return max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


_LONGEST = 100_000  # of all words but one: an object of a cluster is never larger than some megabytes


def say_everywhere(world: World, app: str, words: str, *, restarts: int) -> None:
    """Write `words` into what the API server tells of the newest pod of a workload: states, conditions, an event."""
    whole, words = words, words[:_LONGEST]
    pod = crashing_pod(world, app)
    metadata = pod["metadata"]
    status = pod["status"]["containerStatuses"][0]
    states = {
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": whole}},
        "lastState": {
            "terminated": {
                "exitCode": 3,
                "reason": "Error",
                "message": words,
                "startedAt": metadata["creationTimestamp"],
                "finishedAt": metadata["creationTimestamp"],
            }
        },
    }
    conditions = [{**condition, "message": words} for condition in pod["status"]["conditions"]]
    container = {**status, **states, "restartCount": restarts}
    changed = {**pod["status"], "containerStatuses": [container], "conditions": conditions, "message": words}
    marks = {"annotations": {"note": words}, "labels": {**metadata["labels"], "note": words[:63]}}
    world.store.update("pods", {**pod, "metadata": {**metadata, **marks}, "status": changed})
    _say_event(world, pod, words)
    workload = world.store.get("deployments", NAMESPACE, app)
    assert workload is not None
    annotations = {**(workload["metadata"].get("annotations") or {}), "kubernetes.io/change-cause": words}
    told = [{**condition, "message": words} for condition in workload["status"]["conditions"]]
    world.store.update(
        "deployments",
        {
            **workload,
            "metadata": {**workload["metadata"], "annotations": annotations},
            "status": {**workload["status"], "conditions": told},
        },
    )


def _say_event(world: World, pod: Json, words: str) -> None:
    metadata = pod["metadata"]
    event: Json = make.plain("v1", "Event", f"{metadata['name']}.hostile", NAMESPACE)
    event |= {
        "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": metadata["name"], "uid": metadata["uid"]},
        "reason": "BackOff",
        "message": words,
        "type": "Warning",
        "count": 1,
        "firstTimestamp": metadata["creationTimestamp"],
        "lastTimestamp": metadata["creationTimestamp"],
        "source": {"component": "kubelet"},
    }
    if world.store.get("events", NAMESPACE, event["metadata"]["name"]) is None:
        world.store.create("events", event)
    else:
        world.store.update("events", event)
