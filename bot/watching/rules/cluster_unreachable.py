"""A cluster, or a namespace of it, cannot be read: everything else about it is unknown meanwhile."""

from __future__ import annotations

from bot.domain.findings import Severity
from bot.domain.watch.episodes import Signal
from bot.domain.watch.world import Judged, Unknown, World
from bot.watching.measuring import title, words
from bot.watching.rule import Rule

NAME = "unreachable"
HOLD_S, CLEAR_S = 120.0, 60.0


def judge(world: World) -> Judged:
    cluster = world.scope.cluster
    away = {namespace: why for namespace, why in world.namespaces.items() if why}
    if not away:
        return Judged()
    if len(away) == len(world.namespaces):
        why = next(iter(away.values()))
        # Whether one of them can be read by itself, nobody knows before the cluster can.
        return Judged((_signal(cluster, f"cluster {cluster}", cluster, why),), (Unknown(f"{NAME}:{cluster}/", why),))
    return Judged(
        tuple(
            _signal(f"{cluster}/{namespace}", f"namespace {namespace} of {cluster}", f"{cluster}/{namespace}", why)
            for namespace, why in away.items()
        )
    )


def watches(world: World, signal: Signal) -> bool:
    """Tell whether the namespace is still one of those that are looked at; the cluster is, or nobody would judge."""
    _, _, namespace = signal.key.partition("/")
    return not namespace or namespace in world.namespaces


def _signal(key: str, what: str, cause: str, why: str) -> Signal:
    return Signal(
        key=f"{NAME}:{key}",
        rule=NAME,
        severity=Severity.CRITICAL,
        cause=f"cluster/{cause}",
        title=title(f"{what} cannot be read"),
        words=words(f"{why} What it is like there is not known."),
        hold_s=HOLD_S,
        clear_s=CLEAR_S,
    )


RULE = Rule(
    name=NAME,
    summary="A cluster, or a namespace of it, cannot be read for two minutes",
    severity="critical",
    judge=judge,
    of_cluster=True,
    watches=watches,
)
