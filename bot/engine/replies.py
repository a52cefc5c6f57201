"""What the person alone is told who asked for a change or said something to a request. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.operations import Operation, State, approvers, state_words
from bot.domain.requests import Request
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    Context,
    Headline,
    Line,
    Mark,
    Mention,
    Paragraph,
    View,
    code,
    line,
    mention_channel,
)
from bot.engine.card_words import at, people, waited_for

FAILED = 2
_UNCHANGED = "Nothing was changed."


def short(operation: Operation) -> str:
    """Return the beginning of a request's id: as much of it as people need to name it."""
    return operation.id[:8]


def requested(operation: Operation, request: Request, warnings: Sequence[str]) -> View:
    """Tell the requester that the request stands, who has to agree, and what may keep it from getting anywhere."""
    title = operation.plan.draft.words.title
    if operation.state is State.APPROVED:
        summary = f"{title}: it begins now, nobody else is asked."
    else:
        summary = f"{title}: asked for; it waits for {waited_for(operation)} until {at(operation.expires_at)}."
    lines = [line(f"Careful: {warning}.") for warning in warnings]
    if operation.place.channel != request.place.channel:
        lines.append(line("The card is in the channel ", mention_channel(operation.place.channel), "."))
    return _view(summary, Mark.WARNING if warnings else Mark.OK, lines, operation)


def blocked(other: Operation | None, *, command: str, again: str) -> View:
    """Tell that another request has the target; `command` takes its place, and is empty where that may not be."""
    if other is None:
        summary = "Another request for the same object has ended just now."
        return _view(summary, Mark.WARNING, [line(_UNCHANGED)], buttons=[Button("Ask again", again)], failed=True)
    title = other.plan.draft.words.title
    summary = f"Another request has it: {title} ({short(other)})."
    lines = [line("Asked by ", Mention(other.plan.requester.user_id), f". {state_words(other)} {_UNCHANGED}")]
    if other.state is State.UNKNOWN:
        verdicts = "happened|did not happen|undone"
        lines.append(line("Look at the object, then say what you found: ", code(f"resolve {short(other)} {verdicts}")))
    buttons = [Button("Replace it", command)] if command else []
    return _view(summary, Mark.WARNING, lines, other, [*buttons, Button("Requests", "requests")], failed=True)


def counted(operation: Operation) -> View:
    """Tell an approver what their approval has come to."""
    title = operation.plan.draft.words.title
    if operation.state is State.APPROVED:
        return _view(f"Approved: {title}. It begins now.", Mark.OK, [], operation)
    summary = f"Your approval is recorded. It still waits for {waited_for(operation)}."
    return _view(summary, Mark.OK, [line(title)], operation)


def done(operation: Operation, summary: str) -> View:
    """Tell that what a person said to a request is kept."""
    return _view(summary, Mark.OK, [line(operation.plan.draft.words.title)], operation)


def drifted(operation: Operation) -> View:
    """Tell an approver that the request is over, because it is not about the present any more."""
    summary = f"Not approved: something changed since it was asked for ({operation.outcome})."
    buttons = [Button("Ask again", operation.plan.command)]
    return _view(summary, Mark.WARNING, [line(_UNCHANGED)], operation, buttons, failed=True)


def unreadable(operation: Operation, problem: str) -> View:
    """Tell an approver that the object could not be looked at, which is no sign that it is as it was."""
    summary = "Your approval was not counted: I cannot read the object now."
    lines = [line(problem), line(f"{_UNCHANGED} The request stays as it is; to deny or to cancel it works.")]
    buttons = [Button("Try again", f"approve {short(operation)}")]
    return _view(summary, Mark.UNKNOWN, lines, operation, buttons, failed=True)


def refused(
    summary: str, *, users: Sequence[str] = (), details: Sequence[str] = (), operation: Operation | None = None
) -> View:
    """Tell a person why what they said counts for nothing; `users` are those it was that came before."""
    lines: list[Line] = [line(detail) for detail in details]
    if users:
        lines.insert(0, line("It was ", *people(users), "."))
    lines.append(line(_UNCHANGED))
    return _view(summary, Mark.WARNING, lines, operation, failed=True)


def _view(
    summary: str,
    mark: Mark,
    lines: Sequence[Line],
    operation: Operation | None = None,
    buttons: Sequence[Button] = (),
    *,
    failed: bool = False,
) -> View:
    blocks: list[Block] = [Headline(summary, mark), *((Paragraph(tuple(lines)),) if lines else ())]
    data: dict[str, object] = {"error": summary} if failed else {"said": summary}
    if operation is not None:
        blocks.append(Context((line("Request ", code(short(operation))),)))
        data |= {"request": operation.id, "state": operation.state.value, "approvers": list(approvers(operation))}
    blocks += [Buttons(tuple(buttons))] if buttons else []
    return View(summary, tuple(blocks), data=data, exit_code=FAILED if failed else 0)
