"""A PostgreSQL that a service depends on fails, has no connection left, or is not reached by those that use it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnosis.dependency_verdicts import said_in
from bot.domain.findings import Finding, Report, Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.probes import ProbeKind, ProbeTarget
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.causes import Causes
from bot.watching.measuring import CONFIRM_S, failing, gathered, title, words
from bot.watching.rule import Rule
from bot.watching.sight import unread

NAME = "database"
_probed = failing(NAME, frozenset({ProbeKind.POSTGRESQL}))


def judge(world: World) -> Judged:
    by_us = _probed(world)
    told = {signal.key for signal in by_us.signals}
    by_pods = gathered(found for found in _by_pods(world) if not isinstance(found, Signal) or found.key not in told)
    return Judged((*by_us.signals, *by_pods.signals), (*by_us.unknown, *by_pods.unknown))


def _by_pods(world: World) -> Iterator[Signal | Unknown]:
    """Give what programs say when they do not reach a database that we may well reach."""
    asked = [each for each in world.probed.seen or () if each.target.kind is ProbeKind.POSTGRESQL]
    if world.report.seen is None:
        yield from (Unknown(f"{NAME}:{each.target.name}", world.report.problem) for each in asked)
        return
    causes, report = Causes(world), world.report.seen
    for target in (each.target for each in asked):
        said = ((each, said_in(each, target)) for each in report.findings if each.is_problem)
        finding, reason = next((found for found in said if found[1] is not None), (None, None))
        if finding is not None and reason is not None:
            yield _signal(world, target, finding, reason.line, causes)
        elif why := _unheard(world, report, target):
            yield Unknown(f"{NAME}:{target.name}", why)


def _unheard(world: World, report: Report, target: ProbeTarget) -> str:
    """Say why programs that use a target may complain and nobody hear it; empty when they do not."""
    users = [world.catalogue.entries[alias] for alias in target.used_by if alias in world.catalogue.entries]
    why = unread(report.snapshot, (user.kind for user in users))
    if why:
        return why
    own = {(user.kind, user.name) for user in users}
    pods = {
        pod
        for each in report.findings
        if each.is_problem and (each.target.kind, each.target.name) in own
        for pod in each.pods
    }
    logs = (log for key, log in report.snapshot.logs.items() if key.pod in pods)
    return next((f"logs: {log.problem}" for log in logs if log.problem and not log.lines), "")


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
        targets=(target.identity,),
    )


RULE = Rule(
    name=NAME,
    summary="A PostgreSQL fails, has no connection left, or refuses those that depend on it",
    severity="critical",
    judge=judge,
)
