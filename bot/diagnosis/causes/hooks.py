"""Containers that the kubelet kills because their postStart hook fails: it looks like a crash, only events tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis import steps
from bot.diagnosis.containers import crash_log, is_looping, last_end, onset
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.words import exit_code
from bot.domain.findings import Evidence, EvidenceKind, Finding
from bot.domain.objects import Container, Event, Pod, Waiting
from bot.domain.text import count, first_line

POST_START_FAILED = "POST_START_FAILED"
_SAYS_NOTHING = "PostStartHook failed"
# The kubelet writes events of one pod at most every five minutes, once it has written many.
REMEMBERED = timedelta(minutes=30)


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    for container in pod.containers:
        if not is_looping(index, pod, container):
            continue
        if _is_waiting_for_hook(container) or _event(index, pod, container) is not None:
            since, log = onset(index, pod, container), crash_log(pod, container)
            yield Symptom(code=POST_START_FAILED, pod=pod, container=container, since=since, log=log)


def _is_waiting_for_hook(container: Container) -> bool:
    return isinstance(container.state, Waiting) and container.state.reason == "PostStartHookError"


def _event(index: Index, pod: Pod, container: Container) -> Event | None:
    events = index.events(pod.meta.uid, "FailedPostStartHook", "Killing", container=container.name, within=REMEMBERED)
    told = [event for event in events if "PostStartHook" in f"{event.reason} {event.message}"]
    # The warning says more than the kill that follows it.
    return next((event for event in told if event.reason == "FailedPostStartHook"), next(iter(told), None))


def explain(case: Case) -> Finding:
    container = case.container
    if container is None:
        raise ValueError("a hook is always one of a container")
    event = _event(case.index, case.newest.pod, container)
    said = event.message if event else container.state.message if isinstance(container.state, Waiting) else ""
    # The kubelet may say no more than that the hook failed.
    words = "" if said.strip() == _SAYS_NOTHING else first_line(said, 200)
    end = last_end(container)
    ended = f", last end: {exit_code(end.exit_code, end.signal)}" if end else ""
    evidence = [Evidence(EvidenceKind.STATE, f"{container.name}: {count(container.restart_count, 'restart')}{ended}")]
    if event:
        evidence.append(Evidence(EvidenceKind.EVENT, event.reason, (event.message,), event.at))
    contrast = f" {case.contrast}" if case.contrast else ""
    return Finding(
        code=POST_START_FAILED,
        severity=case.severity,
        target=case.target,
        title="its postStart hook fails",
        summary=(
            f"{case.subject} is killed at each start because its postStart hook fails"
            + (f': "{words}".' if words else ".")
            + f" The program itself need not be at fault.{steps.waiting_for(case)}{contrast}"
        ),
        evidence=(*evidence, *case.log_evidence("the killed run's log, its end")),
        next=(*steps.release(case), steps.describe(case, "shows the hook and its events")),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
    )


FAMILY = Family(
    rank=25,
    codes=(
        Code(
            POST_START_FAILED,
            "The kubelet kills a container again and again because the hook that runs after its start fails.",
            "The container loops, and an event FailedPostStartHook names it (or the container waits with"
            " PostStartHookError).",
            "Run the hook's command by hand in a container that works; mend it, or do its work in the program.",
            "48, 81-94",
        ),
    ),
    observe=observe,
    explain=explain,
)
