"""The quota of the namespace: how much of it is taken."""

from __future__ import annotations

from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen
from bot.domain.findings import NextStep, Severity, StepKind
from bot.domain.watch.checkups import Attention, Section
from bot.domain.watch.extras import Quota
from bot.redaction import redact

NAME = "quota"
# From this share on the next release may not fit any more.
FULL = 0.9


def look(seen: Seen) -> Section | None:
    if seen.service:
        return None
    looked = seen.quotas
    if looked.seen is None:
        return Section(name=NAME, problem="" if looked.absent else looked.problem, absent=looked.absent)
    known = [quota for quota in looked.seen if quota.share is not None]
    if not known:
        return Section(name=NAME, absent=True)
    most = max(known, key=lambda quota: quota.share or 0.0)
    full = [quota for quota in known if (quota.share or 0.0) >= FULL]
    return Section(
        name=NAME,
        words=f"at most {_percent(most)} taken ({most.resource}: {most.used} of {most.hard})",
        noted=bool(full),
        attentions=tuple(_attention(seen, quota) for quota in full if not _is_told(seen, quota)),
    )


def _percent(quota: Quota) -> str:
    return f"{(quota.share or 0.0) * 100:.0f} %"


def _is_told(seen: Seen, quota: Quota) -> bool:
    """Tell whether a finding says already that pods are refused for want of it."""
    told = [finding.summary for finding in seen.findings if finding.code == "QUOTA_EXCEEDED"]
    return any(quota.name in summary and quota.resource in summary for summary in told)


def _attention(seen: Seen, quota: Quota) -> Attention:
    namespace = seen.scope.namespace
    return Attention(
        key=f"QUOTA_NEARLY_FULL:{quota.name}/{quota.resource}",
        severity=Severity.WARNING,
        service=namespace,
        title=f"quota {quota.name} is {_percent(quota)} full",
        words=redact(f"{quota.used} of {quota.hard} {quota.resource} are taken; what does not fit is refused."),
        next=NextStep(StepKind.MANUAL, f"kubectl -n {namespace} describe quota {quota.name}", "shows all its figures"),
    )


SECTION = SectionKind(order=110, reading="quotas", look=look)
