"""`deps`: what services depend on, asked by us and compared with what their pods say themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.checkup import (
    Dependencies,
    Dependency,
    asked_of,
    example_tables,
    look_at_dependencies,
    milliseconds,
    probed_data,
)
from bot.closing import closing_buttons, freshness_line, seen_by, step_line
from bot.diagnosis.dependency_verdicts import Standing
from bot.domain.actions import Need, Query, Setting, argument
from bot.domain.findings import StepKind
from bot.domain.text import count, listed
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
from bot.domain.watch.probes import Health, Probed, Stage
from bot.ports import Sources

# What is well is shown in full only where there is little of it.
IN_FULL = 3
MOST_LINES = 20
MOST_NAMED = 3
_WORDS = {
    Health.OK: ("answers", Mark.OK),
    Health.SLOW: ("is slow", Mark.WARNING),
    Health.DEGRADED: ("answers, but needs care", Mark.WARNING),
    Health.FAILED: ("fails", Mark.CRITICAL),
    Health.UNKNOWN: ("could not be asked", Mark.UNKNOWN),
}
_WORST_FIRST = (Health.FAILED, Health.DEGRADED, Health.SLOW, Health.UNKNOWN, Health.OK)


@dataclass(frozen=True, slots=True)
class Params:
    """Whose dependencies; those of the whole namespace when empty."""

    service: str = argument("a service of the catalogue or a workload's name", default="", names_service=True)


async def observe(params: Params, sources: Sources) -> Dependencies:
    return await look_at_dependencies(asked_of(sources, params.service))


def render(params: Params, seen: Dependencies, setting: Setting) -> View:
    if not seen.targets:
        return _nothing_configured(seen, setting)
    if seen.problem:
        return _not_asked(seen, setting)
    ordered = sorted(seen.dependencies, key=_badness)
    summary, mark = _verdict(seen)
    blocks: list[Block] = [Headline(summary, mark)]
    well = [each for each in ordered if _is_well(each)]
    in_full = len(ordered) <= IN_FULL
    for each in ordered:
        if in_full or not _is_well(each):
            blocks += _item(each, setting)
    if well and not in_full:
        blocks.append(Paragraph(tuple(_short(each) for each in well)))
    blocks.append(Context((*_unread(seen), _small_print(seen, setting))))
    blocks.append(closing_buttons(setting))
    return View(summary, tuple(blocks), data=_data(seen), exit_code=_exit_code(seen))


def _is_well(each: Dependency) -> bool:
    return each.probed.health is Health.OK and not _is_missed(each)


def _is_missed(each: Dependency) -> bool:
    """Tell what we reach and the pods do not."""
    return each.verdict is not None and each.verdict.standing is Standing.PODS_DO_NOT


def _badness(each: Dependency) -> tuple[int, str]:
    place = 0 if _is_missed(each) else _WORST_FIRST.index(each.probed.health)
    return place, each.probed.target.name


def _verdict(seen: Dependencies) -> tuple[str, Mark]:
    name, total = seen.service or seen.scope.namespace, len(seen.dependencies)
    of_all = f"{count(total, 'dependency', 'dependencies')} of {name}"
    failed = [each.probed.target.name for each in seen.dependencies if each.probed.health is Health.FAILED]
    missed = [each.probed.target.name for each in seen.dependencies if _is_missed(each)]
    if failed:
        return (
            f"{len(failed)} of {of_all} {_verb(failed, 'fails', 'fail')}: {listed(failed, MOST_NAMED)}",
            Mark.CRITICAL,
        )
    if missed:
        return f"The pods of {name} do not reach {listed(missed, MOST_NAMED)}, though it answers us", Mark.CRITICAL
    weak = [
        each.probed.target.name for each in seen.dependencies if each.probed.health in (Health.SLOW, Health.DEGRADED)
    ]
    if weak:
        return f"{len(weak)} of {of_all} {_verb(weak, 'needs', 'need')} care: {listed(weak, MOST_NAMED)}", Mark.WARNING
    unknown = [each.probed.target.name for each in seen.dependencies if each.probed.health is Health.UNKNOWN]
    if unknown:
        return f"{len(unknown)} of {of_all} could not be asked: {listed(unknown, MOST_NAMED)}", Mark.UNKNOWN
    return f"{of_all}: {'all answer' if total > 1 else 'it answers'}", Mark.OK


def _verb(names: Sequence[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several


def _exit_code(seen: Dependencies) -> int:
    if any(each.probed.health in (Health.FAILED, Health.DEGRADED, Health.SLOW) for each in seen.dependencies):
        return 1
    if any(_is_missed(each) for each in seen.dependencies):
        return 1
    return 2 if any(each.probed.health is Health.UNKNOWN for each in seen.dependencies) else 0


def _item(each: Dependency, setting: Setting) -> list[Block]:
    probed = each.probed
    word, mark = _WORDS[probed.health]
    title = line(bold(probed.target.name), f": {probed.target.kind.value}, {word}")
    lines = [line("Step by step: ", _stages(probed.stages))] if probed.stages else []
    if probed.facts:
        lines.append(line(_facts(probed)))
    for trouble in probed.troubles:
        lines.append(line(trouble.words))
        if trouble.advice:
            lines.append(line("Advice: ", trouble.advice))
    steps = each.verdict.next if each.verdict else ()
    if each.verdict:
        lines.append(line(each.verdict.words))
    lines += [step_line(step, setting) for step in steps]
    took = milliseconds(probed.took_ms) if probed.took_ms is not None else ""
    blocks: list[Block] = [Item(title, took, Mark.CRITICAL if _is_missed(each) else mark, tuple(lines))]
    if probed.lines:
        text = "\n".join(probed.lines[:MOST_LINES])
        blocks.append(Code(text, title=f"{probed.target.name}, what it says"))
    offered = tuple(
        Button(step.label, setting.here(step.text)) for step in steps if step.label and step.kind is StepKind.COMMAND
    )
    return [*blocks, Buttons(offered)] if offered else blocks


def _stages(stages: Sequence[Stage]) -> str:
    """Say each step of the way with its time; a step that failed is said to have."""
    told = []
    for stage in stages:
        took = f" {milliseconds(stage.took_ms)}" if stage.took_ms is not None else ""
        words = f" ({stage.words})" if stage.words and not stage.ok else ""
        told.append(f"{stage.name}{took}{'' if stage.ok else ' failed'}{words}")
    return " · ".join(told)


def _facts(probed: Probed) -> str:
    return " · ".join(f"{label} {value}" for label, value in probed.facts)


def _short(each: Dependency) -> Line:
    probed = each.probed
    took = f" in {milliseconds(probed.took_ms)}" if probed.took_ms is not None else ""
    facts = f" · {_facts(probed)}" if probed.facts else ""
    return line(bold(probed.target.name), f": {probed.target.kind.value}, answers{took}{facts}")


def _unread(seen: Dependencies) -> list[Line]:
    if seen.report.seen is None:
        return [line(f"Not checked: what the pods say ({seen.report.problem})")]
    return []


def _small_print(seen: Dependencies, setting: Setting) -> Line:
    took = f"Asked in {milliseconds(seen.took_s * 1000)} · "
    if seen.report.seen is None:
        return line(f"{took}{seen.scope}{seen_by(setting)}")
    return line(took, *freshness_line(seen.report.seen.snapshot, setting))


def _not_asked(seen: Dependencies, setting: Setting) -> View:
    name = seen.service or seen.scope.namespace
    summary = f"The dependencies of {name} could not be asked: {seen.problem}"
    names = listed([target.name for target in seen.targets], MOST_NAMED)
    blocks = (
        Headline(summary, Mark.UNKNOWN),
        Paragraph((line(f"Configured: {names}."),)),
        Context((_small_print(seen, setting),)),
        closing_buttons(setting),
    )
    return View(summary, blocks, data=_data(seen), exit_code=2)


def _nothing_configured(seen: Dependencies, setting: Setting) -> View:
    """Say how to name dependencies, with what runs here as the example."""
    name = seen.service or seen.scope.namespace
    summary = f"No dependency of {name} is configured"
    known = sorted(seen.catalogue.entries)
    catalogue = f"The catalogue knows {listed(known)} here." if known else "The catalogue knows no service here."
    blocks = (
        Headline(summary, Mark.UNKNOWN),
        Paragraph(
            (line(catalogue, " Only what ", code("ragops.toml"), " names is ever asked; name a dependency such as:"),)
        ),
        Code(example_tables(seen), title="ragops.toml"),
        Context((_small_print(seen, setting),)),
        closing_buttons(setting),
    )
    return View(summary, blocks, data=_data(seen), exit_code=2)


def _data(seen: Dependencies) -> dict[str, object]:
    return {
        "cluster": seen.scope.cluster,
        "namespace": seen.scope.namespace,
        "service": seen.service,
        "at": seen.at.isoformat(timespec="seconds"),
        "took_s": round(seen.took_s, 3),
        "problem": seen.problem or seen.report.problem,
        "configured": [target.name for target in seen.targets],
        "dependencies": [
            {
                **probed_data(each.probed),
                "used_by": list(each.probed.target.used_by),
                "pods": (
                    {"standing": each.verdict.standing.value, "words": each.verdict.words} if each.verdict else None
                ),
            }
            for each in seen.dependencies
        ],
    }


ACTION = Query(
    name="deps",
    summary="Ask what a service depends on, and compare with what its pods say",
    params=Params,
    needs=frozenset({Need.CLUSTER, Need.LOGS, Need.CATALOGUE, Need.PROBES}),
    observe=observe,
    render=render,
    examples=(
        ("deps api", "what one service depends on"),
        ("deps", "what all services of the default namespace depend on"),
    ),
)
