"""Containers killed for want of memory. Exit code 137 alone is no proof; the kubelet's reason `OOMKilled` is.

When only a child of the container's first process was killed, the container goes on and nothing is reported; such
kills are not seen here. What runs close to its limit is told before it is killed, by `memory_high`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis import steps
from bot.diagnosis.containers import crash_log, last_end, onset
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.usage import UsedMemory, memory_used
from bot.diagnosis.words import ago, amount, duration
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep
from bot.domain.objects import Container, Node, Pod, Terminated
from bot.domain.targets import ObjectRef
from bot.domain.text import count

OOM_KILLED = "OOM_KILLED"
OOM_NODE = "OOM_NODE"
# An out-of-memory kill stays worth telling this long after the container came back.
REMEMBERED = timedelta(hours=1)
# Killed this soon, it is the start that needs more than the limit; killed this late, it has grown.
SOON, LATE = timedelta(seconds=90), timedelta(hours=1)


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    for container in pod.containers:
        if not was_killed(index, container):
            continue
        yield Symptom(
            code=OOM_KILLED if container.memory_limit else OOM_NODE,
            pod=pod,
            container=container,
            since=onset(index, pod, container),
            log=crash_log(pod, container),
            wants_node_load=not container.memory_limit,
        )


def was_killed(index: Index, container: Container) -> bool:
    """Tell whether a container's last end was a kill for memory that is not yet long ago."""
    end = last_end(container)
    if end is None or end.reason != "OOMKilled":
        return False
    return end.finished_at is None or index.now - end.finished_at <= REMEMBERED


def explain(case: Case) -> Finding:
    container = case.container
    end = last_end(container) if container else None
    if container is None or end is None:
        raise ValueError("an out-of-memory kill is always one of a container that ended")
    restarts = sum(c.restart_count for symptom in case.symptoms if (c := symptom.container))
    summary = (
        f"Container {container.name} was killed at {_bound(container)}{_lived(end)};"
        f" {count(restarts, 'restart')} so far, the last kill {ago(end.finished_at, case.index.now)}."
    )
    summary += _growth(container, end) + _now(case, container) + _pressure(case) + steps.waiting_for(case)
    contrast = f" {case.contrast}" if case.contrast else ""
    label = f"container {container.name}: OOMKilled, exit code {end.exit_code}"
    return Finding(
        code=case.code,
        severity=case.severity,
        target=case.target,
        title="out of memory" if case.code == OOM_KILLED else "out of memory, its node had no more",
        summary=summary + contrast,
        evidence=(
            Evidence(EvidenceKind.STATE, label, at=end.finished_at),
            *case.log_evidence("the log before the kill, its end"),
        ),
        next=_next(case, container, end),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
        because=tuple(ObjectRef("Node", "", node.meta.name) for node in _pressed(case)),
    )


def _bound(container: Container) -> str:
    if container.memory_limit:
        return f"its limit of {amount(container.memory_limit)}"
    return "the memory of its node (it has no limit)"


def _lived(end: Terminated) -> str:
    lived = _life(end)
    return "" if lived is None else f", {duration(lived.total_seconds())} after its start"


def _life(end: Terminated) -> timedelta | None:
    return None if end.started_at is None or end.finished_at is None else end.finished_at - end.started_at


def _growth(container: Container, end: Terminated) -> str:
    """Say what the time that it lived hints at, where that is short or long enough to hint at anything."""
    lived = _life(end)
    if not container.memory_limit or lived is None:
        return ""
    if lived < SOON:
        return " It needs more than the limit soon after each start."
    if lived > LATE:
        return " It was well for so long that memory which grows (a leak, a cache) is likelier than a limit too low."
    return ""


def _now(case: Case, container: Container) -> str:
    """Say what it uses now, or what the workload's other pods use, where that was read."""
    if not container.memory_limit:
        return ""
    own = memory_used(case.index, case.newest.pod, container)
    if own is not None:
        return f" It now uses {_of_limit(own)}."
    others = case.index.pods_of(case.workload) if case.workload else ()
    used = [found for pod in others for each in pod.containers if each.name == container.name
            if (found := memory_used(case.index, pod, each)) is not None]  # fmt: skip
    most = max(used, key=lambda each: each.used, default=None)
    return f" Its other pods use up to {_of_limit(most)}." if most else ""


def _of_limit(used: UsedMemory) -> str:
    return f"{amount(used.used)} of {amount(used.limit)}"


def _pressed(case: Case) -> list[Node]:
    """Return the nodes of the case's pods that say they lack memory."""
    names = dict.fromkeys(symptom.pod.node for symptom in case.symptoms)
    nodes = [node for name in names if (node := case.index.node_by_name.get(name)) is not None]
    return [node for node in nodes if (c := node.condition("MemoryPressure")) is not None and c.status == "True"]


def _pressure(case: Case) -> str:
    nodes = _pressed(case)
    return f" Node {nodes[0].meta.name} says that it lacks memory." if nodes else ""


def _next(case: Case, container: Container, end: Terminated) -> tuple[NextStep, ...]:
    reason = "raises the limit, if the program's need is real; a leak comes back"
    if case.code == OOM_NODE:
        reason = "bounds it, so that it cannot take its node's memory from others"
    found = [steps.set_memory(case.target, case.newest.pod, container, reason), *steps.release(case)]
    if case.workload is not None and case.code == OOM_KILLED and (_life(end) or timedelta()) > LATE:
        found.append(steps.restart(case.target.name, "frees what its other pods have gathered, for a while"))
    return (*found, steps.logs(case, "shows what it did before the kill"))


FAMILY = Family(
    rank=10,
    codes=(
        Code(
            OOM_KILLED,
            "The kernel killed a container because it needed more memory than its limit.",
            "The kubelet says OOMKilled (exit code 137 alone is no proof), at most an hour ago, and the container has a"
            " memory limit. If only a child process was killed, the container goes on and nothing is reported.",
            "Raise the limit if the need is real (a kill soon after each start); look for a leak if it ran for hours.",
            "112-127",
        ),
        Code(
            OOM_NODE,
            "The kernel killed a container without a memory limit because its node ran out of memory.",
            "The kubelet says OOMKilled, at most an hour ago, and the container has no memory limit.",
            "Give it a request and a limit that fit its need; look at what else uses the node's memory.",
            "112-127, 152-154",
        ),
    ),
    observe=observe,
    explain=explain,
)
