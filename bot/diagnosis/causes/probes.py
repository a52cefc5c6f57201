"""Containers that run but do not pass a probe, and those that a failing probe restarts.

A restart by a liveness or startup probe looks like a crash in the status (whatever the program returned on SIGTERM);
only events tell them apart. Events are rate limited, so their number and time say little: their text says which probe.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis import steps
from bot.diagnosis.causes import probe_codes as codes
from bot.diagnosis.containers import START_PATIENCE, crash_log, is_looping, is_young, last_end, onset
from bot.diagnosis.crash_reasons import Reason, reason_in
from bot.diagnosis.dependencies import dependency_refs, standing_of
from bot.diagnosis.family import Case, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.probe_answers import answer_in_words, probe_in_words, quoted_answer
from bot.diagnosis.usage import cpu_used, percent
from bot.diagnosis.words import duration
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep
from bot.domain.objects import Container, Event, Pod, Probe, Running
from bot.domain.snapshot import LogKey
from bot.domain.text import Redacted, count

# Killed by a probe this long ago still counts: the kubelet writes such an event at most every five minutes.
KILL_REMEMBERED = timedelta(minutes=30)
# From this share of its CPU limit on, a program may be too slow to answer a probe.
SHORT_OF_CPU = 0.9
_WORDS = {codes.READINESS_FAILING: "readiness", codes.LIVENESS_FAILING: "liveness", codes.STARTUP_FAILING: "startup"}


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    if pod.is_finished or pod.meta.deleted_at is not None:
        return
    for container in pod.containers:
        killed = _killed_by(index, pod, container)
        if killed:
            since, log = onset(index, pod, container), crash_log(pod, container)
            yield Symptom(code=killed, pod=pod, container=container, since=since, log=log)
        elif _is_unready(index, pod, container) and not is_young(index, pod):
            waiting_for_start = container.startup is not None and container.started is False
            code = codes.STARTUP_FAILING if waiting_for_start else codes.READINESS_FAILING
            if _unhealthy(index, pod, container, code) is not None or _is_overdue(index, container, code):
                ready = pod.condition("Ready")
                log = LogKey(pod.meta.name, container.name, previous=False)
                since = ready.changed_at if ready else None
                yield Symptom(code=code, pod=pod, container=container, since=since, log=log)


def _killed_by(index: Index, pod: Pod, container: Container) -> str:
    """Return the code of the probe that restarts this container, or an empty string."""
    if not is_looping(index, pod, container) and last_end(container) is None:
        return ""
    for event in index.events(pod.meta.uid, "Killing", container=container.name, within=KILL_REMEMBERED):
        if "failed liveness probe" in event.message:
            return codes.LIVENESS_FAILING
        if "failed startup probe" in event.message:
            return codes.STARTUP_FAILING
    return ""


def _is_unready(index: Index, pod: Pod, container: Container) -> bool:
    return isinstance(container.state, Running) and not container.ready and not is_looping(index, pod, container)


def _is_overdue(index: Index, container: Container, code: str) -> bool:
    """Tell whether a running container should have passed its probe by now.

    A container that runs and has a readiness probe is unready for that probe's sake only, also when the event that
    said so has expired.
    """
    probe, state = _probe(container, code), container.state
    if probe is None or not isinstance(state, Running) or state.started_at is None:
        return False
    given = timedelta(seconds=probe.initial_delay_s + probe.period_s * probe.failure_threshold)
    return index.now - state.started_at > START_PATIENCE + given


def _unhealthy(index: Index, pod: Pod, container: Container, code: str) -> Event | None:
    word = _WORDS[code].capitalize()
    events = index.events(pod.meta.uid, "Unhealthy", "ProbeWarning", container=container.name)
    return next((event for event in events if event.message.startswith(word)), None)


def _probe(container: Container, code: str) -> Probe | None:
    return {
        codes.READINESS_FAILING: container.readiness,
        codes.LIVENESS_FAILING: container.liveness,
        codes.STARTUP_FAILING: container.startup,
    }[code]


def explain(case: Case) -> Finding:
    container = case.container
    if container is None:
        raise ValueError("a probe is always one of a container")
    code, word = case.code, _WORDS[case.code]
    event = _unhealthy(case.index, case.newest.pod, container, code)
    effect, title = _effect(case, container)
    reason = reason_in(case.log.lines, None) if case.log else None
    summary = (
        f"{effect}: the {word} probe{_asked(container, code)} {_answered(container, code, event)}"
        + _patience(container, code)
        + _short_of_cpu(case, container)
        + _named_by_log(case, reason)
        + steps.waiting_for(case)
    )
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
        evidence=(*evidence, *case.log_evidence("the log, its end")),
        next=_next(case, container, event),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
        because=dependency_refs(case, reason),
    )


def _effect(case: Case, container: Container) -> tuple[str, str]:
    """Return what the failing probe does, and the title."""
    if case.code == codes.READINESS_FAILING:
        verbs = "runs but gets" if len(case.pods) == 1 else "run but get"
        # Beside another revision that serves it matters which one does not.
        which = f" (revision {case.revision})" if case.contrast and case.revision else ""
        who = f"{count(len(case.pods), 'pod')} of {case.target.name}{which}"
        return f"{who} {verbs} no traffic", "runs, but is not ready"
    if case.code == codes.STARTUP_FAILING and not container.restart_count:
        return f"Container {container.name} has not come up yet", "has not come up yet"
    title = f"restarted by its {_WORDS[case.code]} probe"
    return f"The kubelet restarts container {container.name}", title


def _asked(container: Container, code: str) -> str:
    probe = _probe(container, code)
    return f" ({probe_in_words(probe)})" if probe else ""


def _answered(container: Container, code: str, event: Event | None) -> str:
    answer = quoted_answer(event.message) if event else ""
    if not answer:
        probe = _probe(container, code)
        if event is None and probe is not None:
            return "has not passed; no event is left of its answer."
        return "fails, and its command printed nothing." if probe and probe.target == "exec" else "fails."
    meaning = answer_in_words(answer, _probe(container, code))
    return f'fails: "{answer}"' + (f" ({meaning})." if meaning else ".")


def _patience(container: Container, code: str) -> str:
    """Say how long a start may take, where it is the startup probe that ends it."""
    probe = container.startup
    if code != codes.STARTUP_FAILING or probe is None:
        return ""
    return f" It has {duration(probe.initial_delay_s + probe.period_s * probe.failure_threshold)} to start."


def _short_of_cpu(case: Case, container: Container) -> str:
    used = cpu_used(case.index, case.newest.pod, container)
    share = used.of_limit if used else None
    if share is None or share < SHORT_OF_CPU:
        return ""
    return f" It uses {percent(share)} of its CPU limit, so it may be too slow to answer."


def _named_by_log(case: Case, reason: Reason | None) -> str:
    """Say what the log says that it cannot reach, if it does."""
    if reason is None or not dependency_refs(case, reason):
        return ""
    return f" Its log says that it needs {reason.name}: {reason.how}.{standing_of(case, reason)}"


def _next(case: Case, container: Container, event: Event | None) -> tuple[NextStep, ...]:
    probe = _probe(container, case.code)
    meaning = answer_in_words(event.message, probe) if event else ""
    advice = "shows what the program says"
    if meaning.startswith("no answer") or not event:
        advice += "; if it is only slow, give the probe more time"
    previous = False if case.code == codes.READINESS_FAILING else None
    return (*steps.release(case), steps.logs(case, advice, previous=previous))


FAMILY = Family(rank=30, codes=codes.CODES, observe=observe, explain=explain)
