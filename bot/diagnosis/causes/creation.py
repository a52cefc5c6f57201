"""Pods that the API server refuses to create: no pod exists, so only their makers tell, by condition and by event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.diagnosis.causes.creation_codes import (
    ADMISSION_DENIED,
    CODES,
    LIMIT_RANGE_VIOLATED,
    POD_SECURITY_VIOLATED,
    PODS_NOT_CREATED,
    PRIORITY_CLASS_MISSING,
    QUOTA_EXCEEDED,
    QUOTA_NEEDS_VALUES,
    SERVICE_ACCOUNT_MISSING,
    TITLES,
    WEBHOOK_UNREACHABLE,
)
from bot.diagnosis.creation_words import Refusal, Refused, in_words, refusal_of
from bot.diagnosis.family import Survey, effect_on
from bot.diagnosis.index import Index
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Event, Job, ReplicaSet, Workload
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted, count

_CODES = {
    Refused.QUOTA: QUOTA_EXCEEDED,
    Refused.QUOTA_NEEDS_VALUES: QUOTA_NEEDS_VALUES,
    Refused.LIMIT_RANGE: LIMIT_RANGE_VIOLATED,
    Refused.SERVICE_ACCOUNT: SERVICE_ACCOUNT_MISSING,
    Refused.PRIORITY_CLASS: PRIORITY_CLASS_MISSING,
    Refused.POD_SECURITY: POD_SECURITY_VIOLATED,
    Refused.POLICY: ADMISSION_DENIED,
    Refused.WEBHOOK_BROKEN: WEBHOOK_UNREACHABLE,
    Refused.OTHER: PODS_NOT_CREATED,
}
# Controllers retry with growing pauses, up to about 16 minutes; what is silent for longer has been mended or given up.
RETRIED_WITHIN = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A maker of pods that is refused: what it says, since when, and how far it is from what it wants."""

    target: ObjectRef
    message: Redacted
    label: str
    kind: EvidenceKind
    severity: Severity
    lacking: str
    since: datetime | None
    at: datetime | None = None
    revision: int | None = None


def look(index: Index) -> Iterable[Finding]:
    for workload in index.snapshot.workloads:
        failure = _of_deployment(index, workload) if workload.kind == "Deployment" else _of_other(index, workload)
        if failure is not None:
            yield _finding(failure)
    for job in index.snapshot.jobs:
        failure = _of_job(index, job)
        if failure is not None:
            yield _finding(failure)
    yield from _bare_replica_sets(index)


# --- who is refused ---------------------------------------------------------------------------------------------------


def _of_deployment(index: Index, deployment: Workload) -> _Failure | None:
    """Look at the revisions, the newest first; where they cannot be read, the Deployment repeats their condition."""
    sets = index.replica_sets_of(deployment)
    refused = [replica_set for replica_set in sets if replica_set.conditions]
    for replica_set in sorted(refused, key=lambda each: each.revision or 0, reverse=True):
        failure = _of_replica_set(index, replica_set, index.ref(deployment), _severity(deployment, replica_set))
        if failure is not None:
            return failure
    condition = deployment.condition("ReplicaFailure")
    if sets or condition is None or condition.status != "True":
        return None
    return _Failure(
        target=index.ref(deployment),
        message=condition.message,
        label=f"ReplicaFailure: {condition.reason}",
        kind=EvidenceKind.STATE,
        severity=_severity(deployment, None),
        lacking=_missing_of(deployment),
        since=condition.changed_at,
    )


def _of_replica_set(index: Index, replica_set: ReplicaSet, target: ObjectRef, severity: Severity) -> _Failure | None:
    condition = next((c for c in replica_set.conditions if c.type == "ReplicaFailure" and c.status == "True"), None)
    if condition is None or condition.reason == "FailedDelete":
        return None
    events = index.events(replica_set.meta.uid, "FailedCreate")
    return _Failure(
        target=target,
        message=condition.message or (events[0].message if events else Redacted("")),
        label=f"ReplicaFailure of {replica_set.meta.name}: {condition.reason}",
        kind=EvidenceKind.STATE,
        severity=severity,
        lacking=f"{max(replica_set.desired - replica_set.replicas, 0)} of {count(replica_set.desired, 'pod')}",
        since=condition.changed_at or _first_at(events),
        at=events[0].at if events else None,
        revision=replica_set.revision,
    )


def _bare_replica_sets(index: Index) -> Iterable[Finding]:
    for replica_set in index.snapshot.replica_sets:
        if replica_set.meta.owner is None:
            target = ObjectRef("ReplicaSet", replica_set.meta.namespace, replica_set.meta.name)
            severity = Severity.WARNING if replica_set.ready else Severity.CRITICAL
            failure = _of_replica_set(index, replica_set, target, severity)
            if failure is not None:
                yield _finding(failure)


def _of_other(index: Index, workload: Workload) -> _Failure | None:
    """Judge a StatefulSet or DaemonSet by its events: it has no condition for this."""
    if not index.snapshot.has(Part.PODS):
        return None
    there = [pod for pod in index.pods_of(workload) if pod.meta.deleted_at is None and not pod.is_finished]
    event = _refused_now(index, workload.meta.uid)
    if event is None or len(there) >= workload.desired:
        return None
    lacking = f"{workload.desired - len(there)} of {count(workload.desired, 'pod')}"
    return _from_event(index, event, index.ref(workload), effect_on(workload), lacking)


def _of_job(index: Index, job: Job) -> _Failure | None:
    over = any(c.type in ("Complete", "Failed", "Suspended") and c.status == "True" for c in job.conditions)
    event = None if over or job.active or job.suspended else _refused_now(index, job.meta.uid)
    if event is None:
        return None
    target = ObjectRef("Job", job.meta.namespace, job.meta.name)
    return _from_event(index, event, target, Severity.WARNING, count(job.parallelism, "pod"))


def _from_event(index: Index, event: Event, target: ObjectRef, severity: Severity, lacking: str) -> _Failure:
    return _Failure(
        target=target,
        message=event.message,
        label="FailedCreate",
        kind=EvidenceKind.EVENT,
        severity=severity,
        lacking=lacking,
        since=_first_at(index.events(event.about_uid, "FailedCreate")),
        at=event.at,
    )


def _refused_now(index: Index, uid: str) -> Event | None:
    """Return the newest refusal, unless a pod was created after it or it is too old to tell."""
    refused = index.events(uid, "FailedCreate", within=RETRIED_WITHIN)
    created = index.events(uid, "SuccessfulCreate")
    if not refused or refused[0].at is None:
        return None
    if created and created[0].at is not None and created[0].at > refused[0].at:
        return None
    return refused[0]


def _first_at(events: Sequence[Event]) -> datetime | None:
    return min((event.first_at for event in events if event.first_at is not None), default=None)


def _severity(deployment: Workload, replica_set: ReplicaSet | None) -> Severity:
    """Judge by the effect: a newest release that cannot get its pods goes no further."""
    newest = replica_set is not None and replica_set.revision == deployment.revision and deployment.revision is not None
    return Severity.CRITICAL if newest and deployment.desired else effect_on(deployment)


def _missing_of(workload: Workload) -> str:
    return f"{max(workload.desired - workload.ready, 0)} of {count(workload.desired, 'pod')}"


# --- what is said -----------------------------------------------------------------------------------------------------


def _finding(failure: _Failure) -> Finding:
    refusal = refusal_of(failure.message)
    code = _CODES[refusal.kind]
    lines = (Redacted(refusal.words[:600]),) if refusal.words else ()
    return Finding(
        code=code,
        severity=failure.severity,
        target=failure.target,
        title=TITLES[code],
        summary=f"{failure.lacking} cannot be created: {in_words(refusal)}",
        evidence=(Evidence(failure.kind, failure.label, lines, failure.at),),
        next=_next(refusal, failure.target),
        revision=failure.revision,
        since=failure.since,
    )


def _next(refusal: Refusal, target: ObjectRef) -> tuple[NextStep, ...]:
    describe = NextStep(StepKind.COMMAND, f"describe {target.name}", "shows its conditions and events", "Describe")
    namespaced = f"kubectl -n {target.namespace}"
    steps = {
        Refused.QUOTA: (f"{namespaced} describe resourcequota {refusal.name}", "raise the quota or free some of it"),
        Refused.QUOTA_NEEDS_VALUES: (
            f"{namespaced} describe resourcequota {refusal.name}",
            "set what it demands in the pod template, or give defaults by a LimitRange",
        ),
        Refused.LIMIT_RANGE: (f"{namespaced} describe limitrange", "correct the template or the range"),
        Refused.SERVICE_ACCOUNT: (
            f"{namespaced} get serviceaccounts",
            "create the account, or correct its name in the pod template",
        ),
        Refused.PRIORITY_CLASS: ("kubectl get priorityclasses", "create the class, or correct its name"),
        Refused.POD_SECURITY: (
            f"kubectl get namespace {target.namespace} --show-labels",
            "set the named fields in the pod template's securityContext",
        ),
        Refused.POLICY: (
            f"kubectl describe validatingadmissionpolicy {refusal.name.removeprefix('policy ')}"
            if refusal.name.startswith("policy ")
            else "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
            "see what it demands, then correct the pod template",
        ),
        Refused.WEBHOOK_BROKEN: (
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
            "find the service behind it and mend that first",
        ),
    }
    by_hand = steps.get(refusal.kind)
    return (NextStep(StepKind.MANUAL, *by_hand), describe) if by_hand else (describe,)


SURVEY = Survey(codes=CODES, look=look)
