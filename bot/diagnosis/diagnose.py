"""From a snapshot to a report: symptoms, cases, findings, and the verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.diagnosis.collapse import collapse
from bot.diagnosis.family import Case, Code, Family, Symptom, families, surveys
from bot.diagnosis.index import Index
from bot.diagnosis.words import why_unread
from bot.domain.findings import (
    Finding,
    NotChecked,
    Report,
    Severity,
    Verdict,
    WorkloadLine,
)
from bot.domain.objects import Workload
from bot.domain.snapshot import Freshness, LogKey, Part, Snapshot
from bot.domain.targets import ObjectRef

# Logs are read for at most this many cases, worst first: one look must stay quick.
MOST_LOGS = 8
# What must be seen live before anything may be called healthy.
DECISIVE_PARTS = (Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS)


def all_codes() -> tuple[Code, ...]:
    """Return every finding code there is, by name."""
    codes = [*(c for family in families() for c in family.codes), *(c for survey in surveys() for c in survey.codes)]
    return tuple(sorted(codes, key=lambda code: code.name))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What else should be read before the diagnosis: logs (and how many more there are), and the nodes' load.

    `cases` are what it was drawn from, for the diagnosis that follows.
    """

    logs: tuple[LogKey, ...] = ()
    node_load: bool = False
    logs_left_out: int = 0
    cases: tuple[tuple[Family, Case], ...] = field(default=(), repr=False, compare=False)


def wanted(seen: Snapshot | Index, focus: ObjectRef | None = None) -> Wanted:
    """Return what would say more about what is wrong: one log for each case, worst first.

    With `focus` only what concerns one workload.
    """
    all_cases = _cases(_indexed(seen))
    cases = [case for _, case in all_cases if focus in (None, case.target)]
    keys = [case.newest.log for case in sorted(cases, key=lambda case: -case.severity)]
    logs = [key for key in keys if key is not None]
    return Wanted(
        tuple(logs[:MOST_LOGS]),
        node_load=any(case.wants_node_load for case in cases),
        logs_left_out=max(0, len(logs) - MOST_LOGS),
        cases=tuple(all_cases),
    )


def diagnose(seen: Snapshot | Index, focus: ObjectRef | None = None, *, known: Wanted | None = None) -> Report:
    """Name what is wrong in a snapshot, worst first; with `focus` only what concerns one object.

    `known` is what was wanted for the same snapshot: its cases are not collected again, for what was read since (logs
    and loads) makes none.
    """
    index = _indexed(seen)
    snapshot = index.snapshot
    cases = _cases(index) if known is None else [(family, replace(case, index=index)) for family, case in known.cases]
    named = [_explained(family, case) for family, case in cases]
    named += [finding for survey in surveys() for finding in survey.look(index)]
    findings = collapse(named)
    troubled = {finding.target for finding in named if finding.is_problem}
    lines = [_line(index.ref(workload), workload, troubled) for workload in snapshot.workloads]
    if focus is not None:
        findings = [finding for finding in findings if _concerns(finding, focus)]
        lines = [line for line in lines if line.target == focus]
    findings.sort(key=lambda f: (-f.severity, f.target.name, f.code))
    return Report(
        verdict=_verdict(snapshot, findings, lines),
        snapshot=snapshot,
        findings=tuple(findings),
        workloads=tuple(sorted(lines, key=lambda line: line.target.name)),
        not_checked=_not_checked(snapshot),
    )


def _indexed(seen: Snapshot | Index) -> Index:
    return seen if isinstance(seen, Index) else Index(seen)


def _explained(family: Family, case: Case) -> Finding:
    """Explain a case, and add what its revision changed and what happened just before, where that is known."""
    finding = family.explain(case)
    likely = finding.likely or case.likely
    changed = finding.changed or tuple(str(difference) for difference in case.differences)
    if (likely, changed) == (finding.likely, finding.changed):
        return finding
    return replace(finding, likely=likely, changed=changed)


def _concerns(finding: Finding, focus: ObjectRef) -> bool:
    return finding.target == focus or any(felt.target == focus for felt in finding.consequences)


def _cases(index: Index) -> list[tuple[Family, Case]]:
    """Collect symptoms into cases. One container shows one symptom: the one of the family that explains best."""
    seen: set[tuple[str, str]] = set()
    groups: dict[tuple[object, ...], list[Symptom]] = defaultdict(list)
    owner: dict[tuple[object, ...], Family] = {}
    for family in families():
        for pod in index.suspects:
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


def _line(ref: ObjectRef, workload: Workload, troubled: set[ObjectRef]) -> WorkloadLine:
    return WorkloadLine(ref, workload.ready, workload.desired, ref in troubled, workload.revision)


def _verdict(snapshot: Snapshot, findings: Sequence[Finding], lines: Sequence[WorkloadLine]) -> Verdict:
    wanted = [line for line in lines if line.desired > 0]
    if any(finding.is_problem for finding in findings):
        critical = any(finding.severity is Severity.CRITICAL for finding in findings)
        return Verdict.DOWN if critical and wanted and not any(line.ready for line in wanted) else Verdict.DEGRADED
    if any(snapshot.status(part).freshness is not Freshness.LIVE for part in DECISIVE_PARTS):
        return Verdict.UNKNOWN
    # A namespace without anything in it is more likely a mistyped name than a healthy service.
    return Verdict.HEALTHY if lines or snapshot.pods else Verdict.UNKNOWN


def _not_checked(snapshot: Snapshot) -> tuple[NotChecked, ...]:
    """Say what could not be looked at, or only from an old picture, equal reasons together."""
    by_reason: dict[tuple[Freshness, str], list[Part]] = defaultdict(list)
    for part, status in snapshot.parts.items():
        if status.freshness is not Freshness.LIVE:
            by_reason[status.freshness, why_unread(status, snapshot.observed_at)].append(part)
    return tuple(
        NotChecked(", ".join(sorted(part.value for part in parts)), reason, snapshot.parts[parts[0]])
        for (_, reason), parts in sorted(by_reason.items())
    )
