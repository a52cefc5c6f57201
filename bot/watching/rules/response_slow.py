"""A service answers its health URL, but slowly."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.findings import Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.probes import Health, Probed
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.causes import Causes
from bot.watching.measuring import CONFIRM_S, Found, Level, gathered, level, title, unasked, words
from bot.watching.rule import Rule

NAME = "slow"


def judge(world: World) -> Judged:
    if world.probed.seen is None:
        return Judged(unknown=(Unknown(f"{NAME}:", world.probed.problem),))
    causes = Causes(world)
    asked = [each for each in world.probed.seen if not each.target.is_dependency]
    return gathered(found for each in asked for found in _judge(world, each, causes))


def _judge(world: World, probed: Probed, causes: Causes) -> Iterator[Found]:
    target, took_ms = probed.target, probed.took_ms
    key, most_s = f"{NAME}:{target.name}", min(target.slow_s, world.thresholds.response_s)
    if probed.health in (Health.FAILED, Health.UNKNOWN) or took_ms is None:
        yield unasked(probed, key)  # one that fails is not told to be fast again
    elif probed.health is Health.SLOW or level(took_ms / 1000, most_s) is Level.OVER:
        name = target.service or target.name
        yield Signal(
            key=key,
            rule=NAME,
            severity=Severity.WARNING,
            cause=causes.of_target(target),
            title=title(f"{name} answers slowly"),
            words=words(f"{target.name} took {took_ms / 1000:.1f} s, more than {most_s:g} s."),
            hold_s=CONFIRM_S,
            clear_s=float(world.thresholds.clear_s),
            service=target.service,
            targets=(target.identity,),
        )
    elif level(took_ms / 1000, most_s) is Level.BETWEEN:
        yield key


RULE = Rule(
    name=NAME,
    summary="A service's health URL takes more than two seconds",
    severity="warning",
    judge=judge,
)
