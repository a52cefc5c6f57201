"""Pulls of an image that neither end nor fail: the status says only that the container is being created."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.diagnosis import steps
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.words import duration
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep
from bot.domain.objects import Container, Event, Pod, Waiting
from bot.domain.targets import ObjectRef

IMAGE_PULL_HANGS = "IMAGE_PULL_HANGS"
# A pull that has said nothing for this long hangs, or waits behind one that does: a node pulls one image at a time.
PATIENCE = timedelta(minutes=2)


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    for container in pod.containers:
        began = _pulling_since(index, pod, container)
        if began is not None and index.now - began > PATIENCE:
            yield Symptom(code=IMAGE_PULL_HANGS, pod=pod, container=container, key=container.image, since=began)


def _pulling_since(index: Index, pod: Pod, container: Container) -> datetime | None:
    """Return when a pull began that has neither ended nor failed; None when there is none."""
    state = container.state
    if not isinstance(state, Waiting) or state.reason not in ("ContainerCreating", "PodInitializing"):
        return None
    events = [
        event
        for event in index.events(pod.meta.uid, "Pulling", "Pulled", "Failed", "BackOff", "Created")
        if event.container == container.name
    ]
    return events[0].at if events and events[0].reason == "Pulling" else None


def explain(case: Case) -> Finding:
    pod, container = case.newest.pod, case.container
    image = container.image if container else ""
    now = case.index.now
    lasted = duration((now - case.since).total_seconds()) if case.since else "long"
    summary = f"{case.subject} cannot start: the pull of {image} has neither ended nor failed for {lasted}."
    first = _first_on_node(case.index, pod)
    because: tuple[ObjectRef, ...] = ()
    if first is not None and first[1].meta.uid != pod.meta.uid:
        blocker = case.index.target_of(first[1])
        summary += f" Nodes pull one image at a time unless told otherwise, and that of {blocker.name} began before."
        because = (blocker,) if blocker != case.target else ()
    else:
        summary += " A registry that never answers holds up every other pull of the node."
    event = _pull_event(case.index, pod, container)
    return Finding(
        code=IMAGE_PULL_HANGS,
        severity=case.severity,
        target=case.target,
        title="its image is being pulled for very long",
        summary=summary,
        evidence=(Evidence(EvidenceKind.EVENT, event.reason, (event.message,), event.at),) if event else (),
        next=(
            steps.describe(case, f"shows the pod's events; see from node {pod.node} whether the registry answers"),
            *_end_of(first[1] if first is not None else pod),
        ),
        pods=case.pods,
        container=container.name if container else "",
        revision=case.revision,
        since=case.since,
        because=because,
    )


def _end_of(holding: Pod) -> tuple[NextStep, ...]:
    """Offer to end the pod whose pull holds up the others, if something makes it anew."""
    if holding.meta.owner is None:
        return ()
    return (steps.evict(holding.meta.name, "gives up that pull; the new pod may come to another node"),)


def _pull_event(index: Index, pod: Pod, container: Container | None) -> Event | None:
    name = container.name if container else ""
    return next((event for event in index.events(pod.meta.uid, "Pulling") if event.container == name), None)


def _first_on_node(index: Index, pod: Pod) -> tuple[datetime, Pod] | None:
    """Return the pod of the same node whose unfinished pull began first: the one that the others may wait for."""
    pulls = [
        (began, other)
        for other in index.suspects
        if other.node == pod.node
        for container in other.containers
        if (began := _pulling_since(index, other, container)) is not None
    ]
    return min(pulls, key=lambda pull: (pull[0], pull[1].meta.name), default=None)


FAMILY = Family(
    rank=22,
    codes=(
        Code(
            IMAGE_PULL_HANGS,
            "The pull of a container's image has neither ended nor failed for minutes.",
            "The container is being created and its last event is Pulling, more than two minutes ago. Nodes pull one"
            " image at a time by default, so one registry that never answers holds up all the others.",
            "See from the node whether the registry of the first pull answers; delete the pod that pulls from it.",
            "50, 96-110",
        ),
    ),
    observe=observe,
    explain=explain,
)
