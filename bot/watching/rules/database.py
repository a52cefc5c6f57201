"""A PostgreSQL that a service depends on fails, has no connection left, or is not reached by those that use it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnosis.dependency_verdicts import said_in
from bot.domain.findings import Finding, Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.probes import ProbeKind, ProbeTarget
from bot.domain.watch.world import Judged, World
from bot.watching.causes import Causes
from bot.watching.measuring import CONFIRM_S, failing, gathered, title, words
from bot.watching.rule import Rule

NAME = "database"
_probed = failing(NAME, frozenset({ProbeKind.POSTGRESQL}))


def judge(world: World) -> Judged:
    by_us = _probed(world)
    told = {signal.key for signal in by_us.signals}
    by_pods = gathered(found for found in _by_pods(world) if not isinstance(found, Signal) or found.key not in told)
    said = {signal.key for signal in by_pods.signals}
    unknown = tuple(key for key in by_us.unknown if key not in said)
    return Judged((*by_us.signals, *by_pods.signals), (*unknown, *by_pods.unknown))


def _by_pods(world: World) -> Iterator[Signal | str]:
    """Give what programs say when they do not reach a database that we may well reach."""
    asked = [each for each in world.probed.seen or () if each.target.kind is ProbeKind.POSTGRESQL]
    if world.report.seen is None:
        yield from (f"{NAME}:{each.target.name}" for each in asked)
        return
    causes = Causes(world)
    for each in asked:
        for finding in world.report.seen.findings:
            reason = said_in(finding, each.target) if finding.is_problem else None
            if reason is not None:
                yield _signal(world, each.target, finding, reason.line, causes)
                break


def _signal(world: World, target: ProbeTarget, finding: Finding, line: str, causes: Causes) -> Signal:
    return Signal(
        key=f"{NAME}:{target.name}",
        rule=NAME,
        severity=Severity.CRITICAL,
        cause=causes.of_finding(finding),
        title=title(f"{causes.name(finding.target)} does not reach {target.name}"),
        words=words(line),
        hold_s=CONFIRM_S,
        clear_s=float(world.thresholds.clear_s),
        service=target.service,
    )


RULE = Rule(
    name=NAME,
    summary="A PostgreSQL fails, has no connection left, or refuses those that depend on it",
    severity="critical",
    judge=judge,
)
