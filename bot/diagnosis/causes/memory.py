"""Containers killed for want of memory. Exit code 137 alone is no proof; the kubelet's reason `OOMKilled` is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.diagnosis.containers import crash_log, last_end, onset
from bot.diagnosis.family import Case, Code, Family, Symptom
from bot.diagnosis.index import Index
from bot.diagnosis.words import ago, amount, count, duration
from bot.domain.findings import Evidence, EvidenceKind, Finding, NextStep, StepKind
from bot.domain.objects import Pod

OOM_KILLED = "OOM_KILLED"
# An out-of-memory kill stays worth telling this long after the container came back.
REMEMBERED = timedelta(hours=1)


def observe(index: Index, pod: Pod) -> Iterable[Symptom]:
    for container in pod.containers:
        end = last_end(container)
        if end is None or end.reason != "OOMKilled":
            continue
        if end.finished_at is not None and index.now - end.finished_at > REMEMBERED:
            continue
        yield Symptom(
            code=OOM_KILLED,
            pod=pod,
            container=container,
            since=onset(index, pod, container),
            log=crash_log(pod, container),
        )


def explain(case: Case) -> Finding:
    container = case.container
    end = last_end(container) if container else None
    if container is None or end is None:
        raise ValueError("an out-of-memory kill is always one of a container that ended")
    restarts = sum(c.restart_count for symptom in case.symptoms if (c := symptom.container))
    limit = (
        f"its limit of {amount(container.memory_limit)}"
        if container.memory_limit
        else "the memory of its node (it has no limit)"
    )
    lived = ""
    if end.started_at and end.finished_at:
        lived = f", {duration((end.finished_at - end.started_at).total_seconds())} after its start"
    summary = (
        f"Container {container.name} was killed at {limit}{lived};"
        f" {count(restarts, 'restart')} so far, the last kill {ago(end.finished_at, case.index.now)}."
    )
    contrast = f" {case.contrast}" if case.contrast else ""
    return Finding(
        code=OOM_KILLED,
        severity=case.severity,
        target=case.target,
        title="out of memory",
        summary=summary + contrast,
        evidence=(
            Evidence(
                EvidenceKind.STATE,
                f"container {container.name}: OOMKilled, exit code {end.exit_code}",
                at=end.finished_at,
            ),
            *case.log_evidence("the log before the kill, its end"),
        ),
        next=(_next(case),),
        pods=case.pods,
        container=container.name,
        revision=case.revision,
        since=case.since,
    )


def _next(case: Case) -> NextStep:
    container, target = case.container, case.target
    name = container.name if container else ""
    return NextStep(
        StepKind.MANUAL,
        f"kubectl -n {target.namespace} set resources {target.kind.lower()}/{target.name} -c {name} --limits=memory=…",
        "raises the limit, if the program's need is real; a leak comes back",
    )


FAMILY = Family(
    rank=10,
    codes=(Code(OOM_KILLED, "The kernel killed a container because it (or its node) ran out of memory."),),
    observe=observe,
    explain=explain,
)
