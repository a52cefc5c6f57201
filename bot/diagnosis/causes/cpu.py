"""Containers short of CPU: at their limit (then the kernel throttles them), far above their request, or one pod alone.

Only where the metrics API was read. A sample is a short window, so these are warnings and never a cause by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

from bot.diagnosis import steps
from bot.diagnosis.family import Code, Survey
from bot.diagnosis.index import Index
from bot.diagnosis.usage import UsedCpu, percent, samples
from bot.diagnosis.words import cpu
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, Severity, StepKind
from bot.domain.objects import Pod
from bot.domain.snapshot import Part
from bot.domain.targets import ObjectRef
from bot.domain.text import count

CPU_AT_LIMIT = "CPU_AT_LIMIT"
CPU_ABOVE_REQUEST = "CPU_ABOVE_REQUEST"
CPU_SKEWED = "CPU_SKEWED"
# From this share of its limit on, a container is likely throttled: the kernel counts in slices of 100 ms.
AT_LIMIT = 0.9
# Using this many times its request, a container lives on CPU that its node promised to nobody. That is no harm as long
# as the node has CPU to spare: less than this share of it in use.
ABOVE_REQUEST = 2.0
BUSY_NODE = 0.8
# A pod that uses this many times what the others use does not share their load.
SKEW = 3.0
# Less than this is not worth a word, whatever the request was.
LEAST_M = 50
# What is used is rounded up to a multiple of this before it is asked for.
STEP_M = 50


def look(index: Index) -> Iterable[Finding]:
    if not index.snapshot.has(Part.POD_METRICS):
        return
    hot = {
        (index.target_of(pod), container.name)
        for pod, container, sample in samples(index)
        if sample.cpu_m >= LEAST_M and _is_hot(index, UsedCpu(pod, container, sample.cpu_m))
    }
    if not hot:
        return
    found: dict[tuple[ObjectRef, str], list[UsedCpu]] = defaultdict(list)
    for pod, container, sample in samples(index):
        place = (index.target_of(pod), container.name)
        if place in hot:
            found[place].append(UsedCpu(pod, container, sample.cpu_m))
    for (target, _), used in found.items():
        finding = _judge(index, target, used)
        if finding is not None:
            yield finding


def _judge(index: Index, target: ObjectRef, used: Sequence[UsedCpu]) -> Finding | None:
    hot = [each for each in used if _is_hot(index, each)]
    if not hot:
        return None
    if len(hot) == 1 and len(used) > 1:
        others = median(each.used_m for each in used if each is not hot[0])
        if hot[0].used_m >= SKEW * max(others, 1):
            return _skewed(index, target, hot[0], round(others), len(used) - 1)
    limited = [each for each in hot if _at_limit(each)]
    if limited:
        return _at_its_limit(index, target, limited, len(used))
    return _above_request(index, target, hot) if len(hot) == len(used) else None


def _is_hot(index: Index, used: UsedCpu) -> bool:
    return used.used_m >= LEAST_M and (_at_limit(used) or _is_above_request(index, used))


def _at_limit(used: UsedCpu) -> bool:
    return used.of_limit is not None and used.of_limit >= AT_LIMIT


def _is_above_request(index: Index, used: UsedCpu) -> bool:
    if used.container.cpu_limit_m is not None or used.of_request is None or used.of_request < ABOVE_REQUEST:
        return False
    return (_load_of_node(index, used.pod) or 0) >= BUSY_NODE


def _load_of_node(index: Index, pod: Pod) -> float | None:
    """Return the share of its node's CPU that is in use; None where that was not read."""
    node = index.node_by_name.get(pod.node)
    sample = index.node_usage_by_name.get(pod.node)
    if node is None or sample is None or not node.cpu_allocatable_m:
        return None
    return sample.cpu_m / node.cpu_allocatable_m


def _at_its_limit(index: Index, target: ObjectRef, used: Sequence[UsedCpu], of_all: int) -> Finding:
    most = max(used, key=lambda each: each.of_limit or 0)
    limit = cpu(most.container.cpu_limit_m or 0)
    share = percent(most.of_limit or 0)
    who = f"{len(used)} of {count(of_all, 'pod')}" if of_all > 1 else "Its pod"
    verb = "use" if len(used) > 1 else "uses"
    summary = (
        f"{who} {verb} almost all of the CPU limit of container {most.container.name}: {cpu(most.used_m)} of {limit}"
        f" ({share}). It is likely throttled, which makes it slow."
    )
    return _finding(index, CPU_AT_LIMIT, target, used, "at its CPU limit", summary, _raise(target, most))


def _above_request(index: Index, target: ObjectRef, used: Sequence[UsedCpu]) -> Finding:
    most = max(used, key=lambda each: each.of_request or 0)
    asked = cpu(most.container.cpu_request_m or 0)
    load = percent(_load_of_node(index, most.pod) or 0)
    who = f"All {count(len(used), 'pod')} use" if len(used) > 1 else "Its pod uses"
    summary = (
        f"{who} far more CPU than container {most.container.name} asks for: at most {cpu(most.used_m)}, asked {asked}."
        f" Node {most.pod.node} is busy ({load} of its CPU) and need not give it."
    )
    step = _raise(target, most, request_m=-(-most.used_m // STEP_M) * STEP_M)
    return _finding(index, CPU_ABOVE_REQUEST, target, used, "uses far more CPU than it asks for", summary, step)


def _skewed(index: Index, target: ObjectRef, hot: UsedCpu, others_m: int, others: int) -> Finding:
    rest = "pod" if others == 1 else count(others, "pod")
    summary = (
        f"Pod {hot.pod.meta.name} uses {cpu(hot.used_m)} in container {hot.container.name}, the other"
        f" {rest} about {cpu(others_m)}. More pods would not help."
    )
    step = NextStep(StepKind.COMMAND, f"logs {target.name}", "shows what the pods do", "Logs")
    return _finding(index, CPU_SKEWED, target, [hot], "one of its pods does most of the work", summary, step)


def _raise(target: ObjectRef, used: UsedCpu, *, request_m: int = 0) -> NextStep:
    reason = "gives each pod more; if all are busy with real work, more pods help, too"
    return steps.set_cpu(target, used.pod, used.container, request_m=request_m, reason=reason)


def _finding(
    index: Index, code: str, target: ObjectRef, used: Sequence[UsedCpu], title: str, summary: str, step: NextStep
) -> Finding:
    samples = [(each, index.usage_by_pod[each.pod.meta.name]) for each in used[:5]]
    evidence = tuple(
        Evidence(
            EvidenceKind.STATE, f"{each.pod.meta.name}: {cpu(each.used_m)} over {sample.window_s:.0f} s", at=sample.at
        )
        for each, sample in samples
    )
    return Finding(
        code=code,
        severity=Severity.WARNING,
        target=target,
        title=title,
        summary=summary,
        evidence=evidence,
        next=(NextStep(StepKind.COMMAND, "top pods", "shows what all pods use", "Top pods"), step),
        pods=tuple(sorted(each.pod.meta.name for each in used)),
        container=used[0].container.name,
    )


_SEEN = "The metrics API reports, over the short window of its last sample, "

SURVEY = Survey(
    codes=(
        Code(
            CPU_AT_LIMIT,
            "A container uses almost all the CPU that its limit allows; the kernel likely slows it down (throttling).",
            _SEEN + "90 % of the container's CPU limit or more.",
            "Raise the limit, or add pods if all of them are busy with real work; not if they wait for a database.",
            "148-150, 575",
        ),
        Code(
            CPU_ABOVE_REQUEST,
            "All pods of a workload without a CPU limit use at least twice what they ask for, on nodes that are busy.",
            _SEEN
            + "twice the container's CPU request or more, on every pod, there is no limit, and 80 % or more of the"
            " node's CPU is in use.",
            "Raise the request to what is really used, so that the scheduler reserves it.",
            "148-150",
        ),
        Code(
            CPU_SKEWED,
            "One pod of a workload is short of CPU while the others have little to do.",
            _SEEN + "at least three times as much for one pod as for the others, and that pod is at its limit, or far"
            " above its request on a busy node.",
            "Look at that pod: a stuck request, an uneven distribution, a leader's work. More pods do not help.",
            "148-150",
        ),
    ),
    look=look,
)
