from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.domain.objects import Event, Pod, ReplicaSet, Workload
from tests.support.builders import container, deployment, event, pod, replica_set, snapshot, template, waiting


def creating(name: str = "api", *, age_s: float = 400) -> tuple[Workload, ReplicaSet, Pod]:
    workload = deployment(name, ready=0)
    replicas = replica_set(workload)
    made = pod(replicas, container(waiting("ContainerCreating"), image=f"reg/{name}:1"), age_s=age_s)
    return workload, replicas, made


def pulling(of: Pod, *, ago_s: float) -> Event:
    return event(of, "Pulling", 'Pulling image "reg"', ago_s=ago_s)


def test_a_pull_that_says_nothing_for_minutes_is_found() -> None:
    """The status says only that the container is being created."""
    workload, replicas, stuck = creating()
    [finding] = diagnose(snapshot(workload, replicas, stuck, pulling(stuck, ago_s=360))).findings
    assert (finding.code, finding.title) == ("IMAGE_PULL_HANGS", "its image is being pulled for very long")
    assert "the pull of reg/api:1 has neither ended nor failed for 6 min." in finding.summary
    assert finding.evidence[0].lines == ('Pulling image "reg"',)
    assert finding.next[-1].text == f"evict {stuck.meta.name}"


@pytest.mark.parametrize("end", ["Pulled", "Failed", "BackOff", "Created"])
def test_a_pull_that_ended_does_not_hang(end: str) -> None:
    """Whatever came after it, it was not the pull that hangs."""
    workload, replicas, stuck = creating()
    events = (pulling(stuck, ago_s=360), event(stuck, end, "x", ago_s=300))
    assert [f.code for f in diagnose(snapshot(workload, replicas, stuck, *events)).findings] == ["NOT_READY"]


def test_a_pull_has_two_minutes() -> None:
    """Large images take their time."""
    workload, replicas, stuck = creating()
    seen = snapshot(workload, replicas, stuck, pulling(stuck, ago_s=110))
    assert [finding.code for finding in diagnose(seen).findings] == ["NOT_READY"]


def test_what_waits_behind_another_pull_of_its_node_is_told_there() -> None:
    """A node pulls one image at a time: one registry that never answers holds up all the others."""
    first, second = creating("api"), creating("worker")
    events = (pulling(first[2], ago_s=600), pulling(second[2], ago_s=300))
    [finding] = diagnose(snapshot(*first, *second, *events)).findings
    assert finding.target.name == "api"
    assert [(felt.code, felt.target.name) for felt in finding.consequences] == [("IMAGE_PULL_HANGS", "worker")]
    assert finding.consequences[0].summary.endswith("and that of api began before.")
    assert finding.next[-1].text == f"evict {first[2].meta.name}"


def test_a_bare_pod_that_pulls_is_not_ended() -> None:
    """Nothing would make it anew."""
    stuck = pod(None, container(waiting("ContainerCreating"), image="reg/x:1"), age_s=400)
    [finding] = diagnose(snapshot(stuck, pulling(stuck, ago_s=360))).findings
    assert not any(step.text.startswith("evict ") for step in finding.next)


def test_a_pull_on_another_node_holds_up_nobody_here() -> None:
    """Each node pulls for itself."""
    first, second = creating("api"), creating("worker")
    elsewhere = replace(second[2], node="node-2")
    events = (pulling(first[2], ago_s=600), pulling(elsewhere, ago_s=300))
    findings = diagnose(snapshot(*first, *second[:2], elsewhere, *events)).findings
    assert [finding.target.name for finding in findings] == ["api", "worker"]


def test_the_image_of_the_revision_before_is_named() -> None:
    """It is the nearest one that was used."""
    workload = deployment(ready=0, revision=2)
    old = replica_set(workload, 1, containers=(template(image="rag-engine:v1.1"),))
    new = replica_set(workload, 2)
    bad = pod(new, container(waiting("ErrImagePull", "x: not found"), image="rag-engine:v1.2"))
    [finding] = diagnose(snapshot(workload, old, new, bad)).findings
    assert finding.summary.endswith("Revision 1, which runs no pods now, has rag-engine:v1.1.")
