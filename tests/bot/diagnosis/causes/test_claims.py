from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.diagnosis.causes.claims import SURVEY
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity
from bot.domain.objects import Pod, Volume
from bot.domain.snapshot import Part, PartStatus
from tests.support.builders import (
    claim,
    container,
    deployment,
    happened,
    missing,
    pod,
    replica_set,
    snapshot,
    storage_class,
    waiting,
)

API = deployment(ready=0)
SET = replica_set(API)


def mounts(name: str = "data", *, node: str = "") -> Pod:
    made = pod(SET, container(waiting("ContainerCreating")))
    return replace(made, node=node, volumes=(Volume("v", "PersistentVolumeClaim", name),))


def look(*objects: object, parts: Mapping[Part, PartStatus] | None = None) -> list[Finding]:
    return list(SURVEY.look(Index(snapshot(API, SET, *objects, parts=parts or {}))))


FAILED = 'storageclass.storage.k8s.io "fast" not found'


def test_a_class_that_does_not_exist_is_named() -> None:
    """With those that do, and who waits."""
    event = happened(claim().meta, "PersistentVolumeClaim", "ProvisioningFailed", FAILED)
    [finding] = look(claim(), storage_class("slow"), mounts(), event)
    assert (finding.code, finding.severity) == ("STORAGE_CLASS_MISSING", Severity.CRITICAL)
    assert finding.summary == (
        "The volume claim data (1 Gi) has no volume: no storage class fast exists; there is slow."
        " deployment/api waits for it."
    )
    assert finding.evidence[1].lines == (FAILED,)


def test_a_class_that_cannot_be_read_is_missing_only_by_the_event() -> None:
    """Not by our own blindness."""
    unread = {Part.STORAGE_CLASSES: missing("no right")}
    event = happened(claim().meta, "PersistentVolumeClaim", "ProvisioningFailed", FAILED)
    assert [finding.code for finding in look(claim(), event, parts=unread)] == ["STORAGE_CLASS_MISSING"]
    assert look(claim(), parts=unread) == []


@pytest.mark.parametrize(
    ("default", "codes"), [(False, ["NO_DEFAULT_STORAGE_CLASS"]), (True, ["CLAIM_PENDING"])], ids=["none", "one"]
)
def test_a_claim_without_a_class_needs_a_default(*, default: bool, codes: list[str]) -> None:
    """A class that is not the default is not taken."""
    found = look(claim(storage_class=None), storage_class("slow", default=default))
    assert [finding.code for finding in found] == codes


@pytest.mark.parametrize(
    ("reason", "message", "code"),
    [
        ("ProvisioningFailed", "rpc error: code = ResourceExhausted desc = out of space", "PROVISIONING_FAILED"),
        ("ExternalProvisioning", "Waiting for a volume to be created", "PROVISIONER_SILENT"),
        (
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
            "NO_MATCHING_VOLUME",
        ),
    ],
)
def test_the_event_tells_why(reason: str, message: str, code: str) -> None:
    """Of a class that exists."""
    event = happened(claim().meta, "PersistentVolumeClaim", reason, message)
    assert [finding.code for finding in look(claim(), storage_class(), event)] == [code]


def test_a_claim_that_waits_for_its_first_pod_is_well() -> None:
    """Its volume is made where the pod goes."""
    assert look(claim(), storage_class(waits=True)) == []
    assert look(claim(), storage_class(waits=True), mounts()) == []
    assert [f.code for f in look(claim(), storage_class(waits=True), mounts(node="node-1"))] == ["CLAIM_PENDING"]


@pytest.mark.parametrize("phase", ["Bound", ""])
def test_a_bound_claim_is_well(phase: str) -> None:
    """Whatever its class."""
    assert look(claim(phase=phase, storage_class="gone")) == []


def test_a_new_claim_is_given_a_minute() -> None:
    """Making a volume takes a while."""
    assert look(claim(age_s=20), storage_class()) == []


def test_an_empty_class_asks_for_a_volume_made_by_hand() -> None:
    """No provisioner is to be blamed."""
    [finding] = look(claim(storage_class=""))
    assert (finding.code, finding.severity) == ("NO_MATCHING_VOLUME", Severity.INFO)
    assert "a volume made by hand of at least 1 Gi" in finding.summary


def test_a_lost_volume_is_said_to_be_lost() -> None:
    """Since when is not known."""
    [finding] = look(replace(claim(phase="Lost"), volume="pv-7"), mounts())
    assert (finding.code, finding.since) == ("VOLUME_LOST", None)
    assert "the volume pv-7 is gone" in finding.summary


def test_claims_that_could_not_be_read_are_not_judged() -> None:
    """There are none to judge."""
    assert look(mounts(), parts={Part.CLAIMS: missing("no right")}) == []
