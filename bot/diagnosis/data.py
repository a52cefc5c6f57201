"""A report for programs: the documented, stable form of `--output json`."""

from __future__ import annotations

from bot.domain.findings import Finding, Report
from bot.domain.targets import ObjectRef


def report_data(report: Report) -> dict[str, object]:
    """Return the report for programs; the form is documented and stable."""
    snapshot = report.snapshot
    return {
        "verdict": report.verdict.value,
        "cluster": snapshot.scope.cluster,
        "namespace": snapshot.scope.namespace,
        "observed_at": snapshot.observed_at.isoformat(timespec="seconds"),
        "as_of": snapshot.as_of.isoformat(timespec="seconds"),
        "findings": [_finding_data(finding) for finding in report.findings],
        "workloads": [
            {"kind": w.target.kind, "name": w.target.name, "ready": w.ready, "desired": w.desired, "ok": not w.troubled}
            for w in report.workloads
        ],
        "not_checked": [{"what": missing.what, "reason": missing.reason} for missing in report.not_checked],
    }


def _finding_data(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity.word,
        "problem": finding.is_problem,
        "target": _target(finding.target),
        "title": finding.title,
        "summary": finding.summary,
        "revision": finding.revision,
        "container": finding.container,
        "since": finding.since.isoformat(timespec="seconds") if finding.since else None,
        "pods": list(finding.pods),
        "evidence": [
            {
                "kind": evidence.kind.value,
                "label": evidence.label,
                "lines": list(evidence.lines),
                "at": evidence.at.isoformat(timespec="seconds") if evidence.at else None,
            }
            for evidence in finding.evidence
        ],
        "changed": list(finding.changed),
        "likely": finding.likely,
        "consequences": [
            {
                "code": felt.code,
                "target": _target(felt.target),
                "title": felt.title,
                "summary": felt.summary,
            }
            for felt in finding.consequences
        ],
        "next": [{"kind": step.kind.value, "text": step.text, "reason": step.reason} for step in finding.next],
    }


def _target(ref: ObjectRef) -> dict[str, str]:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
