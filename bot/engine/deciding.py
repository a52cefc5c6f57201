"""What people say to a request: approve, deny, cancel, withdraw, resolve. Decided under the row's lock.

People and cluster are read before; what was read is handed in, and read again when it has grown old at the lock. The
database's clock decides. Whatever is refused is on record, and changes nothing.
"""

from __future__ import annotations

import asyncio

from bot.domain.actions import Decision, DecisionKind, DecisionParams
from bot.domain.operations import WAITING, Operation
from bot.domain.people import Permission
from bot.domain.policy import Asked, Authorization
from bot.domain.text import first_line
from bot.domain.transitions import NotPossible
from bot.domain.view import View
from bot.engine import replies
from bot.engine.addressing import Misaddressed, addressed
from bot.engine.card_words import waited_for
from bot.engine.counting import REFUSED, count_decision
from bot.engine.evidence import Evidence, look, rights_on
from bot.engine.fillable import missing_groups
from bot.engine.judging import Said, Seen, Stale, decided, refusal, resolution_of
from bot.engine.keeping import keep, via
from bot.engine.workshop import Workshop
from bot.errors import ClusterError, ClusterThrottled, Lost, UsageError
from bot.ports import AuditEntry, Claimed

# How often what has grown old at the lock is read again.
_ROUNDS = 3
_LONGEST_REASON = 500
# Whoever took something back needs no look at anything: to stop must always be easy.
_BLIND = frozenset({DecisionKind.CANCEL, DecisionKind.WITHDRAW})


class Deciding:
    """Carries out what people say to requests."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    async def decide(self, claimed: Claimed, decision: Decision, params: DecisionParams) -> View:
        """Decide, keep it, and return what the person alone sees.

        Raises `UsageError` for words that make no sense, `StoreUnavailable`, `ClusterError`, and `Lost`.
        """
        request, kind = claimed.request, decision.kind
        if kind is DecisionKind.RESOLVE:
            resolution_of(params.words)
        try:
            meant = await addressed(self._workshop.store.operations, request, kind, params.request)
        except Misaddressed as wrong:
            return await self._misaddressed(claimed, kind, wrong)
        said = Said(request=request, kind=kind, words=params.words.strip()[:_LONGEST_REASON], meant=meant)
        for _ in range(_ROUNDS):
            seen = await self._look(said)
            try:
                answer, was, now = await self._settle(claimed, said, seen)
            except Stale:
                continue
            count_decision(self._workshop.meter, kind, was, now)
            return answer
        raise ClusterThrottled("What has to be read for this grows old before it can be used.")

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _look(self, said: Said) -> Seen:
        """Read what the decision needs, side by side. About what has ended nothing is read but for a resolution."""
        at, operation = self._workshop.clock.now(), said.meant.operation
        if said.kind in _BLIND or (said.kind is not DecisionKind.RESOLVE and operation.state not in WAITING):
            return Seen(at=at)
        async with asyncio.TaskGroup() as group:
            rights = group.create_task(self._rights(said))
            target = group.create_task(self._target(operation)) if said.kind is DecisionKind.APPROVE else None
        evidence = target.result() if target is not None else None
        if isinstance(evidence, str):
            return Seen(at=at, rights=rights.result(), problem=evidence)
        return Seen(at=at, rights=rights.result(), evidence=evidence)

    async def _rights(self, said: Said) -> Authorization:
        """Look the person up afresh; that it failed is an answer, too."""
        operation, actor = said.meant.operation, said.request.actor
        try:
            async with asyncio.timeout(self._workshop.look_s):
                rights = await rights_on(self._workshop, operation, actor, said.kind)
                if said.kind is DecisionKind.RESOLVE and rights.membership is not None and not rights.allowed:
                    asked = Asked(Permission.OPERATE, said.kind, operation.plan.draft.where)
                    rights = await self._workshop.rights.of(actor, asked)
                return rights
        except TimeoutError:
            reason = "your groups could not be read (no answer in time)"
            return Authorization(allowed=False, permission=Permission.APPROVE, reason=reason)

    async def _target(self, operation: Operation) -> Evidence | str:
        """Read the target and compare it; say why when it cannot be read."""
        try:
            async with asyncio.timeout(self._workshop.look_s):
                return await look(self._workshop, operation)
        except TimeoutError:
            return "The API server did not answer in time."
        except ClusterError as error:
            return first_line(error.said, 300)

    # --- keeping ------------------------------------------------------------------------------------------------------

    async def _settle(self, claimed: Claimed, said: Said, seen: Seen) -> tuple[View, Operation, Operation]:
        """Decide in one transaction; return the answer, and the operation as it was and as it is now.

        Raises `Stale` when it has to be read again: then nothing was written.
        """
        workshop = self._workshop
        async with workshop.store.transaction() as transaction:
            found = await transaction.operation(said.meant.operation.id)
            now = await transaction.now()
            if found is None:
                raise UsageError("This request is long over.")
            if not await transaction.finish(claimed):
                raise Lost
            try:
                outcome = decided(workshop, found, said, seen, now)
            except NotPossible as refused:
                await transaction.audit(refusal(found, said, seen, refused.message))
                return self._refused(found, said, seen, refused), found, found
            if outcome.operation is found:
                await transaction.audit(outcome.written)
                return outcome.answer, found, found
            await keep(transaction, workshop, outcome.operation, outcome.written, told=outcome.told)
            await workshop.at("voted:before-commit")
        await workshop.at("voted:after-commit")
        return outcome.answer, found, outcome.operation

    def _refused(self, operation: Operation, said: Said, seen: Seen, refused: NotPossible) -> View:
        """Answer with the reason, and what a person can do about it where more is known."""
        member = seen.rights.membership if seen.rights is not None else None
        told: list[str] = []
        if said.kind is DecisionKind.APPROVE and member is not None and operation.state in WAITING:
            gone = missing_groups(operation.plan.rule, member)
            told = [f"It waits for {waited_for(operation)}."]
            told += [f"The workspace has no group {group}, or it is switched off." for group in gone]
            told += [f"Your groups come from {member.source}."] if member.source else []
        return replies.refused(refused.message, users=refused.users, details=told, operation=operation)

    async def _misaddressed(self, claimed: Claimed, kind: DecisionKind, wrong: Misaddressed) -> View:
        request = claimed.request
        written = AuditEntry(
            actor=request.actor.user_id,
            action="vote_refused",
            subject=wrong.operation_id or request.place.channel,
            result="refused",
            detail={
                "decision": kind.value,
                "said": wrong.message,
                "channel": request.place.channel,
                "message": request.message,
                "team": request.actor.team_id,
                "surface": request.surface.value,
                "via": via(request),
                "request": request.key,
            },
        )
        async with self._workshop.store.transaction() as transaction:
            if not await transaction.finish(claimed):
                raise Lost
            await transaction.audit(written)
        self._workshop.meter.change_decided(kind.value, REFUSED)
        return replies.refused(wrong.message)
