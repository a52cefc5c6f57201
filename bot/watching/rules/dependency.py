"""Something else that a service depends on (over HTTP, TCP or TLS) does not answer."""

from __future__ import annotations

from bot.domain.watch.probes import ProbeKind
from bot.watching.measuring import failing
from bot.watching.rule import Rule

RULE = Rule(
    name="dependency",
    summary="Something else that a service depends on does not answer",
    severity="critical",
    judge=failing("dependency", frozenset({ProbeKind.HTTP, ProbeKind.TCP, ProbeKind.TLS})),
)
