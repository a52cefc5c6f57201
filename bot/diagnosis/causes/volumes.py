"""Pods that wait for a volume to be attached or mounted, or for their network, before any container is made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis import steps
from bot.diagnosis.causes.configuration import missing_in
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep
from bot.domain.objects import Event, Pod, Volume, Waiting
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted, first_line

MOUNT_FAILED = "MOUNT_FAILED"
ATTACH_FAILED = "ATTACH_FAILED"
SANDBOX_FAILED = "SANDBOX_FAILED"
# A container may take this long to be created before a failed mount is the likely reason.
PATIENCE = timedelta(seconds=20)
# The network is made again and again without a change of state; an older event may be of a trouble that is over.
SANDBOX_REMEMBERED = timedelta(minutes=10)
_CODES = {
    "FailedMount": MOUNT_FAILED,
    "FailedAttachVolume": ATTACH_FAILED,
    "FailedCreatePodSandBox": SANDBOX_FAILED,
}
_TITLES = {
    MOUNT_FAILED: "waits for a volume",
    ATTACH_FAILED: "its volume cannot be attached to the node",
    SANDBOX_FAILED: "its network cannot be set up",
}
_VOLUME = re.compile(r'volume "([^"]+)"')
_UNMOUNTED = re.compile(r"unmounted volumes=\[([^\]]+)\]")
_KINDS = {"ConfigMap": "config map", "Secret": "secret", "PersistentVolumeClaim": "claim"}
# Names of pods and sandboxes differ for each pod of one case.
_ITS_OWN = re.compile(r'"[0-9a-f]{32,}"|(?<![\w.-])[a-z0-9.-]{1,253}_[a-z0-9-]{1,63}\([0-9a-f-]{36}\)')


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    since = pod.started_at or pod.meta.created_at
    for container in pod.containers:
        state = container.state
        creating = isinstance(state, Waiting) and state.reason in ("ContainerCreating", "PodInitializing")
        if not creating or since is None or index.now - since <= PATIENCE:
            continue
        event = _event(index, pod)
        if event is not None:
            key = _ITS_OWN.sub("", first_line(event.message))
            yield Symptom(code=_CODES[event.reason], pod=pod, container=container, key=key, since=since)
            return


def _event(index: Index, pod: Pod) -> Event | None:
    """Return the event that says most: the attachment comes before the mount, and a timeout says only that it waits."""
    events = [
        *index.events(pod.meta.uid, "FailedAttachVolume", "FailedMount"),
        *index.events(pod.meta.uid, "FailedCreatePodSandBox", within=SANDBOX_REMEMBERED),
    ]
    telling = [event for event in events if "timed out waiting for the condition" not in event.message]
    return next(iter(telling or events), None)


def explain(case: Case) -> Finding:
    event = _event(case.index, case.newest.pod)
    message = event.message if event else Redacted("")
    volume = _volume(case.newest.pod, message)
    claim = volume.source if volume is not None and volume.kind == "PersistentVolumeClaim" else ""
    summary = f'{case.subject} cannot start, {_what(case.code, volume)}: "{first_line(message, 240)}".'
    if "Multi-Attach" in message:
        summary += " Another node still holds it; a pod there must end before this one can have it."
    if case.contrast:
        summary += f" {case.contrast}"
    evidence = (
        (Evidence(EvidenceKind.EVENT, event.reason, (Redacted(first_line(message, 500)),), event.at),) if event else ()
    )
    return Finding(
        code=case.code,
        severity=case.severity,
        target=case.target,
        title=_title(case.code, message),
        summary=summary,
        evidence=evidence,
        next=(*steps.release(case), _next(case, message, claim)),
        pods=case.pods,
        container=case.container.name if case.container else "",
        revision=case.revision,
        since=case.since,
        because=(ObjectRef("PersistentVolumeClaim", case.target.namespace, claim),) if claim else (),
    )


def _title(code: str, message: str) -> str:
    missing = missing_in(message)
    return f"waits for a volume: {missing} is missing" if missing and code == MOUNT_FAILED else _TITLES[code]


def _volume(pod: Pod, message: str) -> Volume | None:
    """Return the volume of the pod's specification that a message names, by its own name or by that of its source."""
    named = set(_VOLUME.findall(message))
    for listed in _UNMOUNTED.findall(message):
        named.update(listed.replace(",", " ").split())
    return next((volume for volume in pod.volumes if volume.name in named or volume.source in named), None)


def _what(code: str, volume: Volume | None) -> str:
    if code == SANDBOX_FAILED:
        return "its network cannot be set up"
    verb = "attached" if code == ATTACH_FAILED else "mounted"
    if volume is None:
        return f"a volume cannot be {verb}"
    kind = _KINDS.get(volume.kind, volume.kind)
    source = f" ({kind} {volume.source})" if volume.source else ""
    return f"volume {volume.name}{source} cannot be {verb}"


def _next(case: Case, message: str, claim: str) -> NextStep:
    missing = missing_in(message)
    namespace = case.target.namespace
    if missing is not None:
        command = f"kubectl -n {namespace} get {missing.kind.lower()}s"
        return steps.by_hand(command, "shows which names exist; create the missing one or mend the reference")
    if claim:
        return steps.by_hand(f"kubectl -n {namespace} describe pvc {claim}", "shows the claim and who uses it")
    return steps.describe(case, "shows its volumes and events")


FAMILY = Family(
    rank=20,
    codes=(
        Code(
            MOUNT_FAILED,
            "A volume cannot be mounted, so the pod cannot start.",
            "The pod's containers have been waiting to be created for more than 20 seconds, and an event FailedMount"
            " says why; it names a config map or secret that is missing, if that is the reason.",
            "Create what is missing or mend the reference; for a claim look at the claim and its driver.",
            "50, 331-337",
        ),
        Code(
            ATTACH_FAILED,
            "A volume cannot be attached to the pod's node.",
            "An event FailedAttachVolume names the volume; Multi-Attach means that another node still holds it.",
            "End the pod that holds the volume on the other node, or wait until its node is known to be dead.",
            "50, 331-337",
        ),
        Code(
            SANDBOX_FAILED,
            "The pod's network cannot be set up on its node.",
            "An event FailedCreatePodSandBox, less than 10 minutes old, while the containers wait to be created.",
            "Look at the network plugin's pods on that node; the message says what failed.",
            "50, 345-371",
        ),
    ),
    observe=observe,
    explain=explain,
)
