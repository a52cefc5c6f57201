"""How an operation is kept: the row, its card, what is told below it, and the audit entry, in one transaction."""

from __future__ import annotations

from bot.domain.operations import Operation, State
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.view import View
from bot.engine.cards import card, card_copy
from bot.engine.tokens import addresses
from bot.engine.workshop import Workshop
from bot.ports import AuditEntry, Transaction

SYSTEM = "ragops"
_LONGEST = 300


async def keep(
    transaction: Transaction,
    workshop: Workshop,
    operation: Operation,
    entry: AuditEntry,
    *,
    fence: int | None = None,
    told: View | None = None,
) -> bool:
    """Save an operation, show it, tell what is to be told below its card, and put it on record, last.

    False when the fence is lost: then nothing was written, and the transaction is to be rolled back.
    """
    if not await save(transaction, workshop, operation, fence=fence, told=told):
        return False
    await transaction.audit(entry)
    return True


async def save(
    transaction: Transaction,
    workshop: Workshop,
    operation: Operation,
    *,
    fence: int | None = None,
    told: View | None = None,
) -> bool:
    """Do as `keep` does, but leave the audit to the caller, who has more to write before it."""
    del workshop
    if not await transaction.save(operation, fence=fence):
        return False
    await show(transaction, operation)
    if told is not None:
        await transaction.put(Post(operation.place, told, kind="thread", under=subject(operation)))
    return True


async def show(transaction: Transaction, operation: Operation) -> None:
    """Put the operation's card into the outbox, as it is in this version, and then its copies.

    How far a roll-out is stands on the card alone: the platform takes few edits a minute, and the card comes first.
    """
    await transaction.put(
        Post(
            operation.place,
            card(operation, tokens=addresses(operation, operation.place.channel)),
            kind="card",
            asked_by=operation.plan.requester.user_id,
            subject=subject(operation),
            version=operation.version,
        )
    )
    if operation.state is State.EXECUTING and operation.progress is not None:
        return
    for copy in operation.copies:
        shown = card_copy(operation, copy, tokens=addresses(operation, copy.channel))
        place = Place(copy.channel)
        await transaction.put(Post(place, shown, kind="copy", subject=subject(operation), version=operation.version))


def subject(operation: Operation) -> str:
    """Return the name of what a card is a picture of."""
    return f"operation:{operation.id}"


def entry(
    operation: Operation, action: str, *, actor: str = SYSTEM, result: str = "", **detail: str | int | bool
) -> AuditEntry:
    """Return what the audit keeps of a step of an operation. `actor` is a user id; `result` is the state unless given.

    What people wrote is cut; whoever needs all of it finds it in the plan.
    """
    draft = operation.plan.draft
    bounded = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in detail.items()}
    return AuditEntry(
        actor=actor,
        action=action,
        subject=operation.id,
        result=result or operation.state.value,
        detail={
            "verb": draft.verb,
            "target": f"{draft.target.ref} in {draft.target.scope}",
            "uid": draft.target.uid,
            "digest": operation.digest,
            "policy": operation.plan.policy_version,
            **bounded,
        },
    )


def via(request: Request) -> str:
    """Say by which way a person came, for the audit."""
    return "cli" if request.surface is Surface.TERMINAL else "slack"
