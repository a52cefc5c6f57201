"""A workload's container uses most of its CPU limit, for minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from bot.domain.findings import Severity
from bot.domain.targets import ObjectRef
from bot.domain.watch.episodes import Signal
from bot.domain.watch.samples import SampleAt
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.causes import Causes
from bot.watching.measuring import Found, Level, by_workload, gathered, level, percent, title, unmeasured, words
from bot.watching.rule import Rule
from bot.watching.sight import unseen

NAME = "cpu"


def judge(world: World) -> Judged:
    if world.report.seen is None or world.samples.seen is None:
        return Judged(unknown=(Unknown(f"{NAME}:", world.report.problem or world.samples.problem),))
    window = by_workload(world.samples.seen, after=world.now - timedelta(minutes=world.thresholds.cpu_minutes))
    causes = Causes(world)
    judged = [found for ref, own in window.items() for found in _judge(world, ref, own, causes)]
    return gathered([*judged, *unseen(world, NAME)])


def _judge(world: World, ref: ObjectRef, own: Sequence[SampleAt], causes: Causes) -> Iterator[Found]:
    key, minutes, threshold = f"{NAME}:{ref}", world.thresholds.cpu_minutes, world.thresholds.cpu_percent / 100
    known = [(each.at.replace(second=0, microsecond=0), each.sample.cpu_share) for each in own]
    shares = [(minute, share) for minute, share in known if share is not None]
    if not shares:
        if own[-1].at == world.now and own[-1].sample.cpu_m is not None:
            return  # it is measured, and has no limit
        yield Unknown(key, unmeasured(world))
    elif len({minute for minute, _ in shares}) >= minutes and all(share >= threshold for _, share in shares):
        highest = max(share for _, share in shares)
        yield Signal(
            key=key,
            rule=NAME,
            severity=Severity.WARNING,
            cause=causes.of(ref),
            title=title(f"{causes.name(ref)} uses most of its CPU limit"),
            words=words(
                f"At least {percent(threshold)} of the limit for {minutes} minutes, at most {percent(highest)}."
            ),
            clear_s=float(world.thresholds.clear_s),
            service=causes.service(ref),
        )
    elif level(shares[-1][1], threshold) is not Level.UNDER:
        yield key


RULE = Rule(
    name=NAME,
    summary="A container uses more than 80 % of its CPU limit for five minutes",
    severity="warning",
    judge=judge,
)
