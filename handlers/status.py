"""`status`: what is wrong, why, and what to do next; or, in three lines, that all is well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.closing import closing_buttons, freshness_line, step_line
from bot.diagnosis import DECISIVE_PARTS, ago, duration, report_data
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.catalogue import Catalogue
from bot.domain.findings import Consequence, EvidenceKind, Finding, Report, Severity, StepKind, Verdict, WorkloadLine
from bot.domain.marks import MARKS
from bot.domain.snapshot import Freshness, Part, Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import Redacted
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Code,
    Context,
    Headline,
    Item,
    Line,
    Mark,
    Paragraph,
    View,
    bold,
    code,
    line,
)
from bot.examine import examine
from bot.lookup import find_workload, look_command
from bot.ports import Sources

# An overview shows this many findings in full; the others get a line each.
IN_FULL = 4
OVERVIEW_LOG_LINES = 3
FOCUS_LOG_LINES = 20
MOST_NAMED_WORKLOADS = 8
NEEDED_TO_BE_FINE = (Part.PODS, Part.DEPLOYMENTS, Part.STATEFUL_SETS, Part.DAEMON_SETS)
_EXIT = {Verdict.HEALTHY: 0, Verdict.DEGRADED: 1, Verdict.DOWN: 1, Verdict.UNKNOWN: 2}


@dataclass(frozen=True, slots=True)
class Params:
    """What to look at; the whole namespace when empty."""

    service: str = argument("a service of the catalogue or a workload's name", default="", names_service=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """A diagnosis, and the catalogue for the names that people use."""

    report: Report
    catalogue: Catalogue
    focus: ObjectRef | None


async def observe(params: Params, sources: Sources) -> Seen:
    if sources.cluster is None or sources.logs is None or sources.catalogue is None:
        raise ValueError("status needs the cluster, its logs and the catalogue")
    catalogue = sources.catalogue

    def find(snapshot: Snapshot) -> ObjectRef | None:
        return find_workload(sources.request.text, params.service, snapshot, catalogue) if params.service else None

    report, focus = await examine(sources.cluster, sources.logs, sources.scope, find=find)
    return Seen(report, catalogue, focus)


def render(params: Params, seen: Seen, setting: Setting) -> View:
    report = seen.report
    summary, mark = _verdict(seen)
    blocks: list[Block] = [Headline(summary, mark)]
    problems = [finding for finding in report.findings if finding.is_problem or seen.focus]
    shown = problems if seen.focus else problems[:IN_FULL]
    for number, finding in enumerate(shown, 1):
        blocks += _finding(number, finding, seen, setting)
    if len(problems) > len(shown):
        blocks.append(Paragraph(tuple(_short(finding, seen, setting) for finding in problems[len(shown) :])))
    remarks = [finding for finding in report.findings if finding not in problems]
    if remarks:
        blocks.append(Paragraph(tuple(_remark(finding, seen) for finding in remarks)))
    blocks.append(Context(tuple(_small_print(seen, setting))))
    blocks.append(closing_buttons(setting))
    return View(summary, tuple(blocks), data=report_data(report), exit_code=_EXIT[report.verdict])


def _verdict(seen: Seen) -> tuple[str, Mark]:
    report = seen.report
    name = seen.catalogue.alias_of(seen.focus.kind, seen.focus.name) if seen.focus else report.snapshot.scope.namespace
    problems = sum(finding.is_problem for finding in report.findings)
    fine = sum(not workload.troubled for workload in report.workloads)
    counted = f"{problems} problem{'s' if problems != 1 else ''}"
    others = f", {fine} of {len(report.workloads)} workloads fine" if not seen.focus else ""
    match report.verdict:
        case Verdict.HEALTHY:
            return f"{name} is healthy", Mark.OK
        case Verdict.DOWN:
            return f"{name} is down: {counted}{others}", Mark.CRITICAL
        case Verdict.DEGRADED:
            worst = report.findings[0].severity
            if worst is Severity.INFO:
                return f"{name} is starting{others}", Mark.INFO
            return f"{name} is degraded: {counted}{others}", MARKS[worst]
        case Verdict.UNKNOWN:
            return f"{name}: I cannot tell{_why_unknown(seen)}", Mark.UNKNOWN


def _why_unknown(seen: Seen) -> str:
    report = seen.report
    states = {report.snapshot.status(part).freshness for part in DECISIVE_PARTS}
    if Freshness.MISSING in states:
        return ", parts of it could not be read"
    if Freshness.STALE in states:
        return ", what I see is not up to date"
    return f", nothing runs in {report.snapshot.scope} (is the namespace right?)"


def _finding(number: int, finding: Finding, seen: Seen, setting: Setting) -> list[Block]:
    now = seen.report.snapshot.observed_at
    alias = seen.catalogue.alias_of(finding.target.kind, finding.target.name)
    note = finding.severity.word
    if finding.since:
        note += f", for {duration((now - finding.since).total_seconds())}"
    lines: list[Line] = [line(finding.summary)]
    if len(finding.pods) > 1:
        lines.append(line(f"Pods: {_shorten(finding)}"))
    if not all(difference in finding.likely for difference in finding.changed):
        lines.append(line("Changed: ", " · ".join(finding.changed[: None if seen.focus else 4])))
    if finding.likely:
        lines.append(line("Began ", finding.likely, "."))
    # What is felt by the same object is no news; the details tell it.
    felt = [one for one in finding.consequences if seen.focus or one.target != finding.target]
    lines += [line(f"Follows: {_felt(one, seen)}") for one in felt[: None if seen.focus else 3]]
    if seen.focus:
        lines += [_evidence_line(label, at_words) for label, at_words in _state_evidence(finding, seen)]
    lines += [step_line(step, setting) for step in finding.next[: None if seen.focus else 1]]
    title = line(bold(f"{number}  {alias}"), f": {finding.title}")
    blocks: list[Block] = [Item(title, note, MARKS[finding.severity], tuple(lines))]
    for evidence in finding.evidence:
        if evidence.kind is not EvidenceKind.LOG:
            continue
        if not evidence.lines:
            blocks.append(Paragraph((line(evidence.label),)))
            continue
        shown = evidence.lines[-FOCUS_LOG_LINES:] if seen.focus else _telling(evidence.lines)
        blocks.append(Code("\n".join(shown), title=f"{alias} {evidence.label}"))
    offered = _offered(finding, seen, setting)
    return [*blocks, Buttons(offered)] if offered else blocks


def _telling(lines: Sequence[Redacted]) -> Sequence[Redacted]:
    """Return the last lines of a log for an overview: those of a stack trace's frames left out, where others remain."""
    plain = [one for one in lines if one.strip() and not one.startswith((" ", "\t"))]
    return (plain or lines)[-OVERVIEW_LOG_LINES:]


def _remark(finding: Finding, seen: Seen) -> Line:
    """Say what is worth knowing though nothing is wrong with it."""
    alias = seen.catalogue.alias_of(finding.target.kind, finding.target.name)
    return line("Note: ", bold(alias), f": {finding.title}")


def _felt(felt: Consequence, seen: Seen) -> str:
    """Say a consequence: its object by its short name, and its summary where the reader asked for details."""
    name = seen.catalogue.alias_of(felt.target.kind, felt.target.name)
    return f"{felt.target.kind.lower()} {name}: {felt.summary if seen.focus else felt.title}"


def _offered(finding: Finding, seen: Seen, setting: Setting) -> tuple[Button, ...]:
    offered = [
        Button(step.label, setting.here(step.text))
        for step in finding.next
        if step.label and step.kind is StepKind.COMMAND
    ]
    if not seen.focus:
        offered.append(Button("Details", setting.here(look_command(finding.target, seen.catalogue, finding.pods))))
    return tuple(offered)


def _state_evidence(finding: Finding, seen: Seen) -> list[tuple[str, str]]:
    now = seen.report.snapshot.observed_at
    found = []
    for evidence in finding.evidence:
        if evidence.kind is EvidenceKind.LOG:
            continue
        words = f"{evidence.label}: {' '.join(evidence.lines)}" if evidence.lines else evidence.label
        found.append((words, f" ({ago(evidence.at, now)})" if evidence.at else ""))
    return found


def _evidence_line(words: str, at_words: str) -> Line:
    return line("Evidence: ", words, at_words)


def _short(finding: Finding, seen: Seen, setting: Setting) -> Line:
    alias = seen.catalogue.alias_of(finding.target.kind, finding.target.name)
    look = setting.here(look_command(finding.target, seen.catalogue, finding.pods))
    return line(bold(alias), f": {finding.title} ({finding.severity.word}): ", code(look))


def _shorten(finding: Finding) -> str:
    """Name pods by what tells them apart: their ends."""
    ends = [f"…-{name.rpartition('-')[2]}" for name in finding.pods[:5]]
    more = f" and {len(finding.pods) - 5} more" if len(finding.pods) > 5 else ""
    return " ".join(ends) + more


def _small_print(seen: Seen, setting: Setting) -> list[Line]:
    report = seen.report
    lines: list[Line] = []
    fine = [each for each in report.workloads if not each.troubled and seen.focus in (None, each.target)]
    if fine:
        stale = any(report.snapshot.status(part).freshness is Freshness.STALE for part in NEEDED_TO_BE_FINE)
        lines.append(line("Fine when last seen: " if stale else "Fine: ", " · ".join(_named(fine, seen))))
    lines += [line(f"Not checked: {missing.what} ({missing.reason})") for missing in report.not_checked]
    lines.append(freshness_line(report.snapshot, setting))
    return lines


def _named(fine: list[WorkloadLine], seen: Seen) -> list[str]:
    """Name what is fine: what is wanted at zero is said to be so, never as `0/0 ready`."""
    words = []
    for workload in fine[:MOST_NAMED_WORKLOADS]:
        name = seen.catalogue.alias_of(workload.target.kind, workload.target.name)
        words.append(f"{name} {workload.ready}/{workload.desired}" if workload.desired else f"{name} (scaled to 0)")
    if len(fine) > MOST_NAMED_WORKLOADS:
        words.append(f"{len(fine) - MOST_NAMED_WORKLOADS} more")
    return words


ACTION = Query(
    name="status",
    summary="Say what is wrong in a namespace or with one service, with the evidence",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.LOGS, Need.CATALOGUE}),
    observe=observe,
    render=render,
    examples=(
        ("status", "the default namespace"),
        ("status api", "one service, with all the evidence"),
        ("status -n kube-system", "another namespace"),
    ),
)
