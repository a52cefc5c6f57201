"""Containers that wait for something their specification names and that is not there: config maps, secrets, mounts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, StepKind
from bot.domain.objects import Pod, Waiting
from bot.domain.text import Redacted, first_line

CONFIGURATION_MISSING = "CONFIGURATION_MISSING"
MOUNT_FAILED = "MOUNT_FAILED"
# A container may take this long to be created before a failed mount is the likely reason.
PATIENCE = timedelta(seconds=20)
# Some messages name their pod: pods that lack the same thing must still make one case.
_POD_NAMED = re.compile(r'\(pod: "[^"]*", ')
_MOUNT_EVENTS = ("FailedMount", "FailedAttachVolume")


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    since = pod.started_at or pod.meta.created_at
    for container in pod.containers:
        state = container.state
        if not isinstance(state, Waiting):
            continue
        if state.reason in ("CreateContainerConfigError", "CreateContainerError"):
            yield Symptom(
                code=CONFIGURATION_MISSING,
                pod=pod,
                container=container,
                key=_POD_NAMED.sub("", first_line(state.message)),
                since=since,
            )
        elif state.reason in ("ContainerCreating", "PodInitializing") and since and index.now - since > PATIENCE:
            events = index.events(pod.meta.uid, *_MOUNT_EVENTS)
            if events:
                yield Symptom(
                    code=MOUNT_FAILED, pod=pod, container=container, key=first_line(events[0].message), since=since
                )
                return


def explain(case: Case) -> Finding:
    newest = case.newest
    target = case.target
    if case.code == MOUNT_FAILED:
        event = case.index.events(newest.pod.meta.uid, *_MOUNT_EVENTS)[0]
        message, title, at = event.message, "waits for a volume", event.at
        evidence = Evidence(EvidenceKind.EVENT, event.reason, (Redacted(first_line(message, 500)),), at)
        summary = f'{case.subject} cannot start, a volume cannot be mounted: "{first_line(message, 240)}".'
    else:
        state = newest.container.state if newest.container else None
        message = state.message if isinstance(state, Waiting) else Redacted("")
        reason = state.reason if isinstance(state, Waiting) else ""
        title = "its configuration is incomplete"
        evidence = Evidence(EvidenceKind.STATE, reason, (message,) if message else (), case.since)
        summary = f"{case.subject} cannot start: {first_line(message, 240) or 'the kubelet gives no reason'}."
    if case.contrast:
        summary += f" {case.contrast}"
    return Finding(
        code=case.code,
        severity=case.severity,
        target=target,
        title=title,
        summary=summary,
        evidence=(evidence,),
        next=(
            NextStep(
                StepKind.MANUAL,
                f"kubectl -n {target.namespace} get configmaps,secrets",
                "shows which names exist; create the missing one or mend the reference",
            ),
        ),
        pods=case.pods,
        container=case.container.name if case.container else "",
        revision=case.revision,
        since=case.since,
    )


FAMILY = Family(
    rank=20,
    codes=(
        Code(CONFIGURATION_MISSING, "A config map, a secret or a key that the container names does not exist."),
        Code(MOUNT_FAILED, "A volume cannot be mounted, so the pod cannot start."),
    ),
    observe=observe,
    explain=explain,
)
