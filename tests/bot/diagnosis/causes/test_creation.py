from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.diagnosis.causes.creation import SURVEY
from bot.diagnosis.creation_words import refusal_words
from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.index import Index
from bot.domain.findings import Finding, Severity
from bot.domain.objects import ReplicaSet, Workload
from bot.domain.snapshot import Part, PartStatus
from bot.domain.text import Redacted
from tests.support.builders import (
    condition,
    deployment,
    happened,
    job,
    missing,
    pod,
    ref,
    replica_set,
    snapshot,
    stateful_set,
)

API = deployment(desired=3, ready=2)
QUOTA = 'pods "api-x7z" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'

TWO = (
    'pods "x" is forbidden: exceeded quota: mem, requested: limits.memory=1Gi,pods=1, used:'
    " limits.memory=3Gi,pods=2, limited: limits.memory=3Gi,pods=2"
)
SECURITY = (
    'pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'
    ' (container "main" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true'
    ' (pod or container "main" must set securityContext.runAsNonRoot=true)'
)
BROKEN = (
    'Internal error occurred: failed calling webhook "guard.example.com": failed to call webhook: Post'
    ' "https://guard.svc:443/": dial tcp 10.0.0.1:443: connect: connection refused'
)


def refused(message: str, of: Workload = API, *, revision: int = 1) -> ReplicaSet:
    """Make a revision whose pods are refused with this message."""
    said = condition("ReplicaFailure", "True", "FailedCreate", message, ago_s=300)
    return replace(replica_set(of, revision, desired=3, ready=2), replicas=2, conditions=(said,))


def look(*objects: object, parts: Mapping[Part, PartStatus] | None = None) -> list[Finding]:
    return list(SURVEY.look(Index(snapshot(*objects, parts=parts or {}))))


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (QUOTA, "QUOTA_EXCEEDED", "the quota q has too little left: 1 pods asked, 2 of 2 used."),
        (
            TWO,
            "QUOTA_EXCEEDED",
            "1Gi limits.memory asked, 3Gi of 3Gi used; 1 pods asked, 2 of 2 used.",
        ),
        (
            'pods "x" is forbidden: failed quota: q: must specify limits.memory for: main',
            "QUOTA_NEEDS_VALUES",
            "the quota q demands limits.memory of container main.",
        ),
        (
            'pods "x" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi',
            "LIMIT_RANGE_VIOLATED",
            "does not allow it: maximum memory usage per Container is 64Mi, but limit is 128Mi.",
        ),
        (
            'pods "x" is forbidden: [minimum cpu usage per Container is 100m, but request is 10m]',
            "LIMIT_RANGE_VIOLATED",
            "minimum cpu usage per Container is 100m, but request is 10m.",
        ),
        (
            'pods "x" is forbidden: error looking up service account ns/ghost: serviceaccount "ghost" not found',
            "SERVICE_ACCOUNT_MISSING",
            "the service account ghost does not exist in the namespace.",
        ),
        (
            'pods "x" is forbidden: no PriorityClass with name ghost was found',
            "PRIORITY_CLASS_MISSING",
            "there is no priority class ghost.",
        ),
        (
            SECURITY,
            "POD_SECURITY_VIOLATED",
            "enforces restricted:latest, which it breaks: allowPrivilegeEscalation != false, runAsNonRoot != true.",
        ),
        (
            "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'no-latest' with binding 'b' denied request: tag it",
            "ADMISSION_DENIED",
            "the policy no-latest denies it: tag it.",
        ),
        (
            'admission webhook "guard.example.com" denied the request: image not signed',
            "ADMISSION_DENIED",
            "the webhook guard.example.com denies it: image not signed.",
        ),
        (
            BROKEN,
            "WEBHOOK_UNREACHABLE",
            "connect: connection refused.",
        ),
        ("something new", "PODS_NOT_CREATED", "something new."),
        ("", "PODS_NOT_CREATED", "no reason is given."),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_each_refusal_has_its_code_and_its_facts(message: str, code: str, words: str) -> None:
    """On the ReplicaSet, for no pod exists."""
    [finding] = look(API, refused(message))
    assert (finding.code, finding.target) == (code, ref(API))
    assert finding.summary.startswith("1 of 3 pods cannot be created: ")
    assert finding.summary.endswith(words)
    assert finding.since is not None


@pytest.mark.parametrize(
    "text",
    [
        'pods "api-1" is forbidden: exceeded quota: q',
        'Error creating: pods "api-2" is forbidden: exceeded quota: q',
        '(combined from similar events): Error creating: pods "api-3" is forbidden: exceeded quota: q',
        'create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: exceeded quota: q',
    ],
)
def test_each_retry_says_the_same(text: str) -> None:
    """Only the name of the pod differs."""
    assert refusal_words(Redacted(text)) == "exceeded quota: q"


def test_a_refusal_takes_the_place_of_not_ready() -> None:
    """One trouble, one finding."""
    [finding] = diagnose(snapshot(API, refused(QUOTA))).findings
    assert (finding.code, finding.severity, finding.consequences) == ("QUOTA_EXCEEDED", Severity.CRITICAL, ())
    assert finding.evidence[0].lines == ("exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",)


def test_an_older_revision_that_is_refused_is_as_bad_as_what_it_costs() -> None:
    """The newest release goes on."""
    [finding] = look(replace(API, ready=2), refused(QUOTA, revision=0))
    assert finding.severity is Severity.WARNING


def test_the_deployment_tells_where_its_revisions_cannot_be_read() -> None:
    """It repeats their condition."""
    told = replace(API, conditions=(condition("ReplicaFailure", "True", "FailedCreate", QUOTA),))
    [finding] = look(told, parts={Part.REPLICA_SETS: missing("no right")})
    assert (finding.code, finding.revision) == ("QUOTA_EXCEEDED", None)


def test_what_is_over_is_not_told() -> None:
    """The condition disappears once the pods fit."""
    over = replace(refused(QUOTA), conditions=(condition("ReplicaFailure", "False"),))
    event = happened(over.meta, "ReplicaSet", "FailedCreate", f"Error creating: {QUOTA}")
    assert look(API, over, event) == []


def test_a_replica_set_that_nobody_owns_is_looked_at_too() -> None:
    """It is the target itself."""
    bare = refused(QUOTA)
    bare = replace(bare, meta=replace(bare.meta, owner=None))
    [finding] = look(bare)
    assert (finding.target.kind, finding.target.name) == ("ReplicaSet", bare.meta.name)


DB = stateful_set(desired=2, ready=1)
REFUSED = f"create Pod db-1 in StatefulSet db failed error: {QUOTA}"


def test_a_stateful_set_tells_by_its_events() -> None:
    """It has no condition for this."""
    event = happened(DB.meta, "StatefulSet", "FailedCreate", REFUSED)
    [finding] = look(DB, pod(DB), event)
    assert (finding.code, finding.target, finding.severity) == ("QUOTA_EXCEEDED", ref(DB), Severity.WARNING)
    assert finding.summary.startswith("1 of 2 pods cannot be created: ")


@pytest.mark.parametrize("why", ["all there", "made since", "long ago", "pods unread"])
def test_an_old_refusal_is_not_told(why: str) -> None:
    """Events live on for an hour."""
    event = happened(DB.meta, "StatefulSet", "FailedCreate", REFUSED, ago_s=3000 if why == "long ago" else 60)
    made = happened(DB.meta, "StatefulSet", "SuccessfulCreate", "create Pod db-1 successful", ago_s=30)
    pods = [pod(DB), pod(DB)] if why == "all there" else [pod(DB)]
    later = [made] if why == "made since" else []
    parts = {Part.PODS: missing("no right")} if why == "pods unread" else {}
    assert look(DB, *pods, event, *later, parts=parts) == []


def test_a_job_without_a_pod_tells_by_its_events() -> None:
    """It has not begun."""
    waits = job("backfill")
    waits = replace(waits, active=0)
    event = happened(waits.meta, "Job", "FailedCreate", f"Error creating: {QUOTA}")
    [finding] = look(waits, event)
    assert (finding.code, finding.target.kind) == ("QUOTA_EXCEEDED", "Job")
    assert look(replace(waits, active=1), event) == []
    assert look(replace(waits, conditions=(condition("Complete", "True"),)), event) == []
