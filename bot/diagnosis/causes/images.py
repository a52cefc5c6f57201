"""Images that cannot be pulled, and which kind of "cannot"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.diagnosis import steps
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep
from bot.domain.objects import Pod, Waiting
from bot.domain.text import Redacted, first_line

IMAGE_PULL_FAILED = "IMAGE_PULL_FAILED"
_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
# In this order: the first that fits names the class. Texts as containerd writes them. A status needs its words: a bare
# number may be part of the image's name, which stands in every message.
_CLASSES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("platform", re.compile(r"no match for platform"), "the image does not exist for this node's platform"),
    (
        "rate limit",
        re.compile(r"(?i)too ?many ?requests|rate limit"),
        "the registry refuses more pulls for now (rate limit)",
    ),
    (
        "unauthorized",
        re.compile(r"(?i)unauthorized|forbidden|failed to authorize|denied"),
        "the registry refuses our credentials",
    ),
    ("name resolution", re.compile(r"no such host|server misbehaving"), "the registry's name cannot be resolved"),
    (
        "tls",
        re.compile(r"x509|tls:|HTTP response to HTTPS"),
        "the registry's certificate or protocol does not fit (TLS)",
    ),
    (
        "unreachable",
        re.compile(
            r"connection refused|i/o timeout|handshake timeout|deadline exceeded|no route to host|reset by peer"
        ),
        "the registry cannot be reached",
    ),
    ("not found", re.compile(r"not found|manifest unknown|NotFound"), "this tag or repository does not exist"),
    ("registry fault", re.compile(r"\b50[0234] [A-Z]"), "the registry has a fault of its own"),
)
_ADVICE = {
    "not found": "the tag may be mistyped or not yet pushed",
    "unauthorized": "check the image pull secret of the pod's service account; pods take it over when they are made",
    "rate limit": "wait, or pull through a mirror or with an account",
    "name resolution": "the registry's name may be mistyped, or the node's name resolution is broken",
    "tls": "the node must trust the registry's certificate, or be told that it speaks plain HTTP",
    "unreachable": "check from the node whether the registry answers: network, firewall, proxy",
    "registry fault": "ask those who run the registry; the kubelet tries again by itself",
    "platform": "build the image for the node's platform",
    "invalid name": "mend the image's name in the workload",
    "never pull": "load the image onto the node, or change imagePullPolicy",
}


def classify(reason: str, message: str) -> tuple[str, str]:
    """Return the class of a pull failure and what it means in words."""
    if reason == "InvalidImageName":
        return "invalid name", "the image's name is not valid"
    if reason == "ErrImageNeverPull":
        return "never pull", "the image is not on the node and the policy forbids pulling it"
    for name, pattern, meaning in _CLASSES:
        if pattern.search(message):
            return name, meaning
    return "unknown", "the pull fails"


def observe(_index: Index, pod: Pod) -> Iterable[Symptom]:
    for container in pod.containers:
        state = container.state
        if isinstance(state, Waiting) and state.reason in _REASONS:
            since = pod.started_at or pod.meta.created_at
            yield Symptom(code=IMAGE_PULL_FAILED, pod=pod, container=container, key=container.image, since=since)


def _message(case: Case) -> tuple[str, Redacted | None]:
    """Return the reason and the fullest message: the state's, else that of the last event that tells why."""
    symptom = case.newest
    state = symptom.container.state if symptom.container else None
    reason = state.reason if isinstance(state, Waiting) else ""
    message = state.message if isinstance(state, Waiting) else None
    if message and classify(reason, message)[0] != "unknown":
        return reason, message
    for event in case.index.events(symptom.pod.meta.uid, "Failed", "InspectFailed"):
        if classify(reason, event.message)[0] != "unknown":
            return reason, event.message
    return reason, message


def explain(case: Case) -> Finding:
    reason, message = _message(case)
    kind, meaning = classify(reason, message or "")
    image = case.container.image if case.container else ""
    evidence = Evidence(
        EvidenceKind.STATE, reason, (Redacted(first_line(message, 500)),) if message else (), case.since
    )
    return Finding(
        code=IMAGE_PULL_FAILED,
        severity=case.severity,
        target=case.target,
        title=f"image cannot be pulled ({kind})",
        summary=f"{case.subject} cannot start: {meaning}: {image}.{_platform(case, kind)}{_known_good(case)}",
        evidence=(evidence,),
        next=(*steps.release(case), _advice(case, kind)),
        pods=case.pods,
        container=case.container.name if case.container else "",
        revision=case.revision,
        since=case.since,
    )


def _advice(case: Case, kind: str) -> NextStep:
    pod, account = case.newest.pod.meta, case.newest.pod.service_account or "default"
    if kind == "unauthorized":
        return steps.by_hand(f"kubectl -n {pod.namespace} get serviceaccount {account} -o yaml", _ADVICE[kind])
    return steps.describe(case, _ADVICE.get(kind, "shows the kubelet's whole message"))


def _platform(case: Case, kind: str) -> str:
    node = case.index.node_by_name.get(case.newest.pod.node)
    if kind != "platform" or node is None or not node.architecture:
        return ""
    return f" Node {node.meta.name} is {node.architecture}."


def _known_good(case: Case) -> str:
    """Name the nearest image that works: that of the revision with ready pods, else of the one before."""
    if case.contrast:
        return f" {case.contrast}"
    if case.workload is None or case.revision is None or case.container is None:
        return ""
    older = [
        (replica_set.revision, container.image)
        for replica_set in case.index.replica_sets_of(case.workload)
        for container in replica_set.containers
        if replica_set.revision is not None
        and replica_set.revision < case.revision
        and container.name == case.container.name
        and container.image != case.container.image
    ]
    if not older:
        return ""
    revision, image = max(older)
    return f" Revision {revision}, which runs no pods now, has {image}."


FAMILY = Family(
    rank=20,
    codes=(
        Code(
            IMAGE_PULL_FAILED,
            "A container's image cannot be pulled; the title says which kind of failure.",
            "The container waits with ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName or the like;"
            " the class is read from the kubelet's message: not found, unauthorized, rate limit, name resolution, tls,"
            " unreachable, registry fault, platform, invalid name, never pull.",
            "Not found: mend the tag or push the image. Unauthorized: check the image pull secret of the pod's service"
            " account. Others: look at the registry, from the node's side of the network.",
            "49, 96-110",
        ),
    ),
    observe=observe,
    explain=explain,
)
