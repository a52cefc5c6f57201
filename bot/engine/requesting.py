"""How a change is asked for: planned, tried by the server, and kept with its card, or refused with the reason."""

from __future__ import annotations

import asyncio
import shlex
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import transitions as states
from bot.domain.ballots import requesters
from bot.domain.operations import WAITING, Operation, State
from bot.domain.people import Permission
from bot.domain.plans import FORMAT, Draft, Plan, Refusal, canonical, digest_of
from bot.domain.policy import Asked, Authorization
from bot.domain.requests import Place, Request, Surface
from bot.domain.transitions import NotPossible
from bot.domain.view import View
from bot.engine import replies
from bot.engine.cards import outcome_view, refusal_view
from bot.engine.copying import copies_for
from bot.engine.counting import REFUSED, count_step
from bot.engine.drafting import drafted, rehearse, server_refusal
from bot.engine.fillable import unfillable
from bot.engine.keeping import entry, save, show, via
from bot.engine.naming import named
from bot.engine.tokens import tokens
from bot.engine.workshop import Workshop
from bot.errors import Lost, UsageError, WriteConflict, WriteRefused, WriteThrottled
from bot.ports import AuditEntry, ChangeAsked, Claimed, Transaction

# Whatever moved while it was planned is planned once more; what moves again is told to the person.
_TRIES = 2
_LONGEST_REASON = 500
_REPLACE = "--replace"


class _Blocked(Exception):
    """Another request has the target."""


class Requesting:
    """Carries out what people ask to be changed, as far as the card."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    async def request(self, claimed: Claimed, asked: ChangeAsked) -> View:
        """Plan a change and keep it with its card, or refuse it; return what the requester alone sees.

        Raises `UsageError` where there is no channel for the card, `StoreUnavailable`, `ClusterError`, and `Lost`.
        """
        place = self._place(claimed.request)
        for tries_left in reversed(range(_TRIES)):
            draft = await drafted(asked, self._workshop.policy)
            if isinstance(draft, Refusal):
                return await self._refuse(claimed, asked, draft)
            operation = await self._operation(claimed.request, asked, draft, place)
            try:
                await self._rehearse(operation)
            except WriteConflict:
                if not tries_left:
                    raise
            except (WriteRefused, WriteThrottled) as error:
                return await self._refuse(claimed, asked, server_refusal(error))
            else:
                break
        copies, rule = await asyncio.gather(copies_for(self._workshop, operation), named(self._workshop, operation))
        plan = replace(operation.plan, rule=rule)
        shown = replace(operation, plan=plan, digest=digest_of(canonical(plan)), copies=copies)
        return await self._keep(claimed, asked, shown)

    def _place(self, request: Request) -> Place:
        """Return where the card belongs: where it was asked for when others are there, else the channel for that."""
        channel = request.place.channel
        alone = request.surface in (Surface.HOME, Surface.DIRECT, Surface.TERMINAL) or not channel
        if not alone and not channel.startswith(("D", "U", "W")):
            return Place(channel) if request.opens_thread else request.place
        if not self._workshop.policy.channel:
            raise UsageError(
                "A change is asked for where others see it: ask in a channel. To ask from here, an administrator has to"
                ' set channel under [changes] in ragops.toml ("C…"), where such requests are shown.'
            )
        return Place(self._workshop.policy.channel)

    async def _operation(self, request: Request, asked: ChangeAsked, draft: Draft, place: Place) -> Operation:
        policy = self._workshop.policy
        async with self._workshop.store.transaction() as transaction:
            now = (await transaction.now()).replace(microsecond=0)
        plan = Plan(
            v=FORMAT,
            draft=draft,
            rule=policy.rule_for(draft.verb, draft.risk, draft.where),
            policy_version=policy.version,
            requester=request.actor,
            human=policy.human_of(request.actor.user_id),
            command=_without_replace(asked.command),
            created_at=now,
            expires_at=now + timedelta(seconds=policy.lives_s(draft.verb)),
            reason=asked.reason.strip()[:_LONGEST_REASON],
            seal=self._workshop.secret(),
        )
        return Operation(
            id=str(uuid.UUID(hex=self._workshop.secret()[:32], version=4)),
            plan=plan,
            digest=digest_of(canonical(plan)),
            state=State.PENDING,
            place=place,
            created_at=plan.created_at,
            expires_at=plan.expires_at,
        )

    async def _rehearse(self, operation: Operation) -> None:
        workshop, plan = self._workshop, operation.plan
        stamp = plan.stamp(operation.id, ())
        await rehearse(workshop.writer, plan.draft, stamp, timeout_s=workshop.write_timeout_s)

    async def _keep(self, claimed: Claimed, asked: ChangeAsked, operation: Operation) -> View:
        workshop, request = self._workshop, claimed.request
        where = operation.plan.draft.where
        rights = await workshop.rights.of(request.actor, Asked(Permission.APPROVE, "deny", where))
        try:
            other = await workshop.store.operations.blocking(operation.plan.draft.target) if asked.replace else None
            async with workshop.store.transaction() as transaction:
                gone = await self._give_way(transaction, other, operation, rights) if other is not None else None
                now = await transaction.now()
                begun = self._begun(operation, now)
                await self._add(transaction, claimed, begun)
                if gone is not None:
                    await transaction.audit(_replaced(gone, begun))
                await transaction.audit(_requested(begun, request))
                await workshop.at("requested:before-commit")
        except _Blocked:
            return await self._blocked(claimed, operation, rights)
        if other is not None and gone is not None:
            count_step(workshop.meter, other, gone)
        await workshop.at("requested:after-commit")
        return replies.requested(begun, request, unfillable(workshop, begun, rights, now))

    async def _add(self, transaction: Transaction, claimed: Claimed, operation: Operation) -> None:
        """Put the operation, its card and the end of the request into a transaction. Raises `_Blocked` and `Lost`."""
        if not await transaction.add_operation(operation, tokens(operation)):
            raise _Blocked
        await show(transaction, operation)
        if not await transaction.finish(claimed):
            raise Lost

    def _begun(self, operation: Operation, now: datetime) -> Operation:
        """Return the operation as it begins: approved at once, where no second person is asked."""
        if not operation.plan.rule.empty:
            return operation
        within = now + timedelta(seconds=self._workshop.policy.execute_within_s)
        return replace(operation, state=State.APPROVED, approved_at=now, execute_by=within)

    # --- what is in the way -------------------------------------------------------------------------------------------

    async def _give_way(
        self, transaction: Transaction, other: Operation, operation: Operation, rights: Authorization
    ) -> Operation:
        """End the request that waits for the same target, if this person may; return it as it is then."""
        found = await transaction.operation(other.id)
        if found is None or not self._may_replace(found, operation, rights):
            raise _Blocked
        try:
            ended = states.supersede(found, "a newer request took its place", now=await transaction.now())
        except NotPossible as error:
            raise _Blocked from error
        await save(transaction, self._workshop, ended, told=outcome_view(ended))
        return ended

    def _may_replace(self, other: Operation, operation: Operation, rights: Authorization) -> bool:
        own = operation.plan.human in requesters(self._workshop.policy, other)
        return other.state in WAITING and (own or rights.allowed)

    async def _blocked(self, claimed: Claimed, operation: Operation, rights: Authorization) -> View:
        plan = operation.plan
        other = await self._workshop.store.operations.blocking(plan.draft.target)
        allowed = other is not None and self._may_replace(other, operation, rights)
        command = f"{plan.command} {_REPLACE}" if allowed else ""
        why = f"request {other.id} has the target" if other is not None else "another request had the target"
        await self._finish(claimed, operation.plan.draft, plan.command, why)
        return replies.blocked(other, command=command, again=plan.command)

    # --- refusals -----------------------------------------------------------------------------------------------------

    async def _refuse(self, claimed: Claimed, asked: ChangeAsked, refusal: Refusal) -> View:
        command = _without_replace(asked.command)
        await self._finish(claimed, None, command, refusal.reason, verb=asked.action.name)
        return refusal_view(refusal, command, place=asked.place)

    async def _finish(self, claimed: Claimed, draft: Draft | None, command: str, why: str, *, verb: str = "") -> None:
        """End the request without an operation, and put on record why there is none."""
        request = claimed.request
        detail = {"command": command[:200], "said": why[:300], "via": via(request), "request": request.key}
        if draft is not None:
            detail["target"] = f"{draft.target.ref} in {draft.target.scope}"
        written = AuditEntry(
            actor=request.actor.user_id,
            action="requested",
            subject=draft.verb if draft is not None else verb,
            result="refused",
            detail=detail,
        )
        async with self._workshop.store.transaction() as transaction:
            if not await transaction.finish(claimed):
                raise Lost
            await transaction.audit(written)
        self._workshop.meter.change_ended(written.subject, REFUSED, None)


def _replaced(gone: Operation, by: Operation) -> AuditEntry:
    return entry(gone, "superseded", actor=by.plan.requester.user_id, by=by.id, why=gone.outcome)


def _requested(operation: Operation, request: Request) -> AuditEntry:
    return entry(
        operation,
        "requested",
        actor=request.actor.user_id,
        team=request.actor.team_id,
        human=operation.plan.human,
        title=operation.plan.draft.words.title,
        command=operation.plan.command,
        reason=operation.plan.reason,
        channel=operation.place.channel,
        copies=" ".join(copy.user_id for copy in operation.copies),
        via=via(request),
        request=request.key,
    )


def _without_replace(command: str) -> str:
    """Return the command as it is asked again: what it replaces then is another decision."""
    return shlex.join(word for word in shlex.split(command) if word != _REPLACE)
