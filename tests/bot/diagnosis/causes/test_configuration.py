from __future__ import annotations

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Finding
from bot.domain.objects import Pod, Role
from tests.support.builders import container, deployment, event, pod, replica_set, snapshot, template, waiting

WORKLOAD = deployment(ready=0)
REPLICAS = replica_set(WORKLOAD)
FAILED_MOUNT = 'MountVolume.SetUp failed for volume "t" : secret "tls-cert" not found'


def lacking(reason: str, message: str = "", *, age_s: float = 300, name: str = "api") -> Pod:
    return pod(REPLICAS, container(waiting(reason, message), name=name), age_s=age_s)


def codes(*findings: Finding) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    "message",
    [
        'configmap "app-config" not found',
        'secret "nope" not found',
        "couldn't find key k2 in Secret shop/have",
        "couldn't find key k2 in ConfigMap shop/have",
    ],
)
@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "CreateContainerError"])
def test_what_is_missing_is_named(reason: str, message: str) -> None:
    """In the kubelet's own words, in the first sentence."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, lacking(reason, message))).findings
    assert (finding.code, finding.title) == ("CONFIGURATION_MISSING", "its configuration is incomplete")
    assert finding.summary == f"Revision 1 (v1.2) cannot start: {message}."
    assert finding.evidence[0].lines == (message,)


def test_no_reason_is_said_to_be_none() -> None:
    """Silence of the kubelet is said to be silence."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, lacking("CreateContainerConfigError"))).findings
    assert "the kubelet gives no reason" in finding.summary


def test_a_message_that_names_its_pod_still_makes_one_finding() -> None:
    """Three pods of one revision have one cause."""
    pods = [
        lacking(
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root"
            f' (pod: "api-{number}_shop(0b1c-{number})", container: api)',
        )
        for number in range(3)
    ]
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, *pods)).findings
    assert len(finding.pods) == 3


def test_different_things_missing_are_different_findings() -> None:
    """One sentence cannot tell two causes."""
    pods = [lacking("CreateContainerConfigError", f'secret "{name}" not found') for name in ("one", "two")]
    assert codes(*diagnose(snapshot(WORKLOAD, REPLICAS, *pods)).findings) == ["CONFIGURATION_MISSING"] * 2


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
@pytest.mark.parametrize("kind", ["FailedMount", "FailedAttachVolume"])
def test_a_volume_that_cannot_be_mounted_is_found(reason: str, kind: str) -> None:
    """The status says nothing; the event does."""
    stuck = lacking(reason)
    told = event(stuck, kind, FAILED_MOUNT, container_name="")
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, stuck, told)).findings
    assert (finding.code, finding.title) == ("MOUNT_FAILED", "waits for a volume")
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


def test_the_old_revision_that_works_is_named() -> None:
    """A missing config map is a release's fault where the one before runs."""
    workload = deployment(ready=1, revision=2)
    old = replica_set(workload, 1, ready=1, containers=(template(),))
    new = replica_set(workload, 2)
    bad = pod(new, container(waiting("CreateContainerConfigError", 'secret "x" not found')))
    [finding] = diagnose(snapshot(workload, old, new, bad)).findings
    assert finding.summary.endswith("Revision 1 (v1.1) has 1 of 1 pod ready.")
