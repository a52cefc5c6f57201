"""The one word of a check. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.checkup.seen import Seen
from bot.domain.findings import Severity, Verdict
from bot.domain.watch.checkups import Attention
from bot.domain.watch.probes import Health


def verdict_of(seen: Seen, attentions: Iterable[Attention]) -> Verdict:
    """Judge: down when the diagnosis says so or every health URL fails, else by the worst that needs a person.

    What decides is the state of the workloads and the health URLs; when one of them could not be looked at, nothing is
    called healthy.
    """
    told = seen.cluster.seen.report.verdict if seen.cluster.seen else Verdict.UNKNOWN
    asked = [probed.health for probed in seen.health.seen or ()]
    answers = [health for health in asked if health is not Health.UNKNOWN]
    if told is Verdict.DOWN or (answers and all(health is Health.FAILED for health in answers)):
        return Verdict.DOWN
    worst = max((attention.severity for attention in attentions), default=Severity.INFO)
    if told is Verdict.UNKNOWN and worst is not Severity.CRITICAL:
        return Verdict.UNKNOWN
    if told is Verdict.DEGRADED or worst is not Severity.INFO:
        return Verdict.DEGRADED
    if seen.health.problem or len(answers) < len(asked):
        return Verdict.UNKNOWN
    return Verdict.HEALTHY
