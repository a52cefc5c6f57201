"""Whatever else the diagnosis calls critical: nothing critical goes without an alert."""

from __future__ import annotations

from bot.domain.findings import Finding, Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.world import Judged, World
from bot.watching.causes import Causes
from bot.watching.measuring import gathered, title, words
from bot.watching.rule import Rule
from bot.watching.rules.crash_loop import CRASHES
from bot.watching.sight import unseen

NAME = "finding"
HOLD_S = 60.0


def judge(world: World) -> Judged:
    report = world.report.seen
    if report is None:
        return gathered(unseen(world, NAME))
    causes = Causes(world)
    critical = [each for each in report.findings if each.severity is Severity.CRITICAL and each.code not in CRASHES]
    return gathered([*(_signal(world, each, causes) for each in critical), *unseen(world, NAME)])


def _signal(world: World, finding: Finding, causes: Causes) -> Signal:
    return Signal(
        key=f"{NAME}:{finding.target}:{finding.code}",
        rule=NAME,
        severity=Severity.CRITICAL,
        cause=causes.of_finding(finding),
        title=title(f"{causes.name(finding.target)}: {finding.title}"),
        words=words(finding.summary),
        hold_s=HOLD_S,
        clear_s=float(world.thresholds.clear_s),
        service=causes.service(finding.target),
        since=finding.since,
    )


RULE = Rule(
    name=NAME,
    summary="Anything else that the diagnosis calls critical, for a minute",
    severity="critical",
    judge=judge,
)
