from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Finding
from bot.domain.objects import Pod, Role, Volume
from bot.domain.targets import ObjectRef
from tests.support.builders import container, deployment, event, pod, replica_set, snapshot, waiting

WORKLOAD = deployment(ready=0)
REPLICAS = replica_set(WORKLOAD)
FAILED_MOUNT = 'MountVolume.SetUp failed for volume "t" : secret "tls-cert" not found'
MULTI_ATTACH = (
    'Multi-Attach error for volume "pvc-0b1c" Volume is already exclusively attached to one node and can\'t be attached'
    " to another"
)


def lacking(reason: str = "ContainerCreating", *, age_s: float = 300, volumes: tuple[Volume, ...] = ()) -> Pod:
    return replace(pod(REPLICAS, container(waiting(reason)), age_s=age_s), volumes=volumes)


def codes(*findings: Finding) -> list[str]:
    return [finding.code for finding in findings]


def found(stuck: Pod, reason: str, message: str) -> Finding:
    told = event(stuck, reason, message, container_name="")
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, stuck, told)).findings
    return finding


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
@pytest.mark.parametrize(
    ("kind", "code", "title"),
    [
        ("FailedMount", "MOUNT_FAILED", "waits for a volume: secret tls-cert is missing"),
        ("FailedAttachVolume", "ATTACH_FAILED", "its volume cannot be attached to the node"),
        ("FailedCreatePodSandBox", "SANDBOX_FAILED", "its network cannot be set up"),
    ],
    ids=["mount", "attach", "sandbox"],
)
def test_a_volume_that_cannot_be_mounted_is_found(reason: str, kind: str, code: str, title: str) -> None:
    """The status says nothing; the event does."""
    stuck = lacking(reason)
    told = event(stuck, kind, FAILED_MOUNT, container_name="")
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, stuck, told)).findings
    assert (finding.code, finding.title) == (code, title)
    assert FAILED_MOUNT in finding.summary
    assert (finding.evidence[0].label, finding.evidence[0].at) == (kind, told.at)


def test_all_containers_of_a_pod_wait_for_one_volume() -> None:
    """One finding, not one for each container."""
    stuck = pod(
        REPLICAS,
        container(waiting("PodInitializing"), name="init", role=Role.INIT),
        container(waiting("PodInitializing")),
        age_s=300,
    )
    told = event(stuck, "FailedMount", FAILED_MOUNT, container_name="")
    assert codes(*diagnose(snapshot(WORKLOAD, REPLICAS, stuck, told)).findings) == ["MOUNT_FAILED"]


def test_a_young_pod_may_still_mount() -> None:
    """Volumes take a few seconds, and fail once or twice on the way."""
    young = lacking("ContainerCreating", age_s=15)
    report = diagnose(snapshot(WORKLOAD, REPLICAS, young, event(young, "FailedMount", FAILED_MOUNT, ago_s=5)))
    assert codes(*report.findings) == ["STARTING"]


def test_a_container_that_is_long_created_without_an_event_is_not_guessed_at() -> None:
    """A registry that never answers looks like this; what is not known is said to be so."""
    assert codes(*diagnose(snapshot(WORKLOAD, REPLICAS, lacking("ContainerCreating"))).findings) == ["NOT_READY"]


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        (Volume("t", "Secret", "tls-cert"), "volume t (secret tls-cert) cannot be mounted"),
        (Volume("t", "emptyDir"), "volume t cannot be mounted"),
        (Volume("other", "Secret", "x"), "a volume cannot be mounted"),
    ],
    ids=["with a source", "without a source", "another one"],
)
def test_the_volume_is_named_with_its_source(volume: Volume, words: str) -> None:
    """By the names that the workload's author chose."""
    assert words in found(lacking(volumes=(volume,)), "FailedMount", FAILED_MOUNT).summary


def test_a_missing_source_is_looked_for_by_its_kind() -> None:
    """The next step lists what there is."""
    assert found(lacking(), "FailedMount", FAILED_MOUNT).next[-1].text == "kubectl -n shop get secrets"


def test_a_volume_held_by_another_node_says_who_must_end() -> None:
    """The kubelet's words are no help by themselves."""
    assert "Another node still holds it" in found(lacking(), "FailedAttachVolume", MULTI_ATTACH).summary


def test_a_claim_is_what_may_explain_it() -> None:
    """If the claim has a finding of its own, this is told there."""
    claim = Volume("data", "PersistentVolumeClaim", "pg-data")
    finding = found(lacking(volumes=(claim,)), "FailedMount", 'MountVolume.MountDevice failed for volume "data" : io')
    assert finding.because == (ObjectRef("PersistentVolumeClaim", "shop", "pg-data"),)
    assert finding.next[-1].text == "kubectl -n shop describe pvc pg-data"


def test_a_timeout_gives_way_to_what_says_why() -> None:
    """It says only that the kubelet waits."""
    stuck = lacking()
    waits = "Unable to attach or mount volumes: unmounted volumes=[t], timed out waiting for the condition"
    events = (
        event(stuck, "FailedMount", FAILED_MOUNT, container_name="", ago_s=90),
        event(stuck, "FailedMount", waits, container_name="", ago_s=10),
    )
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, stuck, *events)).findings
    assert "tls-cert" in finding.summary
