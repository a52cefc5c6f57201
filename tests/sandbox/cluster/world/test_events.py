from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.cluster.world.behaviours import Crashes, Serves, never_ready
from sandbox.cluster.world.clock import parse_stamp
from sandbox.cluster.world.events import Bucket

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny


def test_a_burst_of_25_then_one_in_five_minutes() -> None:
    """The limit lets 25 events of a source about an object pass, and refills one every five minutes."""
    bucket = Bucket(25, 0.0)
    assert sum(bucket.take(0.0) for _ in range(100)) == 25
    assert [bucket.take(second) for second in (299.0, 301.0, 302.0, 601.0)] == [False, True, False, True]


def test_counts_stand_still_while_the_fault_goes_on(tiny: Tiny) -> None:
    """After the burst the event of a failing probe is updated once in five minutes; its count then jumps."""
    probe = {"httpGet": {"path": "/", "port": 1}, "periodSeconds": 1}
    tiny.deploy(never_ready(), readinessProbe=probe)
    tiny.world.advance(60)
    message = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    count = lambda: next(e["count"] for e in tiny.events("Unhealthy") if e["message"] == message)  # noqa: E731  # short
    early = count()
    tiny.world.advance(120)
    assert count() == early
    tiny.world.advance(300)
    assert count() > early + 200


def test_kubelet_events_have_the_old_shape(tiny: Tiny) -> None:
    """Count, whole seconds, the component and node as source, and a null eventTime."""
    tiny.deploy(Serves())
    tiny.world.advance(10)
    (event,) = tiny.events("Started")
    assert event["count"] == 1
    assert event["eventTime"] is None
    assert event["source"] == {"component": "kubelet", "host": "node-0"}
    assert event["reportingComponent"] == "kubelet"
    assert event["firstTimestamp"] == event["lastTimestamp"] == tiny.container["state"]["running"]["startedAt"]


@pytest.mark.parametrize("reason", ["Scheduled", "SuccessfulCreate", "ScalingReplicaSet", "Started"])
def test_events_live_an_hour(tiny: Tiny, reason: str) -> None:
    """An event is gone an hour after its last update."""
    tiny.deploy(Serves())
    tiny.world.advance(3500)
    assert tiny.events(reason)
    tiny.world.advance(300)
    assert not tiny.events(reason)


def test_an_event_that_is_updated_stays(tiny: Tiny) -> None:
    """The hour counts from the last update, and a crash loop's events are updated now and then."""
    tiny.deploy(Crashes())
    tiny.world.advance(4 * 3600)
    (event,) = tiny.events("BackOff")
    age = tiny.world.clock.seconds - parse_stamp(event["lastTimestamp"])
    assert age < 3600
    assert event["count"] > 500


def test_the_deployment_tells_how_it_scaled(tiny: Tiny) -> None:
    """ScalingReplicaSet names the ReplicaSet and both numbers."""
    tiny.deploy(Serves(), replicas=3)
    (event,) = tiny.events("ScalingReplicaSet")
    name = tiny.list("replicasets")[0]["metadata"]["name"]
    assert event["message"] == f"Scaled up replica set {name} from 0 to 3"
    assert event["source"] == {"component": "deployment-controller"}
