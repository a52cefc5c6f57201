"""Containers whose program ends again and again, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable

from bot.diagnosis.containers import crash_log, is_looping, last_end, onset
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index, telling_line
from bot.diagnosis.words import count, duration, exit_code, tag_of
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, StepKind
from bot.domain.objects import Container, Pod, Running, Terminated, Waiting
from bot.domain.text import Redacted, first_line

CRASH_LOOP = "CRASH_LOOP"
START_FAILED = "START_FAILED"


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    for container in pod.containers:
        if not is_looping(index, pod, container):
            continue
        end = last_end(container)
        since = onset(index, pod, container)
        if _start_failure(container) is not None:
            yield Symptom(code=START_FAILED, pod=pod, container=container, since=since)
            continue
        yield Symptom(
            code=CRASH_LOOP,
            pod=pod,
            container=container,
            key=f"{end.exit_code if end else '?'}:{end.signal if end else ''}",
            since=since,
            log=crash_log(pod, container),
        )


def _start_failure(container: Container) -> Redacted | None:
    """Return what the kubelet says of a start that failed; None when the program did start.

    The first time only the waiting state tells; the last state follows with the next try.
    """
    state, end = container.state, last_end(container)
    if isinstance(state, Waiting) and state.reason == "RunContainerError":
        return state.message
    if end is not None and end.reason in ("StartError", "ContainerCannotRun"):
        return end.message
    return None


def explain(case: Case) -> Finding:
    container = case.container
    if container is None:
        raise ValueError("a crash is always one of a container")
    end = last_end(container)
    if case.code == START_FAILED:
        return _start_failed(case, container)
    restarts = max(c.restart_count for symptom in case.symptoms if (c := symptom.container))
    ended = f"{exit_code(end.exit_code, end.signal)}" if end else "an unknown exit code"
    line = telling_line(case.log.lines) if case.log else None
    said = f': "{first_line(line, 160)}".' if line else "."
    summary = f"{case.subject} ends with {ended}{_lived(end)}{said}"
    if case.contrast:
        summary += f" {case.contrast}"
    state = f"{container.role} {container.name}: {count(restarts, 'restart')}, last end: {ended}"
    evidence = [
        Evidence(
            EvidenceKind.STATE, state, (end.message,) if end and end.message else (), end.finished_at if end else None
        )
    ]
    evidence += case.log_evidence("the crashed run's log, its end")
    return Finding(
        code=CRASH_LOOP,
        severity=case.severity,
        target=case.target,
        title="new release crashes, the old one still serves"
        if case.stage and case.contrast
        else "crashes again and again",
        summary=summary,
        evidence=tuple(evidence),
        next=_next(case),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
    )


def _lived(end: Terminated | None) -> str:
    if end is None or end.started_at is None or end.finished_at is None:
        return ""
    lived = max((end.finished_at - end.started_at).total_seconds(), 0)
    return " at start" if lived < 10 else f" after {duration(lived)}"


def _start_failed(case: Case, container: Container) -> Finding:
    message = _start_failure(container)
    return Finding(
        code=START_FAILED,
        severity=case.severity,
        target=case.target,
        title="cannot be started",
        summary=(
            f"{case.subject} cannot be started: "
            + (f'"{first_line(message, 200)}".' if message else "the kubelet gives no reason.")
            + (f" {case.contrast}" if case.contrast else "")
        ),
        evidence=(
            Evidence(
                EvidenceKind.STATE, f"image {tag_of(container.image)}, start error", (message,) if message else ()
            ),
        ),
        next=_next(case),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
    )


def _next(case: Case) -> tuple[NextStep, ...]:
    workload = case.workload
    steps = []
    if workload is not None and case.contrast and workload.kind == "Deployment":
        working = case.index.working_replica_set(workload, other_than=case.revision)
        command = (
            f"kubectl -n {workload.meta.namespace} rollout undo deployment/{workload.meta.name}"
            f" --to-revision={working.revision if working else ''}"
        )
        steps.append(NextStep(StepKind.MANUAL, command, "goes back to the revision that works"))
    container = case.container
    if container is not None:
        previous = " --previous" if isinstance(container.state, Running) else ""
        pod = case.newest.pod.meta
        command = f"kubectl -n {pod.namespace} logs {pod.name} -c {container.name}{previous} --tail=100"
        steps.append(NextStep(StepKind.MANUAL, command, "shows the whole log of the crash"))
    return tuple(steps)


FAMILY = Family(
    rank=50,
    codes=(
        Code(CRASH_LOOP, "A container's program ends shortly after each start; the kubelet waits longer each time."),
        Code(START_FAILED, "The container's command could not be started at all (not found, not executable)."),
    ),
    observe=observe,
    explain=explain,
)
