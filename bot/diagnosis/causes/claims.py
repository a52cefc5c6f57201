"""Volume claims that have no volume, and why; a claim that waits for its first pod is well."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.words import amount
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Claim, Event, Pod, StorageClass
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import first_line

STORAGE_CLASS_MISSING = "STORAGE_CLASS_MISSING"
NO_DEFAULT_STORAGE_CLASS = "NO_DEFAULT_STORAGE_CLASS"
PROVISIONING_FAILED = "PROVISIONING_FAILED"
PROVISIONER_SILENT = "PROVISIONER_SILENT"
NO_MATCHING_VOLUME = "NO_MATCHING_VOLUME"
CLAIM_PENDING = "CLAIM_PENDING"
VOLUME_LOST = "VOLUME_LOST"
# A volume may take this long to be made before that is worth a word.
PATIENCE = timedelta(seconds=60)
# An event of this age may still tell why: controllers repeat them every few minutes at least.
TELLS_FOR = timedelta(minutes=20)
_EVENTS = ("ProvisioningFailed", "FailedBinding", "ExternalProvisioning", "Provisioning", "ClaimLost", "ClaimMisbound")
_CLASS_NOT_FOUND = "storageclass.storage.k8s.io"


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why a claim has no volume."""

    code: str
    title: str
    reason: str


def look(index: Index) -> Iterable[Finding]:
    troubled = [claim for claim in index.snapshot.claims if claim.phase in ("Lost", "Pending")]
    mounted_by = _mounted_by(index, {claim.meta.name for claim in troubled})
    classes = {each.meta.name: each for each in index.snapshot.storage_classes}
    for claim in troubled:
        pods = mounted_by.get(claim.meta.name, ())
        events = index.events(claim.meta.uid, *_EVENTS, within=TELLS_FOR)
        cause = _cause(index, claim, classes, events, pods)
        if cause is not None:
            yield _finding(index, claim, cause, events, pods)


def _mounted_by(index: Index, claims: Collection[str]) -> dict[str, list[Pod]]:
    """Return the unfinished pods that mount each of these claims."""
    by_claim: dict[str, list[Pod]] = {}
    for pod in index.snapshot.pods if claims else ():
        for volume in pod.volumes:
            if volume.source not in claims or volume.kind != "PersistentVolumeClaim" or pod.is_finished:
                continue
            mounting = by_claim.setdefault(volume.source, [])
            if not mounting or mounting[-1] is not pod:  # a pod may mount one twice
                mounting.append(pod)
    return by_claim


def _cause(
    index: Index, claim: Claim, classes: dict[str, StorageClass], events: Sequence[Event], pods: Sequence[Pod]
) -> _Cause | None:
    if claim.phase == "Lost":
        return _Cause(VOLUME_LOST, "its volume is lost", f"the volume {claim.volume or 'it was bound to'} is gone")
    if claim.phase != "Pending" or claim.meta.deleted_at is not None:
        return None
    return _class_cause(index, claim, classes, events) or _provisioning_cause(index, claim, classes, events, pods)


def _class_cause(
    index: Index, claim: Claim, classes: dict[str, StorageClass], events: Sequence[Event]
) -> _Cause | None:
    """Look at the storage class: one that does not exist, or none where there is no default either."""
    name = claim.storage_class
    known = index.snapshot.has(Part.STORAGE_CLASSES)
    not_found = next((e for e in events if _CLASS_NOT_FOUND in e.message and "not found" in e.message), None)
    if name and ((known and name not in classes and not _is_static(events)) or (not known and not_found is not None)):
        others = f"; there is {', '.join(sorted(classes))}" if classes else "; there is none at all" if known else ""
        return _Cause(STORAGE_CLASS_MISSING, "its storage class is missing", f"no storage class {name} exists{others}")
    if name is None and known and not any(each.is_default for each in classes.values()):
        exist = f", though there is {', '.join(sorted(classes))}" if classes else ""
        reason = f"it names no storage class and none is the default{exist}"
        return _Cause(NO_DEFAULT_STORAGE_CLASS, "names no storage class", reason)
    return None


def _is_static(events: Sequence[Event]) -> bool:
    """Tell whether the claim may wait for a volume made by hand: such a class need not exist."""
    return any("no persistent volumes available" in event.message for event in events)


def _provisioning_cause(
    index: Index, claim: Claim, classes: dict[str, StorageClass], events: Sequence[Event], pods: Sequence[Pod]
) -> _Cause | None:
    failed = next((event for event in events if event.reason == "ProvisioningFailed"), None)
    if failed is not None:
        reason = f'the volume cannot be made: "{first_line(failed.message, 240)}"'
        return _Cause(PROVISIONING_FAILED, "its volume cannot be made", reason)
    if claim.meta.created_at is None or index.now - claim.meta.created_at < PATIENCE:
        return None
    if any(event.reason == "ExternalProvisioning" for event in events):
        storage_class = classes.get(claim.storage_class or "")
        who = f"the provisioner {storage_class.provisioner}" if storage_class else "its provisioner"
        reason = f"{who} has been asked for a volume and has not made one"
        return _Cause(PROVISIONER_SILENT, "its provisioner does not answer", reason)
    if claim.storage_class == "" or _is_static(events):
        size = f" of at least {amount(claim.requested)}" if claim.requested else ""
        reason = f"it waits for a volume made by hand{size}, and none fits"
        return _Cause(NO_MATCHING_VOLUME, "no volume fits it", reason)
    if _may_wait_for_a_pod(index, claim, classes, pods):
        return None
    return _Cause(CLAIM_PENDING, "has no volume", "it is Pending and no event says why")


def _may_wait_for_a_pod(index: Index, claim: Claim, classes: dict[str, StorageClass], pods: Sequence[Pod]) -> bool:
    """Tell whether it is no fault of the claim's that there is no volume: none is made before a pod has its node."""
    if not index.snapshot.has(Part.STORAGE_CLASSES) or not index.snapshot.has(Part.PODS):
        return True
    named = classes.get(claim.storage_class or "")
    defaults = [each for each in classes.values() if each.is_default]
    storage_class = named or (defaults[0] if defaults else None)
    if storage_class is None or storage_class.binding_mode != "WaitForFirstConsumer":
        return False
    return not any(pod.node for pod in pods)


def _finding(index: Index, claim: Claim, cause: _Cause, events: Sequence[Event], pods: Sequence[Pod]) -> Finding:
    namespace, name = claim.meta.namespace, claim.meta.name
    size = f" ({amount(claim.requested)})" if claim.requested else ""
    users = sorted({str(index.target_of(pod)) for pod in pods})
    felt = f" {', '.join(users[:4])} {'waits' if len(users) == 1 else 'wait'} for it." if users else ""
    seen = Evidence(EvidenceKind.STATE, f"claim {name} is {claim.phase}", (), claim.meta.created_at)
    told = [Evidence(EvidenceKind.EVENT, event.reason, (event.message,), event.at) for event in events[:2]]
    return Finding(
        code=cause.code,
        severity=_severity(index, pods),
        target=ObjectRef("PersistentVolumeClaim", namespace, name),
        title=cause.title,
        summary=f"The volume claim {name}{size} has no volume: {cause.reason}.{felt}",
        evidence=(seen, *told),
        next=(
            NextStep(StepKind.COMMAND, f"describe claim/{name}", "shows the claim and its events", label="Claim"),
            NextStep(StepKind.MANUAL, *_REMEDIES[cause.code]),
        ),
        pods=tuple(pod.meta.name for pod in pods),
        # A claim that has always been Pending began with it; when a volume was lost is not known.
        since=claim.meta.created_at if claim.phase == "Pending" else None,
    )


def _severity(index: Index, pods: Sequence[Pod]) -> Severity:
    """Judge by who mounts it: nobody, a workload that is left with nothing, or one that still serves."""
    if not pods:
        return Severity.INFO
    workloads = [workload for pod in pods if (workload := index.workload_of(pod)) is not None]
    down = any(workload.desired and not workload.ready for workload in workloads)
    return Severity.CRITICAL if down else Severity.WARNING


_CLASSES = "kubectl get storageclasses"
_REMEDIES = {
    STORAGE_CLASS_MISSING: (_CLASSES, "make the class, or a new claim that names one that exists"),
    NO_DEFAULT_STORAGE_CLASS: (_CLASSES, "name a class in a new claim, or mark one as the default"),
    PROVISIONING_FAILED: (_CLASSES, "see the provisioner's own log for the reason"),
    PROVISIONER_SILENT: ("kubectl get pods --all-namespaces", "see whether the provisioner runs"),
    NO_MATCHING_VOLUME: ("kubectl get persistentvolumes", "make a volume of that size, class and access mode"),
    CLAIM_PENDING: ("kubectl get persistentvolumes", "see whether a volume was made but not bound"),
    VOLUME_LOST: ("kubectl get persistentvolumes", "bring the volume back, or restore its data into a new claim"),
}
_LINES = "330-334"
SURVEY = Survey(
    codes=(
        Code(
            STORAGE_CLASS_MISSING,
            "A volume claim names a storage class that does not exist.",
            "The claim is Pending and no storage class of that name is in the cluster.",
            "Create the class; a claim's class cannot be changed, so else make a new claim.",
            _LINES,
        ),
        Code(
            NO_DEFAULT_STORAGE_CLASS,
            "A volume claim names no storage class, and the cluster has no default one.",
            "The claim is Pending without a class, and no storage class is marked as the default.",
            "Mark a class as the default (a claim without one then gets it), or name one in a new claim.",
            _LINES,
        ),
        Code(
            PROVISIONING_FAILED,
            "The volume for a claim cannot be made.",
            "The claim is Pending with an event ProvisioningFailed in the last minutes.",
            "Read the provisioner's reason: quotas, zones, rights, or parameters of the class.",
            _LINES,
        ),
        Code(
            PROVISIONER_SILENT,
            "A volume was asked for, and the provisioner has not made it.",
            "The claim is Pending for more than a minute with an event ExternalProvisioning.",
            "See whether the provisioner (the CSI driver's controller) runs.",
            _LINES,
        ),
        Code(
            NO_MATCHING_VOLUME,
            "A claim waits for a volume made by hand, and none fits.",
            "The claim is Pending with an empty class, or an event says that no persistent volumes are available.",
            "Create a volume that fits in size, class and access mode, or name a class that makes them.",
            _LINES,
        ),
        Code(
            CLAIM_PENDING,
            "A claim has no volume, and nothing says why.",
            "The claim is Pending for more than a minute, does not wait for its first pod, and has no telling event.",
            "Look at the claim's events and at the provisioner.",
            _LINES,
        ),
        Code(
            VOLUME_LOST,
            "The volume of a claim is gone.",
            "The claim's phase is Lost.",
            "Do not delete the claim before it is known where the data is; restore the volume or a backup.",
            _LINES,
        ),
    ),
    look=look,
)
