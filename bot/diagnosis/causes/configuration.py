"""Containers that cannot be created: a config map, a secret or a key is missing, or a rule forbids the image's user."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.diagnosis import steps
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep
from bot.domain.objects import Pod, Reference, TemplateContainer, Waiting
from bot.domain.text import NO_TEXT, Redacted, first_line, in_short

CONFIGURATION_MISSING = "CONFIGURATION_MISSING"
RUNS_AS_ROOT = "RUNS_AS_ROOT"
CREATION_FAILED = "CREATION_FAILED"
_REASONS = ("CreateContainerConfigError", "CreateContainerError")
# Some messages name their pod: pods that lack the same thing must still make one case.
_POD_NAMED = re.compile(r'\(pod: "[^"]*", ')
_OBJECT = re.compile(r"\b(?P<kind>configmap|secret) \"(?P<name>[^\"]+)\" not found", re.IGNORECASE)
_KEY = re.compile(r"couldn't find key (?P<key>\S+) in (?P<kind>ConfigMap|Secret) [^/\s]+/(?P<name>\S+)")
_KINDS = {"configmap": "ConfigMap", "secret": "Secret"}


@dataclass(frozen=True, slots=True)
class Missing:
    """A config map or secret that does not exist, or (with `key`) lacks that key."""

    kind: str
    name: str
    key: str = ""

    def __str__(self) -> str:
        words = {"ConfigMap": "config map", "Secret": "secret"}[self.kind]
        return f"key {self.key} in {words} {self.name}" if self.key else f"{words} {self.name}"


def missing_in(message: str) -> Missing | None:
    """Return what a message of the kubelet says is missing."""
    match = _KEY.search(message) or _OBJECT.search(message)
    if match is None:
        return None
    named = match.groupdict()
    return Missing(_KINDS[named["kind"].lower()], named["name"], named.get("key") or "")


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    del index  # the state says it all
    since = pod.started_at or pod.meta.created_at
    for container in pod.containers:
        state = container.state
        if isinstance(state, Waiting) and state.reason in _REASONS:
            key = _POD_NAMED.sub("", first_line(state.message))
            yield Symptom(code=_code(state), pod=pod, container=container, key=key, since=since)


def _code(state: Waiting) -> str:
    if "runAsNonRoot" in state.message or "non-root" in state.message:
        return RUNS_AS_ROOT
    if state.reason == "CreateContainerConfigError" or missing_in(state.message):
        return CONFIGURATION_MISSING
    return CREATION_FAILED


def explain(case: Case) -> Finding:
    state = case.container.state if case.container else None
    message, reason = (state.message, state.reason) if isinstance(state, Waiting) else (NO_TEXT, "")
    missing = missing_in(message)
    summary = f"{case.subject} cannot start: {_said(message)}." + _who_names(case, missing) + _since_when(case, missing)
    if case.code == RUNS_AS_ROOT:
        summary += " Its security context forbids root, and the image's user is root or not a number."
    summary += steps.waiting_for(case)
    if case.contrast:
        summary += f" {case.contrast}"
    return Finding(
        code=case.code,
        severity=case.severity,
        target=case.target,
        title=_title(case.code, missing),
        summary=summary,
        evidence=(Evidence(EvidenceKind.STATE, reason, (message,) if message else (), case.since),),
        next=(*steps.release(case), *_next(case, missing)),
        pods=case.pods,
        container=case.container.name if case.container else "",
        revision=case.revision,
        since=case.since,
    )


def _said(message: Redacted) -> str:
    return _POD_NAMED.sub("(", first_line(message, 240)) or "the kubelet gives no reason"


def _title(code: str, missing: Missing | None) -> str:
    if code == RUNS_AS_ROOT:
        return "its image runs as root, which is forbidden"
    if code == CREATION_FAILED:
        return "its container cannot be created"
    return f"waits for {missing}" if missing else "its configuration is incomplete"


def _who_names(case: Case, missing: Missing | None) -> str:
    """Say where the container's specification names what is missing."""
    if missing is None or case.container is None:
        return ""
    naming = [ref for ref in case.container.references if _is_about(ref, missing)]
    if not naming:
        return ""
    variables = sorted(ref.variable for ref in naming if ref.variable)
    if variables:
        return f" Container {case.container.name} takes {in_short(variables, 3)} from it."
    return f" Container {case.container.name} takes all its keys as variables (envFrom)."


def _is_about(reference: Reference, missing: Missing) -> bool:
    same = (reference.kind.lower(), reference.name) == (missing.kind.lower(), missing.name)
    return same and (not missing.key or reference.key in ("", missing.key))


def _since_when(case: Case, missing: Missing | None) -> str:
    """Say which revision was the first to name what is missing, where older ones did not."""
    if missing is None or case.workload is None or case.revision is None:
        return ""
    sets = [each for each in case.index.replica_sets_of(case.workload) if each.revision is not None and each.containers]
    naming = [each.revision or 0 for each in sets if any(_names(c, missing) for c in each.containers)]
    older = [each.revision or 0 for each in sets if naming and (each.revision or 0) < min(naming)]
    return f" Revision {min(naming)} is the first to name it." if naming and older else ""


def _names(container: TemplateContainer, missing: Missing) -> bool:
    return any(_is_about(reference, missing) for reference in container.references)


def _next(case: Case, missing: Missing | None) -> tuple[NextStep, ...]:
    if missing is None:
        return (steps.describe(case, "shows its specification and events"),)
    namespace, kind = case.target.namespace, missing.kind.lower()
    if missing.key:
        command = f"kubectl -n {namespace} describe {kind} {missing.name}"
        return (steps.by_hand(command, "shows which keys it has (no values)"),)
    command = f"kubectl -n {namespace} get {kind}s"
    return (steps.by_hand(command, "shows which names exist; create the missing one or mend the reference"),)


FAMILY = Family(
    rank=20,
    codes=(
        Code(
            CONFIGURATION_MISSING,
            "A config map, a secret or a key that the container names does not exist.",
            "The container waits with CreateContainerConfigError; the kubelet's message names what is missing.",
            "Create it, or mend the reference. The pod goes on by itself once it exists.",
            "86-91",
        ),
        Code(
            RUNS_AS_ROOT,
            "The image's user is root (or not a number), and the security context says runAsNonRoot.",
            "The container waits with CreateContainerConfigError and the message speaks of runAsNonRoot.",
            "Set runAsUser to a user that the image can run as, or build the image with a numeric USER.",
            "383-384",
        ),
        Code(
            CREATION_FAILED,
            "The container runtime cannot create the container.",
            "The container waits with CreateContainerError, and nothing that it names is missing.",
            "Read the kubelet's message: often there is no command, a mount's path is wrong, or the runtime is busy.",
            "48, 81-94",
        ),
    ),
    observe=observe,
    explain=explain,
)
