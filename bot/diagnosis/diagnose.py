"""From a snapshot to a report: symptoms, cases, findings, and the verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bot.diagnosis.containers import is_young
from bot.diagnosis.family import Case, Code, Family, Symptom, families
from bot.diagnosis.index import Index
from bot.diagnosis.words import ago, count, duration
from bot.domain.findings import (
    Evidence,
    EvidenceKind,
    Finding,
    NextStep,
    NotChecked,
    Report,
    Severity,
    StepKind,
    Verdict,
    WorkloadLine,
)
from bot.domain.objects import Condition, Workload
from bot.domain.snapshot import Freshness, LogKey, Part, Snapshot
from bot.domain.targets import ObjectRef

NOT_READY = "NOT_READY"
STARTING = "STARTING"
GENERAL_CODES = (
    Code(NOT_READY, "A workload has fewer ready pods than it wants, and no cause could be named."),
    Code(STARTING, "A workload has fewer ready pods than it wants, and those that lack have only just been started."),
)
# Logs are read for at most this many cases, worst first: one look must stay quick.
MOST_LOGS = 8
# What must be seen live before anything may be called healthy.
DECISIVE_PARTS = (Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS)


def all_codes() -> tuple[Code, ...]:
    """Return every finding code there is, by name."""
    codes = [*GENERAL_CODES, *(code for family in families() for code in family.codes)]
    return tuple(sorted(codes, key=lambda code: code.name))


def wanted_logs(snapshot: Snapshot, focus: ObjectRef | None = None) -> tuple[LogKey, ...]:
    """Return the logs that would say more about what is wrong: one for each case, worst first.

    With `focus` only those of one workload.
    """
    cases = [case for _, case in _cases(Index(snapshot)) if focus in (None, case.target)]
    keys = [case.newest.log for case in sorted(cases, key=lambda case: -case.severity)]
    return tuple(key for key in keys if key is not None)[:MOST_LOGS]


def diagnose(snapshot: Snapshot, focus: ObjectRef | None = None) -> Report:
    """Name what is wrong in a snapshot, worst first; with `focus` only what concerns one workload."""
    index = Index(snapshot)
    findings = [family.explain(case) for family, case in _cases(index)]
    explained = {finding.target for finding in findings}
    findings += [_unexplained(index, workload) for workload in snapshot.workloads if _lacks_pods(workload, explained)]
    lines = [_line(workload, {finding.target for finding in findings}) for workload in snapshot.workloads]
    if focus is not None:
        findings = [finding for finding in findings if finding.target == focus]
        lines = [line for line in lines if line.target == focus]
    findings.sort(key=lambda f: (-f.severity, f.target.name, f.code))
    not_checked = _not_checked(snapshot)
    return Report(
        verdict=_verdict(snapshot, findings, lines),
        snapshot=snapshot,
        findings=tuple(findings),
        workloads=tuple(sorted(lines, key=lambda line: line.target.name)),
        not_checked=not_checked,
    )


def _cases(index: Index) -> list[tuple[Family, Case]]:
    """Collect symptoms into cases. One container shows one symptom: the one of the family that explains best."""
    seen: set[tuple[str, str]] = set()
    groups: dict[tuple[object, ...], list[Symptom]] = defaultdict(list)
    owner: dict[tuple[object, ...], Family] = {}
    for family in families():
        for pod in index.snapshot.pods:
            if pod.meta.deleted_at is not None:
                continue
            for symptom in family.observe(index, pod):
                name = symptom.container.name if symptom.container else ""
                if (pod.meta.uid, name) in seen:
                    continue
                seen.add((pod.meta.uid, name))
                group = (symptom.code, index.target_of(pod), index.revision_of(pod), name, symptom.key)
                groups[group].append(symptom)
                owner[group] = family
    return [(owner[group], _case(index, symptoms)) for group, symptoms in groups.items()]


def _case(index: Index, symptoms: Sequence[Symptom]) -> Case:
    pod = symptoms[0].pod
    return Case(
        index=index,
        symptoms=tuple(sorted(symptoms, key=lambda symptom: symptom.pod.meta.name)),
        target=index.target_of(pod),
        workload=index.workload_of(pod),
        revision=index.revision_of(pod),
    )


def _lacks_pods(workload: Workload, explained: set[ObjectRef]) -> bool:
    stuck = workload.condition("Progressing")
    lacking = workload.ready < workload.desired or (stuck is not None and stuck.status == "False")
    return lacking and _ref(workload) not in explained


def _ref(workload: Workload) -> ObjectRef:
    return ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name)


def _unexplained(index: Index, workload: Workload) -> Finding:
    """Say that something is wrong even though no family knows why, with what the workload says of itself."""
    pods = index.pods_by_workload.get(workload.meta.uid, [])
    unready = [pod for pod in pods if not pod.is_ready and not pod.is_finished]
    telling = [c for c in workload.conditions if _is_telling(c)]
    counted = f"{workload.ready} of {count(workload.desired, 'pod')} ready"
    if unready and not telling and all(is_young(index, pod) for pod in unready):
        youngest = max(pod.meta.created_at for pod in unready if pod.meta.created_at)
        return Finding(
            code=STARTING,
            severity=Severity.INFO,
            target=_ref(workload),
            title="is starting",
            summary=f"{counted}; the youngest pod is {duration((index.now - youngest).total_seconds())} old.",
            pods=tuple(pod.meta.name for pod in unready),
            revision=workload.revision,
            since=youngest,
        )
    reason = f' It says: "{telling[0].message}"' if telling else " Nothing it reports says why."
    exist = "" if pods else " None of its pods exist."
    return Finding(
        code=NOT_READY,
        severity=Severity.CRITICAL if workload.ready < workload.desired else Severity.WARNING,
        target=_ref(workload),
        title="is not ready",
        summary=f"{counted}.{exist}{reason}",
        evidence=tuple(
            Evidence(EvidenceKind.STATE, f"{c.type} is {c.status}: {c.reason}", (c.message,), c.changed_at)
            for c in telling
        ),
        next=(
            NextStep(
                StepKind.MANUAL,
                f"kubectl -n {workload.meta.namespace} describe {workload.kind.lower()} {workload.meta.name}",
                "shows its conditions and events",
            ),
        ),
        pods=tuple(pod.meta.name for pod in unready),
        revision=workload.revision,
        since=telling[0].changed_at if telling else None,
    )


def _is_telling(condition: Condition) -> bool:
    return (condition.type == "ReplicaFailure" and condition.status == "True") or (
        condition.type == "Progressing" and condition.status == "False"
    )


def _line(workload: Workload, troubled: set[ObjectRef]) -> WorkloadLine:
    ref = _ref(workload)
    return WorkloadLine(ref, workload.ready, workload.desired, ref in troubled, workload.revision)


def _verdict(snapshot: Snapshot, findings: Sequence[Finding], lines: Sequence[WorkloadLine]) -> Verdict:
    wanted = [line for line in lines if line.desired > 0]
    if findings:
        return Verdict.DOWN if wanted and not any(line.ready for line in wanted) else Verdict.DEGRADED
    if any(snapshot.status(part).freshness is not Freshness.LIVE for part in DECISIVE_PARTS):
        return Verdict.UNKNOWN
    # A namespace without anything in it is more likely a mistyped name than a healthy service.
    return Verdict.HEALTHY if lines or snapshot.pods else Verdict.UNKNOWN


def _not_checked(snapshot: Snapshot) -> tuple[NotChecked, ...]:
    """Say what could not be looked at, or only from an old picture, equal reasons together."""
    by_reason: dict[tuple[Freshness, str], list[Part]] = defaultdict(list)
    for part, status in snapshot.parts.items():
        if status.freshness is Freshness.LIVE:
            continue
        reason = status.reason
        if status.freshness is Freshness.STALE:
            reason = f"last seen {ago(status.as_of, snapshot.observed_at)}{': ' + reason if reason else ''}"
        by_reason[status.freshness, reason].append(part)
    return tuple(
        NotChecked(", ".join(sorted(part.value for part in parts)), reason, snapshot.parts[parts[0]])
        for (_, reason), parts in sorted(by_reason.items())
    )
