from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.cluster.world import templates
from sandbox.cluster.world.behaviours import Serves
from sandbox.cluster.world.scheduler import Request, refusals, request_of, unschedulable_message

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny


def test_a_pod_too_large_for_every_node_says_so(make_tiny: type[Tiny]) -> None:
    """The condition and the event carry the scheduler's message; the pod has no node, address or container status."""
    tiny = make_tiny(nodes=3)
    tiny.deploy(Serves(), memory="640Gi")
    tiny.world.advance(1)
    message = (
        "0/3 nodes are available: 3 Insufficient memory. no new claims to deallocate, preemption: 0/3 nodes are"
        " available: 3 Preemption is not helpful for scheduling."
    )
    condition = tiny.condition(tiny.pod, "PodScheduled")
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", message)
    assert tiny.pod["status"]["phase"] == "Pending"
    assert "nodeName" not in tiny.pod["spec"]
    assert "containerStatuses" not in tiny.pod["status"]


def test_scheduler_events_have_another_shape(tiny: Tiny) -> None:
    """FailedScheduling has an exact eventTime, null timestamps, no count and no source component."""
    tiny.deploy(Serves(), memory="640Gi")
    tiny.world.advance(700)
    (event,) = tiny.events("FailedScheduling")
    assert event["firstTimestamp"] is None
    assert event["lastTimestamp"] is None
    assert event["source"] == {}
    assert "count" not in event
    assert event["eventTime"].endswith("Z")
    assert "." in event["eventTime"]
    assert event["series"]["count"] == 3
    assert event["type"] == "Warning"


def test_a_new_node_takes_the_waiting_pod(tiny: Tiny) -> None:
    """Unschedulable pods are tried again when a node appears."""
    tiny.deploy(Serves(), memory="16Gi")
    tiny.world.advance(30)
    tiny.add_node(1, memory="32Gi")
    tiny.until(lambda: tiny.condition(tiny.pod, "Ready")["status"] == "True", within=20)
    assert tiny.pod["spec"]["nodeName"] == "node-1"


def test_room_that_is_freed_is_used(tiny: Tiny) -> None:
    """A pod that did not fit beside another starts when that one is gone."""
    tiny.deploy(Serves(), memory="6Gi")
    tiny.world.advance(5)
    other = templates.deployment("ns", "other", templates.container("main", "r.example/other:v1", memory="6Gi"))
    tiny.world.apply("deployments", other)
    tiny.world.advance(5)
    assert tiny.get("deployments", "other")["status"]["unavailableReplicas"] == 1
    tiny.world.store.delete("deployments", "ns", "app")
    tiny.world.advance(10)
    assert tiny.get("deployments", "other")["status"]["availableReplicas"] == 1


def test_an_unbound_claim_keeps_a_pod_pending(tiny: Tiny) -> None:
    """A claim of an unknown storage class is never bound, and its pod is not scheduled."""
    claim = templates.plain("v1", "PersistentVolumeClaim", "data", "ns")
    claim["spec"] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "missing",
    }
    tiny.world.apply("persistentvolumeclaims", claim)
    tiny.deploy(Serves(), pod={"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]})
    tiny.world.advance(60)
    message = tiny.condition(tiny.pod, "PodScheduled")["message"]
    assert message == "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    assert tiny.events("ProvisioningFailed")[0]["message"] == 'storageclass.storage.k8s.io "missing" not found'


_NODE: dict[str, Any] = {
    "metadata": {"labels": {"disk": "ssd"}},
    "spec": {},
    "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10"}},
}


@pytest.mark.parametrize(
    ("spec", "node", "used", "expected"),
    [
        ({}, {}, Request(0, 0, 0), []),
        ({}, {}, Request(1950, 0, 1), ["Insufficient cpu"]),
        ({}, {}, Request(2000, 4 * 1024**3, 10), ["Too many pods", "Insufficient cpu", "Insufficient memory"]),
        (
            {"nodeSelector": {"disk": "hdd"}},
            {},
            Request(0, 0, 0),
            ["node(s) didn't match Pod's node affinity/selector"],
        ),
        ({}, {"unschedulable": True}, Request(0, 0, 0), ["node(s) were unschedulable"]),
        (
            {},
            {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
            Request(0, 0, 0),
            ["node(s) had untolerated taint {gpu: yes}"],
        ),
        (
            {"tolerations": [{"key": "gpu", "operator": "Exists"}]},
            {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
            Request(0, 0, 0),
            [],
        ),
    ],
    ids=["fits", "cpu", "full", "selector", "cordoned", "taint", "tolerated"],
)
def test_reasons_of_a_node(spec: dict[str, Any], node: dict[str, Any], used: Request, expected: list[str]) -> None:
    """Each refusal has the scheduler's words."""
    pod = {"spec": {"containers": [templates.container("c", "i:1", cpu="100m", memory="64Mi")], **spec}}
    assert refusals(pod, {**_NODE, "spec": node}, used) == expected


def test_reasons_are_counted_and_sorted() -> None:
    """The message sums up what all nodes said."""
    reasons = [["Insufficient memory"], ["Insufficient cpu", "Insufficient memory"]]
    preemption = ["No preemption victims found for incoming pod"] * 2
    assert unschedulable_message(reasons, preemption) == (
        "0/2 nodes are available: 1 Insufficient cpu, 2 Insufficient memory. no new claims to deallocate, preemption:"
        " 0/2 nodes are available: 2 No preemption victims found for incoming pod."
    )


def test_an_init_container_counts_only_where_it_asks_more() -> None:
    """A pod's request is the sum of its containers, or the largest init container."""
    main = templates.container("c", "i:1", cpu="100m", memory="64Mi")
    init = templates.container("i", "i:1", cpu="50m", memory="1Gi")
    assert request_of({"containers": [main], "initContainers": [init]}) == Request(100, 1024**3)
