from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis import diagnose
from bot.domain.findings import Finding
from bot.domain.objects import Pod, Reference
from tests.support.builders import container, deployment, pod, replica_set, snapshot, template, waiting

WORKLOAD = deployment(ready=0)
REPLICAS = replica_set(WORKLOAD)


def lacking(reason: str, message: str = "", *, age_s: float = 300, name: str = "api") -> Pod:
    return pod(REPLICAS, container(waiting(reason, message), name=name), age_s=age_s)


def codes(*findings: Finding) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ('configmap "app-config" not found', "waits for config map app-config"),
        ('secret "nope" not found', "waits for secret nope"),
        ("couldn't find key k2 in Secret shop/have", "waits for key k2 in secret have"),
        ("couldn't find key k2 in ConfigMap shop/have", "waits for key k2 in config map have"),
    ],
    ids=["config map", "secret", "key of a secret", "key of a config map"],
)
@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "CreateContainerError"])
def test_what_is_missing_is_named(reason: str, message: str, title: str) -> None:
    """In the kubelet's own words, in the first sentence."""
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, lacking(reason, message))).findings
    assert (finding.code, finding.title) == ("CONFIGURATION_MISSING", title)
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
    assert (finding.code, len(finding.pods)) == ("RUNS_AS_ROOT", 3)
    assert "Its security context forbids root" in finding.summary


def test_different_things_missing_are_different_findings() -> None:
    """One sentence cannot tell two causes."""
    pods = [lacking("CreateContainerConfigError", f'secret "{name}" not found') for name in ("one", "two")]
    assert codes(*diagnose(snapshot(WORKLOAD, REPLICAS, *pods)).findings) == ["CONFIGURATION_MISSING"] * 2


def test_the_old_revision_that_works_is_named() -> None:
    """A missing config map is a release's fault where the one before runs."""
    workload = deployment(ready=1, revision=2)
    old = replica_set(workload, 1, ready=1, containers=(template(),))
    new = replica_set(workload, 2)
    bad = pod(new, container(waiting("CreateContainerConfigError", 'secret "x" not found')))
    [finding] = diagnose(snapshot(workload, old, new, bad)).findings
    assert finding.summary.endswith("Revision 1 (v1.1) has 1 of 1 pod ready.")


VARIABLE = Reference("Secret", "db", key="url", variable="DATABASE_URL")
WHOLE = Reference("ConfigMap", "app-config")


@pytest.mark.parametrize(
    ("message", "reference", "words"),
    [
        ('secret "db" not found', VARIABLE, "Container api takes DATABASE_URL from it."),
        ("couldn't find key url in Secret shop/db", VARIABLE, "Container api takes DATABASE_URL from it."),
        ('configmap "app-config" not found', WHOLE, "Container api takes all its keys as variables (envFrom)."),
    ],
    ids=["a variable", "a key", "all of it"],
)
def test_who_names_it_is_told(message: str, reference: Reference, words: str) -> None:
    """The place to mend is in the answer."""
    bad = replace(container(waiting("CreateContainerConfigError", message)), references=(reference,))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, pod(REPLICAS, bad))).findings
    assert words in finding.summary


def test_another_reference_is_not_blamed() -> None:
    """Only what the message is about counts."""
    bad = replace(container(waiting("CreateContainerConfigError", 'secret "x" not found')), references=(VARIABLE,))
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, pod(REPLICAS, bad))).findings
    assert "takes" not in finding.summary


def test_the_revision_that_first_named_it_is_told() -> None:
    """It need not be the newest one."""
    workload = deployment(ready=1, revision=3)
    naming = replace(template(), references=(VARIABLE,))
    old = replica_set(workload, 1, ready=1, containers=(template(),))
    sets = (old, replica_set(workload, 2, containers=(naming,)), replica_set(workload, 3, containers=(naming,)))
    bad = pod(sets[2], replace(container(waiting("CreateContainerConfigError", 'secret "db" not found'))))
    [finding] = diagnose(snapshot(workload, *sets, bad)).findings
    assert "Revision 2 is the first to name it." in finding.summary


def test_what_the_runtime_refuses_is_told_apart() -> None:
    """Nothing is missing then."""
    refused = lacking("CreateContainerError", "failed to generate container spec: no command specified")
    [finding] = diagnose(snapshot(WORKLOAD, REPLICAS, refused)).findings
    assert (finding.code, finding.title) == ("CREATION_FAILED", "its container cannot be created")
