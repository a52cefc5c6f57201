"""Containers that run but do not pass a probe, and those that a failing probe restarts.

A restart by a liveness or startup probe looks like a crash in the status (whatever the program returned on SIGTERM);
only events tell them apart. Events are rate limited, so their number and time say little: their text says which probe.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis.containers import is_looping, is_young, last_end, onset
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.words import count
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, StepKind
from bot.domain.objects import Container, Event, Pod, Probe, Running
from bot.domain.text import Redacted, first_line

READINESS_FAILING = "READINESS_FAILING"
LIVENESS_FAILING = "LIVENESS_FAILING"
STARTUP_FAILING = "STARTUP_FAILING"
# Killed by a probe this long ago still counts: the kubelet writes such an event at most every five minutes.
KILL_REMEMBERED = timedelta(minutes=30)
_WORDS = {READINESS_FAILING: "readiness", LIVENESS_FAILING: "liveness", STARTUP_FAILING: "startup"}


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    if pod.is_finished or pod.meta.deleted_at is not None:
        return
    for container in pod.containers:
        killed = _killed_by(index, pod, container)
        if killed:
            yield Symptom(code=killed, pod=pod, container=container, since=onset(index, pod, container))
        elif _is_unready(index, pod, container) and not is_young(index, pod):
            waiting_for_start = container.startup is not None and container.started is False
            code = STARTUP_FAILING if waiting_for_start else READINESS_FAILING
            if _unhealthy(index, pod, container, code) is not None:
                ready = pod.condition("Ready")
                yield Symptom(code=code, pod=pod, container=container, since=ready.changed_at if ready else None)


def _killed_by(index: Index, pod: Pod, container: Container) -> str:
    """Return the code of the probe that restarts this container, or an empty string."""
    if not is_looping(index, pod, container) and last_end(container) is None:
        return ""
    for event in index.events(pod.meta.uid, "Killing", container=container.name, within=KILL_REMEMBERED):
        if "failed liveness probe" in event.message:
            return LIVENESS_FAILING
        if "failed startup probe" in event.message:
            return STARTUP_FAILING
    return ""


def _is_unready(index: Index, pod: Pod, container: Container) -> bool:
    return isinstance(container.state, Running) and not container.ready and not is_looping(index, pod, container)


def _unhealthy(index: Index, pod: Pod, container: Container, code: str) -> Event | None:
    word = _WORDS[code].capitalize()
    events = index.events(pod.meta.uid, "Unhealthy", container=container.name)
    return next((event for event in events if event.message.startswith(word)), None)


def _probe(container: Container, code: str) -> Probe | None:
    return {
        READINESS_FAILING: container.readiness,
        LIVENESS_FAILING: container.liveness,
        STARTUP_FAILING: container.startup,
    }[code]


def explain(case: Case) -> Finding:
    container = case.container
    if container is None:
        raise ValueError("a probe is always one of a container")
    code = case.code
    word = _WORDS[code]
    event = _unhealthy(case.index, case.newest.pod, container, code)
    answer = first_line(event.message.partition("probe failed: ")[2] or event.message, 200) if event else ""
    probe = _probe(container, code)
    asked = f" ({probe.target}, every {probe.period_s} s, {probe.timeout_s} s to answer)" if probe else ""
    if code == READINESS_FAILING:
        verbs = "runs but gets" if len(case.pods) == 1 else "run but get"
        effect = f"{count(len(case.pods), 'pod')} of {case.target.name} {verbs} no traffic"
        title = "runs, but is not ready"
    elif code == STARTUP_FAILING and not container.restart_count:
        effect = f"Container {container.name} has not come up yet"
        title = "has not come up yet"
    else:
        effect = f"The kubelet restarts container {container.name} because of it"
        title = f"restarted by its {word} probe"
    summary = f"{effect}: the {word} probe{asked} " + (f'fails: "{answer}".' if answer else "fails.")
    if case.contrast:
        summary += f" {case.contrast}"
    evidence = [Evidence(EvidenceKind.STATE, f"{count(container.restart_count, 'restart')} of {container.name}")]
    if event:
        evidence.append(Evidence(EvidenceKind.EVENT, event.reason, (Redacted(event.message),), event.at))
    return Finding(
        code=code,
        severity=case.severity,
        target=case.target,
        title=title,
        summary=summary,
        evidence=tuple(evidence),
        next=(
            NextStep(
                StepKind.MANUAL,
                f"kubectl -n {case.target.namespace} logs {case.newest.pod.meta.name} -c {container.name} --tail=100",
                "shows what the program says; if it is only slow, give the probe more time",
            ),
        ),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
    )


FAMILY = Family(
    rank=30,
    codes=(
        Code(READINESS_FAILING, "A container runs but its readiness probe fails, so it gets no traffic."),
        Code(LIVENESS_FAILING, "The kubelet restarts a container because its liveness probe fails."),
        Code(STARTUP_FAILING, "A container does not pass its startup probe in time."),
    ),
    observe=observe,
    explain=explain,
)
