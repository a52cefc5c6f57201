"""What happens by itself while a request waits: two reminders, and its end.

Each is decided under the row's lock with the database's time, so that it happens once over all replicas. What is late
happens once and says how it stands now; of two reminders that are late only the second is sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.domain import transitions as states
from bot.domain.ballots import requesters
from bot.domain.operations import WAITING, Operation, State, overdue
from bot.domain.requests import Post
from bot.domain.view import Headline, Mark, Paragraph, View, line
from bot.engine.card_words import at, inside, people, requester_line, waited_for
from bot.engine.cards import outcome_view
from bot.engine.counting import count_step
from bot.engine.keeping import entry, keep, subject
from bot.engine.workshop import Workshop
from bot.ports import Transaction

# The parts of the time to answer after which people are reminded: the first on call, then the second.
REMIND_AT = (0.5, 0.8)
_MOST = 50


class Timers:
    """Ends requests whose time is over, and reminds of those that wait."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    async def step(self) -> bool:
        """Do all that is due now; False when there was nothing."""
        due = await self._workshop.store.operations.due(limit=_MOST)
        return any([await self._one(operation_id) for operation_id in due])

    async def _one(self, operation_id: str) -> bool:
        async with self._workshop.store.transaction() as transaction:
            found = await transaction.operation(operation_id)
            now = await transaction.now()
            if found is None or found.state not in WAITING:
                return False
            if not overdue(found, now):
                number = reminder_due(found, now)
                if number <= found.reminded:
                    return False
                await self._remind(transaction, replace(found, reminded=number), now)
                return True
            ended = await self._expire(transaction, found, now)
        count_step(self._workshop.meter, found, ended)
        return True

    async def _expire(self, transaction: Transaction, found: Operation, now: datetime) -> Operation:
        ended = states.expire(found, now=now)
        written = entry(ended, "expired", was=found.state.value, why=ended.outcome)
        await keep(transaction, self._workshop, ended, written, told=outcome_view(ended))
        return ended

    async def _remind(self, transaction: Transaction, operation: Operation, now: datetime) -> None:
        """Say below the card that it still waits. The card itself shows nothing new."""
        await transaction.save(operation)
        view = reminder(operation, self._whom(operation, now))
        await transaction.put(Post(operation.place, view, kind="thread", under=subject(operation)))

    def _whom(self, operation: Operation, now: datetime) -> tuple[str, ...]:
        """Return who is on call in the tier that is the reminder's number, but for the requester."""
        policy, own = self._workshop.policy, requesters(self._workshop.policy, operation)
        on_call = policy.on_call(now).people
        return tuple(who for who, tier in on_call if tier == operation.reminded and policy.human_of(who) not in own)


def reminder_due(operation: Operation, now: datetime) -> int:
    """Return how many reminders should have been sent by now."""
    if operation.state is not State.PENDING:
        return 0
    lived = (now - operation.created_at) / (operation.expires_at - operation.created_at)
    return sum(lived >= part for part in REMIND_AT)


def reminder(operation: Operation, called: tuple[str, ...]) -> View:
    """Return what is said below a card that nobody has answered; it calls these people."""
    summary = f"Still waiting for {waited_for(operation)}: {inside(operation.plan.draft.words.title)}"
    lines = [line(f"It expires at {at(operation.expires_at)}."), requester_line(operation)]
    if called:
        lines.append(line("For ", *people(called), "."))
    return View(summary, (Headline(summary, Mark.WARNING), Paragraph(tuple(lines))))
