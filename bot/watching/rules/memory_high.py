"""A workload's container uses most of its memory limit: at the limit it is killed."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.findings import Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.samples import Sample
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.causes import Causes
from bot.watching.measuring import CONFIRM_S, Found, Level, gathered, level, percent, title, unmeasured, words
from bot.watching.rule import Rule
from bot.watching.sight import unseen

NAME = "memory"


def judge(world: World) -> Judged:
    if world.report.seen is None or world.samples.seen is None:
        return Judged(unknown=(Unknown(f"{NAME}:", world.report.problem or world.samples.problem),))
    causes = Causes(world)
    now = [each.sample for each in world.samples.seen if each.at == world.now]
    return gathered([*(found for sample in now for found in _judge(world, sample, causes)), *unseen(world, NAME)])


def _judge(world: World, sample: Sample, causes: Causes) -> Iterator[Found]:
    key, share, threshold = f"{NAME}:{sample.ref}", sample.memory_share, world.thresholds.memory_percent / 100
    if share is None:
        if sample.memory is None:
            yield Unknown(key, unmeasured(world))
    elif level(share, threshold) is Level.OVER:
        yield Signal(
            key=key,
            rule=NAME,
            severity=Severity.WARNING,
            cause=causes.of(sample.ref),
            title=title(f"{causes.name(sample.ref)} uses most of its memory limit"),
            words=words(f"{percent(share)} of the limit; at the limit the kernel kills it."),
            hold_s=CONFIRM_S,
            clear_s=float(world.thresholds.clear_s),
            service=causes.service(sample.ref),
        )
    elif level(share, threshold) is Level.BETWEEN:
        yield key


RULE = Rule(
    name=NAME,
    summary="A container uses more than 85 % of its memory limit",
    severity="warning",
    judge=judge,
)
