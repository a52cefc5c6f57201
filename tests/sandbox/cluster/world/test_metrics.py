from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.cluster.world import templates as make
from sandbox.cluster.world.behaviours import Crashes, OutOfMemory, Serves
from sandbox.cluster.world.quantities import memory_bytes

if TYPE_CHECKING:
    from tests.sandbox.cluster.world.conftest import Tiny


def test_usage_has_the_units_of_the_metrics_server(tiny: Tiny) -> None:
    """CPU is in nanocores, memory in Ki."""
    tiny.deploy(Serves(memory=300, cpu=100))
    tiny.world.advance(120)
    (item,) = tiny.world.pod_metrics("ns")
    usage = item["containers"][0]["usage"]
    assert re.fullmatch(r"\d+n", usage["cpu"])
    assert re.fullmatch(r"\d+Ki", usage["memory"])
    assert 85_000_000 <= int(usage["cpu"][:-1]) <= 115_000_000
    assert item["metadata"]["labels"]["app"] == "app"
    assert re.fullmatch(r"\d+\.\d+s", item["window"])


def test_a_new_pod_has_metrics_after_nineteen_seconds(tiny: Tiny) -> None:
    """Two samples are needed first."""
    tiny.deploy(Serves())
    tiny.until(lambda: tiny.state == "running", step=0.1)
    assert 18 <= tiny.until(lambda: bool(tiny.world.pod_metrics("ns"))) <= 20


def test_a_crash_looping_pod_has_none(tiny: Tiny) -> None:
    """Whatever its age, a container that does not run is not measured."""
    tiny.deploy(Crashes())
    tiny.world.advance(600)
    assert tiny.world.pod_metrics("ns") == []


def test_memory_grows_towards_the_limit(tiny: Tiny) -> None:
    """The measured memory of a leaking container rises and stays below its limit."""
    tiny.deploy(OutOfMemory(start=100, slope=1), memory_limit="200Mi")
    tiny.world.advance(40)
    early = memory_bytes(tiny.world.pod_metrics("ns")[0]["containers"][0]["usage"]["memory"])
    tiny.world.advance(45)
    late = memory_bytes(tiny.world.pod_metrics("ns")[0]["containers"][0]["usage"]["memory"])
    assert early < late <= 200 * 1024**2


def test_nodes_use_what_their_pods_use(tiny: Tiny) -> None:
    """A node's memory is the system's plus its containers'."""
    (before,) = tiny.world.node_metrics()
    tiny.deploy(Serves(memory=500), replicas=2)
    tiny.world.advance(120)
    (after,) = tiny.world.node_metrics()
    grown = memory_bytes(after["usage"]["memory"]) - memory_bytes(before["usage"]["memory"])
    assert abs(grown - 1000 * 1024**2) < 1024**2


def test_the_autoscaler_adds_pods_under_load(tiny: Tiny) -> None:
    """Pods that use twice their target are doubled, within the bounds, and not before they have metrics."""
    tiny.deploy(Serves(cpu=160), replicas=2, cpu="100m")
    tiny.world.apply("horizontalpodautoscalers", make.autoscaler("ns", "scaler", "app", least=2, most=6))
    scaler = tiny.get("horizontalpodautoscalers", "scaler")
    assert tiny.condition(scaler, "ScalingActive")["reason"] == "FailedGetResourceMetric"
    assert scaler["status"]["currentMetrics"] is None
    tiny.world.advance(40)
    scaler = tiny.get("horizontalpodautoscalers", "scaler")
    assert tiny.deployment["spec"]["replicas"] in {4, 6}
    assert tiny.condition(scaler, "ScalingActive")["reason"] == "ValidMetricFound"
    assert tiny.events("SuccessfulRescale")


def test_the_autoscaler_answers_a_manual_scale(tiny: Tiny) -> None:
    """A number outside the bounds is corrected at the next sync."""
    tiny.deploy(Serves(cpu=50), replicas=2, cpu="100m")
    tiny.world.apply("horizontalpodautoscalers", make.autoscaler("ns", "scaler", "app", least=2, most=4))
    tiny.world.advance(60)
    tiny.change("deployments", "app", lambda d: d["spec"].update(replicas=9))
    tiny.world.advance(16)
    assert tiny.deployment["spec"]["replicas"] == 4
    messages = [event["message"] for event in tiny.events("SuccessfulRescale")]
    assert "New size: 4; reason: Current number of replicas above Spec.MaxReplicas" in messages


def test_other_metrics_are_no_reason_to_scale(tiny: Tiny) -> None:
    """An autoscaler on something else than CPU says that it has no metric, and changes nothing."""
    tiny.deploy(Serves(cpu=500), replicas=2, cpu="100m")
    scaler = make.autoscaler("ns", "scaler", "app", least=1, most=6)
    scaler["spec"]["metrics"] = [{"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {}}}]
    tiny.world.apply("horizontalpodautoscalers", scaler)
    tiny.world.advance(120)
    assert tiny.deployment["spec"]["replicas"] == 2
    conditions = tiny.get("horizontalpodautoscalers", "scaler")
    assert tiny.condition(conditions, "ScalingActive")["reason"] == "FailedGetResourceMetric"


def test_the_autoscaler_leaves_zero_alone(tiny: Tiny) -> None:
    """A target scaled to zero is kept, and scaling is disabled."""
    tiny.deploy(Serves(), replicas=2)
    tiny.world.apply("horizontalpodautoscalers", make.autoscaler("ns", "scaler", "app", least=2, most=4))
    tiny.change("deployments", "app", lambda d: d["spec"].update(replicas=0))
    tiny.world.advance(60)
    scaler = tiny.get("horizontalpodautoscalers", "scaler")
    assert tiny.deployment["spec"]["replicas"] == 0
    assert tiny.condition(scaler, "ScalingActive")["reason"] == "ScalingDisabled"
    assert scaler["status"]["desiredReplicas"] == 0
    assert "currentReplicas" not in scaler["status"]
