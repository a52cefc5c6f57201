"""Judge whether a change helped: look again once it has settled, and compare with what was wrong before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from bot.diagnosis import DECISIVE_PARTS, Index
from bot.domain.findings import Finding, Report
from bot.domain.operations import Operation, Verdict
from bot.domain.snapshot import Freshness
from bot.domain.targets import WORKLOAD_KINDS, ObjectRef
from bot.domain.transitions import judged
from bot.engine.cards import verdict_view
from bot.engine.keeping import entry, keep
from bot.engine.workshop import Workshop
from bot.errors import ClusterError, UsageError
from bot.examine import examine
from bot.planning.ground import about

log = logging.getLogger(__name__)

_DUE = 20
# Who looks has so long before another one does.
_LOOKING = timedelta(seconds=30)
# A cluster that cannot be looked at for so long is not waited for any more: then nothing was checked.
_PATIENCE = timedelta(minutes=10)


def verdict_of(operation: Operation, report: Report) -> Verdict:
    """Compare what is wrong with what the change was about now with what was wrong when it was planned.

    `report` is of the whole namespace. What could not be looked at is never gone.
    """
    watched = operation.plan.draft.watch or operation.plan.draft.target.ref
    unseen = _unseen(report, watched)
    if unseen:
        return Verdict(not_checked=unseen)
    before = {symptom.code: symptom.title for symptom in operation.plan.draft.symptoms}
    now = _wrong(report, watched)
    # A whole namespace is not what a change is about: only what it was asked for can be told.
    more = now if watched.kind in WORKLOAD_KINDS else {}
    return Verdict(
        gone=tuple(title for code, title in before.items() if code not in now),
        stayed=tuple(now[code] for code in before if code in now),
        new=tuple(title for code, title in more.items() if code not in before),
    )


def _unseen(report: Report, watched: ObjectRef) -> str:
    snapshot = report.snapshot
    parts = [part.value for part in DECISIVE_PARTS if snapshot.status(part).freshness is not Freshness.LIVE]
    if parts:
        return f"{', '.join(parts)}: not seen as they are now"
    if watched.kind in WORKLOAD_KINDS and watched not in Index(snapshot).workload_by_ref:
        return f"{watched} is gone"
    return ""


def _wrong(report: Report, watched: ObjectRef) -> Mapping[str, str]:
    """Return what is wrong with a workload, chosen as its symptoms were; of anything else, what is wrong anywhere."""
    workload = Index(report.snapshot).workload_by_ref.get(watched)
    findings = about(report, workload) if workload is not None else report.findings
    wrong: dict[str, str] = {}
    for finding in findings:
        felt = [each for each in finding.consequences if each.target == watched]
        if _counts(finding, watched, felt=bool(felt)):
            wrong.setdefault(finding.code, finding.title)
        for each in felt:
            wrong.setdefault(each.code, each.title)
    return wrong


def _counts(finding: Finding, watched: ObjectRef, *, felt: bool) -> bool:
    return finding.is_problem and (finding.target == watched or not felt)


class Aftercare:
    """Gives each change that was carried out its verdict, once."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    async def step(self) -> bool:
        """Judge one operation whose verdict is due; False when there is none. Raises `StoreUnavailable`."""
        for operation_id in await self._workshop.store.operations.due(limit=_DUE):
            operation = await self._claimed(operation_id)
            if operation is not None:
                await self._judge(operation)
                return True
        return False

    async def _claimed(self, operation_id: str) -> Operation | None:
        """Take a due verdict by putting it off for a while; None when it is not due, or somebody has it."""
        async with self._workshop.store.transaction() as transaction:
            found = await transaction.operation(operation_id)
            now = await transaction.now()
            if found is None or found.verdict is not None or found.verdict_due is None or found.verdict_due > now:
                return None
            claimed = replace(found, verdict_due=now + _LOOKING)
            await transaction.save(claimed)
        return claimed

    async def _judge(self, operation: Operation) -> None:
        target = operation.plan.draft.target
        try:
            report, _ = await examine(self._workshop.cluster, self._workshop.logs, target.scope)
        except (ClusterError, UsageError) as error:
            # The place may not be configured any more.
            log.info("a change is not judged yet: %s", error.message, extra={"event": "verdict_waits"})
            verdict = Verdict(not_checked="the cluster could not be read")
        else:
            verdict = verdict_of(operation, report)
        await self._tell(operation, verdict)

    async def _tell(self, operation: Operation, verdict: Verdict) -> None:
        async with self._workshop.store.transaction() as transaction:
            found = await transaction.operation(operation.id)
            now = await transaction.now()
            if found is None or found.verdict is not None:
                return
            ended = found.ended_at or now
            if verdict.not_checked and now - ended < _PATIENCE:
                return  # it is due again soon
            changed = replace(judged(found, verdict), verdict_due=None)
            written = entry(
                changed,
                "verdict",
                gone=len(verdict.gone),
                stayed=len(verdict.stayed),
                new=len(verdict.new),
                not_checked=verdict.not_checked,
            )
            if not await keep(transaction, self._workshop, changed, written, told=verdict_view(changed)):
                return
        await self._workshop.at("verdict")
