"""What waits for a person: requests that lack their approval, their own that are open, and what is not done yet."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.desk.places import words_to
from bot.domain.actions import DecisionKind
from bot.domain.ballots import is_own, may_wait_for, waits_for
from bot.domain.change_policy import ChangePolicy
from bot.domain.operations import WAITING, Operation, State, overdue
from bot.domain.people import Permission
from bot.domain.policy import Asked, Authorization
from bot.domain.requests import Request
from bot.domain.targets import Scope
from bot.domain.text import count, first_line
from bot.domain.view import Block, Button, Buttons, Item, Line, Paragraph, bold, code, line
from bot.engine.card_states import face_of
from bot.errors import BotError, DirectoryUnavailable
from bot.ports import Inbox, OperationQuery, Operations, Rights, Sources

# So many of each kind are shown.
MOST = 5
# So many open requests are looked through, the newest first.
MOST_READ = 200
LONGEST = 120
_OPEN = WAITING | {State.EXECUTING}
_DOUBTFUL = frozenset({State.UNKNOWN})
_SHORT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a person, and what of it is not known.

    `to_approve` is None, with the reason in `undecided`, when the person's groups are not known. `problem` says why
    nothing at all is; where nothing is kept (a terminal), all is empty. `all_read`: no open request was left out.
    `open_to` are the places whose requests they may look at.
    """

    to_approve: Sequence[Operation] | None = ()
    own: Sequence[Operation] = ()
    queued: Sequence[Request] = ()
    open_to: Collection[Scope] = frozenset()
    all_read: bool = True
    kept: bool = True
    undecided: str = ""
    problem: str = ""


NOTHING_KEPT = Waiting(kept=False)


async def read_waiting(sources: Sources, standing: Authorization, *, until: float) -> Waiting:
    """Read what waits for the person who asks; `until` is when that has to end, by the event loop's time."""
    if sources.inbox is None or sources.operations is None:
        return NOTHING_KEPT
    try:
        async with asyncio.timeout_at(until):
            return await _read(sources.inbox, sources.operations, sources, standing)
    except TimeoutError:
        return Waiting(problem="it took too long to look.")
    except BotError as error:
        return Waiting(problem=error.said)


async def _read(inbox: Inbox, operations: Operations, sources: Sources, standing: Authorization) -> Waiting:
    if sources.rights is None or sources.changes is None or sources.places is None:
        raise ValueError("what waits is judged by the rights, the policy of changes and the places")
    rights, policy, request = sources.rights, sources.changes, sources.request
    queued, open_, doubts = await asyncio.gather(
        inbox.waiting(request.actor),
        operations.search(OperationQuery(states=_OPEN, limit=MOST_READ + 1)),
        operations.search(OperationQuery(states=_DOUBTFUL, limit=MOST_READ)),
    )
    alive = [each for each in open_[:MOST_READ] if not overdue(each, sources.now)]
    doubtful = [each for each in doubts if each.blocks]
    own = [each for each in (*doubtful, *alive) if is_own(policy, each, request.actor)]
    candidates = [
        each
        for each in alive
        if each.plan.draft.where.scope in sources.places and may_wait_for(policy, each, request.actor, sources.now)
    ]
    to_approve: Sequence[Operation] = ()
    undecided = ""
    try:
        if candidates:
            _known(standing)
            to_approve = await _to_approve(candidates, rights, policy, sources)
    except DirectoryUnavailable as error:
        undecided = error.message
    shown = {each.plan.draft.where.scope for each in (*to_approve[:MOST], *own[:MOST])}
    return Waiting(
        to_approve=None if undecided else to_approve,
        own=own,
        queued=[each for each in queued if each.key != request.key],
        open_to=await sources.open_places(shown if standing.allowed else (), verb="requests"),
        all_read=len(open_) <= MOST_READ,
        undecided=undecided,
    )


async def _to_approve(
    candidates: Sequence[Operation], rights: Rights, policy: ChangePolicy, sources: Sources
) -> list[Operation]:
    """Return the requests whose plan's rule the person could help to fill, those that run out first leading.

    Raises `DirectoryUnavailable` when it is not known what the person may do.
    """
    actor, found = sources.request.actor, []
    for each in sorted(candidates, key=lambda operation: (operation.expires_at, operation.id)):
        # To say anything takes what the verb takes, which is nothing unless it was kept for some.
        held = await rights.of(actor, Asked(Permission.ANYONE, DecisionKind.APPROVE, each.plan.draft.where))
        _known(held)
        if waits_for(policy, each, actor, held, sources.now):
            found.append(each)
    return found


def _known(rights: Authorization) -> None:
    if rights.membership is None:
        raise DirectoryUnavailable(f"{rights.reason or 'your groups are not known'}.")


def waits_words(waiting: Waiting) -> str:
    """Say how much waits for the person's approval; empty for nothing."""
    number = len(waiting.to_approve or ())
    return f"{count(number, 'request')} {'waits' if number == 1 else 'wait'} for your approval" if number else ""


def waiting_blocks(waiting: Waiting) -> list[Block]:
    """Return what waits, what runs out first leading; that nothing does is said only when it is known."""
    if waiting.problem:
        return [Paragraph((line(bold("What waits for you"), f" cannot be told: {waiting.problem}"),))]
    if not waiting.kept:
        return []
    blocks: list[Block] = []
    if waiting.undecided:
        what = bold("What waits for your approval")
        blocks.append(Paragraph((line(what, f" cannot be told: {waiting.undecided}"),)))
    blocks += _section("Waits for your approval", waiting.to_approve or (), waiting)
    blocks += _section("Asked by you", waiting.own, waiting)
    if waiting.queued:
        rows = [line(code(first_line(request.text, LONGEST))) for request in waiting.queued[:MOST]]
        blocks.append(Paragraph((line(bold("Not done yet, asked by you")), *rows, *_more(waiting.queued))))
    if not waiting.all_read:
        blocks.append(Paragraph((line(f"Of the requests that are open, the newest {MOST_READ} were looked at."),)))
    return blocks or [Paragraph((line("Nothing waits for you."),))]


def _section(title: str, operations: Sequence[Operation], waiting: Waiting) -> list[Block]:
    if not operations:
        return []
    blocks: list[Block] = [Paragraph((line(bold(title)),))]
    for each in operations[:MOST]:
        blocks += _entry(each, waiting.open_to)
    if more := _more(operations):
        blocks.append(Paragraph(more))
    return blocks


def _more(entries: Sequence[object]) -> tuple[Line, ...]:
    return (line(f"and {len(entries) - MOST} more"),) if len(entries) > MOST else ()


def _entry(operation: Operation, open_to: Collection[Scope]) -> list[Block]:
    """Return a request in its state, who asked for it, and the button that shows all of it to who may look there."""
    face, scope = face_of(operation), operation.plan.draft.target.scope
    number = operation.id[:_SHORT]
    asked = face.who[:1] if operation.state is State.PENDING else ()
    item = Item(line(face.headline.text), str(scope), face.headline.mark, (*face.lines[:1], *asked))
    if scope not in open_to:
        return [item]
    return [item, Buttons((Button(f"Look at {number}", f"requests {number} {words_to(scope)}"),))]


def waiting_data(waiting: Waiting) -> dict[str, object]:
    """Return what waits for programs; None is not known."""
    known = waiting.kept and not waiting.problem
    decided = known and waiting.to_approve is not None
    return {
        "to_approve": [each.id for each in waiting.to_approve or ()] if decided else None,
        "own": [{"id": each.id, "state": each.state.value} for each in waiting.own] if known else None,
        "waiting": [request.text for request in waiting.queued] if known else None,
    }
