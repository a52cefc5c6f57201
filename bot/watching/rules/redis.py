"""A Redis that a service depends on fails, or something about it is critical."""

from __future__ import annotations

from bot.domain.watch.probes import ProbeKind
from bot.watching.measuring import failing
from bot.watching.rule import Rule

RULE = Rule(
    name="redis",
    summary="A Redis that a service depends on fails, or something about it is critical",
    severity="critical",
    judge=failing("redis", frozenset({ProbeKind.REDIS})),
)
