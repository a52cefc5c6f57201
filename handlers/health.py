"""`health`: everything about a namespace or one service looked at at once, and what needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.checkup import asked_of, check_up, checkup_data, milliseconds
from bot.closing import closing_buttons, freshness_line, seen_by, step_line
from bot.diagnosis import duration
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.findings import Severity, StepKind, Verdict
from bot.domain.marks import MARKS
from bot.domain.text import count, first_line
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Context,
    Headline,
    Item,
    Line,
    Mark,
    Paragraph,
    Span,
    View,
    bold,
    code,
    line,
)
from bot.domain.watch.checkups import Attention, Checkup, Section
from bot.ports import Sources

# So many things are shown in full, so many more with a line each; the rest is a number.
IN_FULL = 3
IN_SHORT = 5
# About what a line of chat holds on a narrow screen and a terminal on one line.
WIDTH = 100
_LONGEST_WORDS = 400
_EXIT = {Verdict.HEALTHY: 0, Verdict.DEGRADED: 1, Verdict.DOWN: 1, Verdict.UNKNOWN: 2}


@dataclass(frozen=True, slots=True)
class Params:
    """What to check; the whole namespace when empty."""

    service: str = argument("a service of the catalogue or a workload's name", default="", names_service=True)


async def observe(params: Params, sources: Sources) -> Checkup:
    return await check_up(asked_of(sources, params.service))


def render(params: Params, checkup: Checkup, setting: Setting) -> View:
    summary, mark = _verdict(checkup)
    attentions = checkup.attentions
    blocks: list[Block] = [Headline(summary, mark)]
    for number, attention in enumerate(attentions[:IN_FULL], 1):
        blocks += _item(number, attention, checkup, setting)
    rest = attentions[IN_FULL:]
    if rest:
        lines = [_short(attention, setting) for attention in rest[:IN_SHORT]]
        if len(rest) > IN_SHORT:
            lines.append(line(f"… and {len(rest) - IN_SHORT} more."))
        blocks.append(Paragraph(tuple(lines)))
    told = [*_packed("Note: ", [each for each in checkup.sections if _is_remark(each)]), *_fine(checkup)]
    if told:
        blocks.append(Paragraph(tuple(told)))
    blocks.append(Context((*_unchecked(checkup), _small_print(checkup, setting))))
    look = ("status", checkup.service) if checkup.service else ("status",)
    blocks.append(closing_buttons(setting, Button("Status", setting.here(" ".join(look)))))
    return View(summary, tuple(blocks), data=checkup_data(checkup), exit_code=_EXIT[checkup.verdict])


def _verdict(checkup: Checkup) -> tuple[str, Mark]:
    name = checkup.service or checkup.scope.namespace
    attentions = checkup.attentions
    need = f"{count(len(attentions), 'thing needs', 'things need')} you"
    match checkup.verdict:
        case Verdict.HEALTHY:
            return f"{name} is healthy", Mark.OK
        case Verdict.DOWN:
            return f"{name} is down" + (f": {need}" if attentions else ": no health URL answers"), Mark.CRITICAL
        case Verdict.DEGRADED:
            worst = attentions[0].severity if attentions else Severity.INFO
            if worst is Severity.INFO:
                return f"{name} is starting", Mark.INFO
            return f"{name} is degraded: {need}", MARKS[worst]
        case Verdict.UNKNOWN:
            also = f"; {need}" if attentions else ""
            return f"{name}: I cannot tell, {_why_unknown(checkup)}{also}", Mark.UNKNOWN


def _why_unknown(checkup: Checkup) -> str:
    if checkup.report.seen is None:
        return "its cluster could not be read"
    if checkup.report.seen.verdict is not Verdict.UNKNOWN:
        return "its health URL could not be asked"
    if any(section.name == "workloads" and section.problem for section in checkup.sections):
        return "what decides could not be read, or is not up to date"
    return f"nothing runs in {checkup.scope} (is the namespace right?)"


def _item(number: int, attention: Attention, checkup: Checkup, setting: Setting) -> list[Block]:
    note = attention.severity.word
    if attention.since:
        note += f", for {duration((checkup.at - attention.since).total_seconds())}"
    lines = [line(first_line(attention.words, _LONGEST_WORDS))] if attention.words else []
    if attention.next:
        lines.append(step_line(attention.next, setting))
    title = line(bold(f"{number}  {attention.service}"), f": {attention.title}")
    item = Item(title, note, MARKS[attention.severity], tuple(lines))
    step = attention.next
    if step is None or step.kind is not StepKind.COMMAND:
        return [item]
    return [item, Buttons((Button(step.label or "Details", setting.here(step.text)),))]


def _short(attention: Attention, setting: Setting) -> Line:
    told = (bold(attention.service), f": {attention.title} ({attention.severity.word})")
    step = attention.next
    if step is None or step.kind is not StepKind.COMMAND:
        return line(*told)
    return line(*told, ": ", code(setting.here(step.text)))


def _fine(checkup: Checkup) -> list[Line]:
    """Say what is well: with its figures where nothing needs a person, else by name alone, for that is what counts."""
    fine = [section for section in checkup.sections if section.is_fine]
    if not checkup.attentions:
        return _packed("Fine: ", fine)
    return [line("Fine: ", ", ".join(section.name for section in fine))] if fine else []


def _is_remark(section: Section) -> bool:
    """Tell what is told in its line alone: it is no cause to act, or was looked at in part."""
    return bool(section.words) and not section.is_fine and not section.attentions


def _packed(label: str, sections: Sequence[Section]) -> list[Line]:
    """Return the lines of sections one after the other, as many on a line as there is room for."""
    rows: list[list[Section]] = []
    room = 0
    for section in sections:
        takes = len(section.name) + len(section.words) + 5
        if not rows or takes > room:
            rows.append([])
            room = WIDTH - (len(label) if len(rows) == 1 else 0)
        rows[-1].append(section)
        room -= takes
    lines = [_row(row) for row in rows]
    return [line(label, *lines[0]), *lines[1:]] if lines else []


def _row(sections: Sequence[Section]) -> Line:
    parts: list[str | Span] = []
    for section in sections:
        parts += [" · "] if parts else []
        parts += [bold(section.name), f": {section.words}"]
    return line(*parts)


def _unchecked(checkup: Checkup) -> list[Line]:
    """Say what could not be looked at, equal reasons together."""
    reasons: dict[str, list[str]] = {}
    for section in checkup.sections:
        if section.problem:
            reasons.setdefault(section.problem, []).append(section.name)
    lines = [line(f"Not checked: {', '.join(names)} ({reason})") for reason, names in reasons.items()]
    of_report = checkup.report.seen.not_checked if checkup.report.seen else ()
    # What was read besides the snapshot belongs to no section.
    return lines + [line(f"Not checked: {one.what} ({one.reason})") for one in of_report if one.status is None]


def _small_print(checkup: Checkup, setting: Setting) -> Line:
    took = f"Checked in {milliseconds(checkup.took_s * 1000)} · "
    report = checkup.report.seen
    if report is None:
        return line(f"{took}{checkup.scope}{seen_by(setting)}")
    return line(took, *freshness_line(report.snapshot, setting))


ACTION = Query(
    name="health",
    summary="Check everything of a namespace or a service at once, and say what needs a person",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.LOGS, Need.CATALOGUE, Need.PROBES, Need.EXTRAS}),
    observe=observe,
    render=render,
    examples=(
        ("health", "the default namespace"),
        ("health api", "one service and what belongs to it"),
        ("health -n kube-system", "another namespace"),
    ),
)
