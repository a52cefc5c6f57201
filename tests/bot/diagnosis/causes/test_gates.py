from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.domain.objects import Condition, Pod
from tests.support.builders import condition, container, deployment, pod, replica_set, snapshot

GATE = "lb.example.com/target-health"
WORKLOAD = deployment(ready=0)
REPLICAS = replica_set(WORKLOAD)
SAID = f'the status of pod readiness gate "{GATE}" is not "True", but False'


def held(*more: Condition, ago_s: float = 600, reason: str = "ReadinessGatesNotReady", all_ready: str = "True") -> Pod:
    ready = condition("Ready", "False", reason, SAID, ago_s=ago_s)
    made = pod(REPLICAS, container(), conditions=(ready, condition("ContainersReady", all_ready), *more))
    return replace(made, readiness_gates=(GATE,))


def codes(subject: Pod) -> list[str]:
    return [finding.code for finding in diagnose(snapshot(WORKLOAD, REPLICAS, subject)).findings]


def test_a_closed_gate_is_found() -> None:
    """Kubectl shows such a pod as Running and 1/1."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, held(condition(GATE, "False")))).findings
    assert (finding.code, finding.title) == ("READINESS_GATE", "held back by a readiness gate")
    assert finding.summary == (
        f"1 pod of api runs and passes all probes but may not get traffic yet: waiting for {GATE}."
    )
    assert finding.evidence[0].lines == (SAID,)


def test_a_gate_that_nobody_has_set_is_said_to_be_so() -> None:
    """Its controller may not be running."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, held())).findings
    assert "Nobody has set it" in finding.summary


@pytest.mark.parametrize(
    "other",
    [held(ago_s=59), held(reason="ContainersNotReady"), held(reason=""), held(all_ready="False")],
    ids=["a minute is given", "its containers", "a dead node", "containers are not ready either"],
)
def test_other_pods_that_are_not_ready_are_not_held_by_a_gate(other: Pod) -> None:
    """The reason is the kubelet's own."""
    assert codes(other) == ["NOT_READY"]
