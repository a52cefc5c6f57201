"""The cluster cannot be read: everything else about it is unknown meanwhile."""

from __future__ import annotations

from bot.domain.findings import Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.world import Judged, World
from bot.watching.measuring import title, words
from bot.watching.rule import Rule

NAME = "unreachable"
HOLD_S = 120.0


def judge(world: World) -> Judged:
    if world.report.seen is not None:
        return Judged()
    cluster = world.scope.cluster
    return Judged(
        (
            Signal(
                key=f"{NAME}:{cluster}",
                rule=NAME,
                severity=Severity.CRITICAL,
                cause=f"cluster/{cluster}",
                title=title(f"cluster {cluster} cannot be read"),
                words=words(f"{world.report.problem} What it is like there is not known."),
                hold_s=HOLD_S,
                clear_s=60.0,
            ),
        )
    )


RULE = Rule(
    name=NAME,
    summary="A cluster cannot be read for two minutes",
    severity="critical",
    judge=judge,
    of_cluster=True,
)
