"""The codes of pods that are refused when they are to be created: how each is known, and what to do."""

from __future__ import annotations

from bot.diagnosis.family import Code

QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
QUOTA_NEEDS_VALUES = "QUOTA_NEEDS_VALUES"
LIMIT_RANGE_VIOLATED = "LIMIT_RANGE_VIOLATED"
SERVICE_ACCOUNT_MISSING = "SERVICE_ACCOUNT_MISSING"
PRIORITY_CLASS_MISSING = "PRIORITY_CLASS_MISSING"
POD_SECURITY_VIOLATED = "POD_SECURITY_VIOLATED"
ADMISSION_DENIED = "ADMISSION_DENIED"
WEBHOOK_UNREACHABLE = "WEBHOOK_UNREACHABLE"
PODS_NOT_CREATED = "PODS_NOT_CREATED"

TITLES = {
    QUOTA_EXCEEDED: "a quota allows no more pods of it",
    QUOTA_NEEDS_VALUES: "a quota wants requests or limits that it does not set",
    LIMIT_RANGE_VIOLATED: "its requests or limits are out of the allowed range",
    SERVICE_ACCOUNT_MISSING: "its service account does not exist",
    PRIORITY_CLASS_MISSING: "its priority class does not exist",
    POD_SECURITY_VIOLATED: "it breaks the namespace's pod security",
    ADMISSION_DENIED: "a policy of the cluster refuses its pods",
    WEBHOOK_UNREACHABLE: "an admission webhook does not answer",
    PODS_NOT_CREATED: "its pods cannot be created",
}
_SEEN = "The ReplicaSet's condition ReplicaFailure, or an event FailedCreate of the StatefulSet, DaemonSet or Job:"
CODES = (
    Code(
        QUOTA_EXCEEDED,
        "Pods cannot be created because a resource quota of the namespace is used up.",
        f"{_SEEN} `exceeded quota`.",
        "Scale something down, lower requests, or raise the quota.",
        "50",
    ),
    Code(
        QUOTA_NEEDS_VALUES,
        "Pods cannot be created because a quota demands requests or limits that the pod template does not set.",
        f"{_SEEN} `failed quota: … must specify`.",
        "Set them in the template, or give the namespace defaults by a LimitRange.",
        "50",
    ),
    Code(
        LIMIT_RANGE_VIOLATED,
        "Pods cannot be created because requests or limits are outside of what a LimitRange allows.",
        f"{_SEEN} `maximum … usage per Container is`, `minimum …`, or a ratio.",
        "Correct the request or limit, or the LimitRange.",
        "50, 121-127",
    ),
    Code(
        SERVICE_ACCOUNT_MISSING,
        "Pods cannot be created because their service account does not exist.",
        f"{_SEEN} `error looking up service account`.",
        "Create the service account, or correct its name.",
        "50, 106",
    ),
    Code(
        PRIORITY_CLASS_MISSING,
        "Pods cannot be created because their priority class does not exist.",
        f"{_SEEN} `no PriorityClass with name`.",
        "Create the class, or correct its name.",
        "50",
    ),
    Code(
        POD_SECURITY_VIOLATED,
        "Pods cannot be created because they break the pod security standard that the namespace enforces.",
        f"{_SEEN} `violates PodSecurity`.",
        "Set the named fields of the security context; a namespace's level is lowered only on purpose.",
        "50",
    ),
    Code(
        ADMISSION_DENIED,
        "Pods cannot be created because an admission policy or webhook denies them.",
        f"{_SEEN} `ValidatingAdmissionPolicy … denied request` or `admission webhook … denied the request`.",
        "Do what the policy demands, or ask its owner.",
        "50",
    ),
    Code(
        WEBHOOK_UNREACHABLE,
        "Pods cannot be created because a webhook that must be asked does not answer.",
        f"{_SEEN} `failed calling webhook`.",
        "Mend the service behind the webhook; it stops every pod it is asked about.",
        "50",
    ),
    Code(
        PODS_NOT_CREATED,
        "Pods cannot be created, for a reason that has no code of its own.",
        f"{_SEEN} anything else.",
        "Read the reason and the events of the object that makes the pods.",
        "50",
    ),
)
