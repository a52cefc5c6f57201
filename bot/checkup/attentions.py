"""From findings of the diagnosis and troubles of targets to what needs a person, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.checkup.overlap import told_by
from bot.checkup.seen import Seen
from bot.domain.findings import Finding, NextStep, Severity, StepKind
from bot.domain.text import Redacted
from bot.domain.watch.checkups import Attention
from bot.domain.watch.probes import Health, Probed, Trouble
from bot.lookup import look_command
from bot.redaction import redact

# Findings about usage, though they are about workloads.
USAGE_CODES = frozenset({"MEMORY_HIGH", "CPU_AT_LIMIT", "CPU_ABOVE_REQUEST", "CPU_SKEWED"})
# Keys of these codes end in the name of something else than a target, or of an object with its kind.
_OF_NO_TARGET = frozenset({"BACKUP_FAILED", "BACKUP_OLD", "CERTIFICATE_NOT_READY", "CERTIFICATE_ENDS"})
_SECTIONS = {
    "Service": "services",
    "Ingress": "ingresses",
    "HorizontalPodAutoscaler": "autoscalers",
    "Node": "nodes",
    "PersistentVolumeClaim": "volume claims",
    "Job": "jobs",
    "CronJob": "jobs",
}


def finding_key(finding: Finding) -> str:
    """Return what tells a finding from all others of its scope, as long as it lasts."""
    container = f"/{finding.container}" if finding.container else ""
    return f"{finding.code}:{finding.target}{container}"


def trouble_key(probed: Probed, code: str) -> str:
    """Return what tells a trouble of a target from all others of its scope."""
    return f"{code}:{probed.target.name}"


def target_in(key: str) -> str:
    """Return the name of the target of a key that `trouble_key` made; empty for one that others made."""
    code, _, name = key.partition(":")
    return "" if "/" in name or code in _OF_NO_TARGET else name


def section_of(finding: Finding) -> str:
    """Return the name of the one section that tells a finding."""
    if finding.code in USAGE_CODES:
        return "usage"
    return _SECTIONS.get(finding.target.kind, "workloads")


def from_findings(seen: Seen, section: str) -> tuple[Attention, ...]:
    """Return what needs a person of a section, as the diagnosis found it; what targets add to a finding is with it."""
    mine = [finding for finding in seen.findings if finding.is_problem and section_of(finding) == section]
    beside = [(probed, told_by(seen, probed)) for probed in seen.probed] if mine else []
    return tuple(_from_finding(seen, each, [probed for probed, teller in beside if teller is each]) for each in mine)


def _from_finding(seen: Seen, finding: Finding, probed: Sequence[Probed]) -> Attention:
    target = finding.target
    details = NextStep(StepKind.COMMAND, look_command(target, seen.catalogue, finding.pods), "", "Details")
    more = "".join(f" {_also(each)}" for each in probed)
    return Attention(
        key=finding_key(finding),
        severity=finding.severity,
        service=seen.named(target.kind, target.name),
        title=finding.title,
        words=redact(f"{finding.summary}{more}"),
        next=next(iter(finding.next), details),
        since=finding.since,
    )


def _also(probed: Probed) -> str:
    if probed.target.is_dependency:
        return f"We do not reach {probed.target.name} either: {short_reason(probed)}"
    return f"Its health URL fails, too: {short_reason(probed)}"


def short_reason(probed: Probed) -> str:
    """Say in a sentence what is wrong with a target; what it is when it says nothing."""
    worst = max(probed.troubles, key=lambda each: each.severity, default=None)
    if worst is not None and worst.words:
        return worst.words if worst.words.endswith((".", "!", "?")) else f"{worst.words}."
    return {
        Health.FAILED: "it does not answer.",
        Health.SLOW: "it is slow.",
        Health.DEGRADED: "it serves, but is not well.",
        Health.UNKNOWN: "it could not be asked.",
    }.get(probed.health, "it answers.")


def from_probed(seen: Seen, probed: Iterable[Probed], *, but: frozenset[str] = frozenset()) -> tuple[Attention, ...]:
    """Return what needs a person of what targets said, without what a finding tells already and troubles in `but`."""
    return tuple(
        _from_trouble(seen, each, trouble)
        for each in probed
        if each.health not in (Health.OK, Health.UNKNOWN) and told_by(seen, each) is None
        for trouble in _troubles(each)
        if trouble.code not in but
    )


def _troubles(probed: Probed) -> Sequence[Trouble]:
    serious = [trouble for trouble in probed.troubles if trouble.severity is not Severity.INFO]
    if serious or probed.health in (Health.OK, Health.UNKNOWN):
        return serious
    failed = probed.health is Health.FAILED
    severity = Severity.CRITICAL if failed else Severity.WARNING
    return [Trouble(code=f"PROBE_{probed.health.name}", severity=severity, words=short_reason(probed).capitalize())]


def _from_trouble(seen: Seen, probed: Probed, trouble: Trouble) -> Attention:
    target = probed.target
    title = f"its health URL {_verb(probed)}" if not target.is_dependency else f"{target.kind.value} {_verb(probed)}"
    return Attention(
        key=trouble_key(probed, trouble.code),
        severity=trouble.severity,
        service=target.name if target.is_dependency else target.service or target.name,
        title=title,
        words=Redacted(trouble.words),
        next=_step(seen, probed, trouble),
    )


def _verb(probed: Probed) -> str:
    return {Health.FAILED: "fails", Health.SLOW: "is slow"}.get(probed.health, "is not well")


def _step(seen: Seen, probed: Probed, trouble: Trouble) -> NextStep:
    target = probed.target
    if trouble.advice:
        return NextStep(StepKind.MANUAL, trouble.advice)
    if target.is_dependency:
        user = next((alias for alias in target.used_by if alias in seen.catalogue.entries), "")
        return NextStep(StepKind.COMMAND, f"deps {user}".strip(), "shows what the pods say of it", "Dependencies")
    if target.service in seen.catalogue.entries:
        return NextStep(StepKind.COMMAND, f"status {target.service}", "shows how its pods fare", "Status")
    return NextStep(StepKind.COMMAND, "status", "shows how everything here fares", "Status")
