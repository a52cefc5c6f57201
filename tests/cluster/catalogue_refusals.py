"""Pods that may not be made: quotas, limits, missing names, pod security, policies, and a webhook that does not answer.

`quota` and `guarded` are namespaces of their own, so that their rules bind nothing else.
"""

from __future__ import annotations

from typing import Any

from tests.cluster.catalogue import Manifest, Row, deployment, job_spec, refused, thing, told

QUOTA = thing("ResourceQuota", "memory", spec={"hard": {"limits.memory": "64Mi", "count/jobs.batch": "0"}})
LIMITS = thing("LimitRange", "small", spec={"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]})


def limited(memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"memory": memory}}


SAFE: dict[str, Any] = {
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
}


def _row(place: str, name: str, code: str, *said: str, **more: Any) -> Row:
    made = deployment(name, **more)
    return Row(place=place, name=name, makes=(made,), ripe=refused(name), code=code, said=said)


ROWS = (
    _row("quota", "large", "QUOTA_EXCEEDED", "memory", "128Mi", "64Mi", resources=limited("128Mi")),
    _row("quota", "vague", "QUOTA_NEEDS_VALUES", "limits.memory"),
    Row(
        place="quota",
        name="hourly",
        kind="CronJob",
        makes=(thing("CronJob", "hourly", spec={"schedule": "* * * * *", "jobTemplate": {"spec": job_spec("true")}}),),
        ripe=told("hourly", "FailedCreate"),
        code="CRON_JOB_REFUSED",
        severity="warning",
        said=("the quota memory has too little left", "count/jobs.batch", "never been started"),
    ),
    _row("guarded", "huge", "LIMIT_RANGE_VIOLATED", "64Mi", "128Mi", resources=limited("128Mi"), **SAFE),
    _row("guarded", "rootish", "POD_SECURITY_VIOLATED", "restricted", "allowPrivilegeEscalation"),
    _row("guarded", "untitled", "ADMISSION_DENIED", "pods need an owner", **SAFE),
    _row("guarded", "unasked", "WEBHOOK_UNREACHABLE", "asks.example.com", **SAFE),
    _row("guarded", "nameless", "SERVICE_ACCOUNT_MISSING", "ghost", pod={"serviceAccountName": "ghost"}, **SAFE),
    _row("guarded", "urgent", "PRIORITY_CLASS_MISSING", "platinum", pod={"priorityClassName": "platinum"}, **SAFE),
)


def cluster_wide(name: str, namespace: str) -> tuple[Manifest, ...]:
    """Return a policy and a webhook that bind the pods of one namespace which are called so, and nothing else."""
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    return (
        thing(
            "ValidatingAdmissionPolicy",
            name,
            spec={
                "matchConstraints": {
                    "resourceRules": [pods],
                    "namespaceSelector": here,
                    "objectSelector": {"matchLabels": {"app": "untitled"}},
                },
                "validations": [{"expression": "'owner' in object.metadata.labels", "message": "pods need an owner"}],
            },
        ),
        thing(
            "ValidatingAdmissionPolicyBinding",
            name,
            spec={"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here}},
        ),
        thing(
            "ValidatingWebhookConfiguration",
            name,
            webhooks=[
                {
                    "name": "asks.example.com",
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "failurePolicy": "Fail",
                    "timeoutSeconds": 2,
                    "clientConfig": {"service": {"name": "nobody", "namespace": namespace, "path": "/"}},
                    "rules": [{**pods, "scope": "Namespaced"}],
                    "namespaceSelector": here,
                    "objectSelector": {"matchLabels": {"app": "unasked"}},
                }
            ],
        ),
    )
