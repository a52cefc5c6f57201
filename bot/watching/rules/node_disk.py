"""A node's disk is almost full. It is told of its cluster, once."""

from __future__ import annotations

from bot.domain.watch.world import Judged, World
from bot.watching.rule import Rule
from bot.watching.rules.disk import judged, watches

NAME = "node-disk"


def judge(world: World) -> Judged:
    return judged(NAME, "Node", world, world.nodes)


RULE = Rule(
    name=NAME,
    summary="A node's disk is more than 90 % full, where that may be read",
    severity="critical",
    judge=judge,
    of_cluster=True,
    watches=watches,
)
