"""Containers that run close to their memory limit: the kernel kills them when they reach it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bot.diagnosis import steps
from bot.diagnosis.causes.memory import was_killed
from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.usage import UsedMemory, percent, samples
from bot.diagnosis.words import amount
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.snapshot import Part
from bot.domain.targets import WORKLOAD_KINDS, ObjectRef
from bot.domain.text import count

MEMORY_HIGH = "MEMORY_HIGH"
# From this share of its limit on, a container is close to being killed.
HIGH = 0.9


def look(index: Index) -> Iterable[Finding]:
    if not index.snapshot.has(Part.POD_METRICS):
        return
    found: dict[tuple[ObjectRef, str], list[UsedMemory]] = defaultdict(list)
    for pod, container, sample in samples(index):
        if container.memory_limit and sample.memory >= HIGH * container.memory_limit:
            used = UsedMemory(pod, container, sample.memory, container.memory_limit)
            found[index.target_of(pod), container.name].append(used)
    # What is killed for memory already has a finding that says more.
    killed = _killed(index) if found else frozenset()
    yield from (_finding(index, place[0], used) for place, used in found.items() if place not in killed)


def _killed(index: Index) -> frozenset[tuple[ObjectRef, str]]:
    return frozenset(
        (index.target_of(pod), container.name)
        for pod in index.snapshot.pods
        if pod.meta.deleted_at is None and not pod.is_finished
        for container in pod.containers
        if was_killed(index, container)
    )


def _finding(index: Index, target: ObjectRef, used: Sequence[UsedMemory]) -> Finding:
    most = max(used, key=lambda each: each.share)
    pods = sorted(each.pod.meta.name for each in used)
    of_all = len([pod for pod in index.snapshot.pods if index.target_of(pod) == target and not pod.is_finished])
    who = f"{len(pods)} of {count(of_all, 'pod')}" if of_all > 1 else "Its pod"
    verb = "use" if len(pods) > 1 else "uses"
    name = most.container.name
    at_most = "at most " if len(pods) > 1 else ""
    labels = [f"{each.pod.meta.name}: {amount(each.used)} of {amount(each.limit)}" for each in used[:5]]
    sample = index.usage_by_pod[most.pod.meta.name]
    return Finding(
        code=MEMORY_HIGH,
        severity=Severity.WARNING,
        target=target,
        title="close to its memory limit",
        summary=(
            f"{who} {verb} {percent(HIGH)} or more of the memory limit in container {name}:"
            f" {at_most}{amount(most.used)} of {amount(most.limit)} ({percent(most.share)})."
            " At the limit the kernel kills it."
        ),
        evidence=tuple(Evidence(EvidenceKind.STATE, label, at=sample.at) for label in labels),
        next=(
            NextStep(StepKind.COMMAND, "top pods", "shows what all pods use", "Top pods"),
            *_remedies(target, most),
        ),
        pods=tuple(pods),
        container=name,
    )


def _remedies(target: ObjectRef, most: UsedMemory) -> Iterable[NextStep]:
    reason = "raises the limit, if the need is real; memory that only grows is a leak"
    yield steps.set_memory(target, most.pod, most.container, reason)
    if target.kind in WORKLOAD_KINDS:
        yield steps.restart(target.name, "frees it for a while, before the kernel kills it")


SURVEY = Survey(
    codes=(
        Code(
            MEMORY_HIGH,
            "A container uses almost all the memory that its limit allows; at the limit it is killed.",
            "The metrics API reports a working set of 90 % of the container's memory limit or more.",
            "Raise the limit if the need is real; if it only ever grows, look for a leak, restart pod by pod.",
            "152-154, 576",
        ),
    ),
    look=look,
)
