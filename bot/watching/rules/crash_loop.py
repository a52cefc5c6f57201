"""A program crashes again and again: the diagnosis says so, or its restarts do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from bot.diagnosis.causes.crash_codes import CODES
from bot.domain.findings import Finding, Severity
from bot.domain.targets import ObjectRef
from bot.domain.text import count
from bot.domain.watch.episodes import Signal
from bot.domain.watch.samples import SampleAt
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.causes import Causes
from bot.watching.measuring import Found, by_workload, gathered, title, words
from bot.watching.rule import Rule
from bot.watching.sight import unseen

NAME = "crash-loop"
CRASHES = frozenset({*(code.name for code in CODES), "OOM_KILLED", "OOM_NODE", "LIVENESS_FAILING", "POST_START_FAILED"})


def judge(world: World) -> Judged:
    report = world.report.seen
    if report is None:
        return gathered(unseen(world, NAME))
    causes = Causes(world)
    crashing: dict[ObjectRef, Finding] = {}
    for finding in report.findings:
        if finding.code in CRASHES and finding.is_problem:
            crashing.setdefault(finding.target, finding)
    found: list[Found] = [
        replace(
            _signal(world, ref, finding.title, finding.summary, causes, cause=causes.of_finding(finding)),
            since=finding.since,
        )
        for ref, finding in crashing.items()
    ]
    if world.samples.seen is None:
        # Which others restarted is not known.
        return gathered([*found, Unknown(f"{NAME}:", world.samples.problem)])
    restarting = _restarting(world, world.samples.seen, crashing.keys(), causes)
    return gathered([*found, *restarting, *unseen(world, NAME)])


def _restarting(
    world: World, samples: Sequence[SampleAt], told: Iterable[ObjectRef], causes: Causes
) -> Iterator[Signal]:
    minutes = world.thresholds.restarts_minutes
    for ref, own in by_workload(samples, after=world.now - timedelta(minutes=minutes)).items():
        restarts = sum(max(0, now.sample.restarts - was.sample.restarts) for was, now in pairwise(own))
        if ref not in told and restarts >= world.thresholds.restarts:
            said = f"Its pods restarted {count(restarts, 'time')} in {minutes} minutes."
            yield _signal(world, ref, "restarts again and again", said, causes, cause=causes.of(ref))


def _signal(world: World, ref: ObjectRef, what: str, why: str, causes: Causes, *, cause: str) -> Signal:
    return Signal(
        key=f"{NAME}:{ref}",
        rule=NAME,
        severity=Severity.CRITICAL,
        cause=cause,
        title=title(f"{causes.name(ref)}: {what}"),
        words=words(why),
        clear_s=float(world.thresholds.clear_s),
        service=causes.service(ref),
    )


RULE = Rule(
    name=NAME,
    summary="A program crashes again and again, or restarts three times in ten minutes",
    severity="critical",
    judge=judge,
)
