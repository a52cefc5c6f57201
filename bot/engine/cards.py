"""Pictures of requests for changes, each made of the row alone: the card, what is told below it, and lists. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.diagnosis import ago
from bot.domain.actions import DecisionKind
from bot.domain.operations import WAITING, CardCopy, Effect, Operation, Resolution, State, approvers
from bot.domain.text import count, listed
from bot.domain.view import (
    Block,
    Button,
    Buttons,
    ButtonStyle,
    Confirm,
    Context,
    Headline,
    Item,
    Line,
    Mark,
    Mention,
    Paragraph,
    View,
    bold,
    line,
    mention_channel,
)
from bot.engine.card_details import details_view
from bot.engine.card_plans import change_blocks, difference_blocks, plan_data, plan_view, refusal_view
from bot.engine.card_states import FOUND, face_of, look_command
from bot.engine.card_words import (
    confirmation,
    exactly,
    helped,
    inside,
    one_line,
    people,
    verdict_lines,
    waited_for,
)

__all__ = [
    "card",
    "card_copy",
    "details_view",
    "outcome_view",
    "plan_view",
    "refusal_view",
    "request_data",
    "requests_view",
    "verdict_view",
]

_SHORT = 8
_DENYING = frozenset({DecisionKind.DENY})
_FOUND_LABELS = (
    (Resolution.HAPPENED, "It happened"),
    (Resolution.NOT_HAPPENED, "It did not happen"),
    (Resolution.UNDONE, "It was undone"),
)


# --- the card ---------------------------------------------------------------------------------------------------------


def card(operation: Operation, *, tokens: Mapping[str, str]) -> View:
    """Return the message that shows a request. `tokens` are the addresses of its buttons, by the decision's name."""
    draft, face = operation.plan.draft, face_of(operation)
    changes = difference_blocks(draft) if operation.state.final else change_blocks(draft)
    blocks: list[Block] = [face.headline, Paragraph((*face.lines, *face.who)), *changes]
    blocks.append(Context(_small_print(operation)))
    buttons = tuple(_buttons(operation, tokens))
    if buttons:
        blocks.append(Buttons(buttons))
    return View(_summary(operation), tuple(blocks), data=request_data(operation), exit_code=face.exit_code)


def card_copy(operation: Operation, copy: CardCopy, *, tokens: Mapping[str, str]) -> View:
    """Return the card as an approver has it in a direct message: it says the same, and has buttons for them alone.

    They are gone once nobody can decide any more; what begins a new request stands on the card.
    """
    picture = card(operation, tokens={})
    where = line("A copy: the card is in the channel ", mention_channel(operation.place.channel), ".")
    blocks = [*(each for each in picture.blocks if not isinstance(each, Buttons)), Context((where,))]
    buttons = tuple(_copy_buttons(operation, copy, tokens))
    return replace(picture, blocks=(*blocks, Buttons(buttons)) if buttons else tuple(blocks))


def _copy_buttons(operation: Operation, copy: CardCopy, tokens: Mapping[str, str]) -> Iterator[Button]:
    """Return what this approver can say: to agree once, or to take that back."""
    if operation.state not in WAITING:
        return
    agreed = copy.user_id in approvers(operation)
    mine = _DENYING | ({DecisionKind.WITHDRAW} if agreed else {DecisionKind.APPROVE})
    yield from _decisions(operation, {purpose: token for purpose, token in tokens.items() if purpose in mine})
    yield _details(operation)


def _summary(operation: Operation) -> str:
    headline = face_of(operation).headline.text
    return f"{headline} Waiting for {waited_for(operation)}." if operation.state is State.PENDING else headline


def _small_print(operation: Operation) -> tuple[Line, ...]:
    parts = [str(operation.plan.draft.target.scope)]
    if operation.ended_at is not None:
        parts += [f"asked {exactly(operation.created_at)}", f"ended {exactly(operation.ended_at)}"]
    parts += [f"fingerprint {operation.digest[:_SHORT]}", f"request {operation.id[:_SHORT]}"]
    tried = () if operation.state.final else (line("Checked by the server's dry run"),)
    return (*tried, line(" · ".join(parts)))


def _buttons(operation: Operation, tokens: Mapping[str, str]) -> Iterator[Button]:
    """Return what can be done now: decisions while it waits, afterwards only what begins a new request."""
    plan = operation.plan
    match operation.state:
        case State.PENDING | State.APPROVED:
            yield from _decisions(operation, tokens)
            yield _details(operation)
        case State.UNKNOWN if operation.resolution is None:
            yield from _resolutions(operation)
            yield Button("Look", look_command(plan.draft))
        case State.SUCCEEDED | State.FAILED if operation.effect is Effect.APPLIED:
            if plan.draft.inverse:
                yield _undo(operation)
        case State.FAILED | State.EXPIRED | State.SUPERSEDED:
            yield Button("Ask again", plan.command)


def _decisions(operation: Operation, tokens: Mapping[str, str]) -> Iterator[Button]:
    pending, voted = operation.state is State.PENDING, bool(operation.counted)
    if pending and (token := tokens.get(DecisionKind.APPROVE)):
        confirm = confirmation(operation.plan.draft)
        yield Button("Approve", f"{DecisionKind.APPROVE} {token}", ButtonStyle.PRIMARY, confirm=confirm)
    if token := tokens.get(DecisionKind.DENY):
        yield Button("Deny…", f"{DecisionKind.DENY} {token}", ButtonStyle.DANGER, asks="Why do you deny it?")
    if voted and (token := tokens.get(DecisionKind.WITHDRAW)):
        yield Button("Withdraw", f"{DecisionKind.WITHDRAW} {token}")
    if (pending or not voted) and (token := tokens.get(DecisionKind.CANCEL)):
        yield Button("Cancel", f"{DecisionKind.CANCEL} {token}")


def _details(operation: Operation) -> Button:
    """Return the button that shows all that a person may want to know before they agree."""
    scope = operation.plan.draft.target.scope
    return Button("Details", f"requests {operation.id} -n {scope.namespace} --cluster {scope.cluster}")


def _resolutions(operation: Operation) -> Iterator[Button]:
    title = one_line(operation.plan.draft.words.title, limit=150)
    for found, label in _FOUND_LABELS:
        confirm = Confirm(f"{label}?", f"{title}: {FOUND[found]}. This is put on record for good.", "Record it")
        yield Button(label, f"{DecisionKind.RESOLVE} {operation.id} {found}", confirm=confirm)


def _undo(operation: Operation) -> Button:
    """Return the button that asks for the inverse: by the request, so that it says what was wrong before."""
    scope = operation.plan.draft.target.scope
    return Button("Undo", f"undo {operation.id[:8]} -n {scope.namespace} --cluster {scope.cluster}")


# --- told below the card ----------------------------------------------------------------------------------------------


def outcome_view(operation: Operation) -> View:
    """Tell in the thread how a request ended; it calls who asked for it and all who said something to it."""
    face = face_of(operation)
    told = (line("For ", *people(_concerned(operation)), "."), *face.lines)
    blocks = (face.headline, Paragraph(told), Context(_small_print(operation)))
    return View(face.headline.text, blocks, data=request_data(operation), exit_code=face.exit_code)


def verdict_view(operation: Operation) -> View:
    """Tell in the thread whether a change helped. The operation has a verdict."""
    verdict, draft = operation.verdict, operation.plan.draft
    if verdict is None:
        raise ValueError("there is no verdict yet")
    words, mark = helped(verdict)
    summary = f"After the change, {words}: {inside(draft.words.title)}"
    lines = (line("For ", Mention(operation.plan.requester.user_id), "."), *verdict_lines(verdict))
    undo = (Buttons((_undo(operation),)),) if draft.inverse and mark is Mark.WARNING else ()
    blocks = (Headline(summary, mark), Paragraph(lines), Context(_small_print(operation)), *undo)
    return View(summary, blocks, data=request_data(operation))


def _concerned(operation: Operation) -> Iterator[str]:
    yield operation.plan.requester.user_id
    yield from (vote.user_id for vote in operation.votes)
    if operation.closed_by:
        yield operation.closed_by


# --- lists ------------------------------------------------------------------------------------------------------------


def requests_view(
    waiting: Sequence[Operation], running: Sequence[Operation], done: Sequence[Operation], *, now: datetime
) -> View:
    """List requests: those that wait for somebody, those that run, and those that ended."""
    counts = [
        f"{count(len(group), 'request')} {word}"
        for group, word in ((waiting, "waiting"), (running, "running"))
        if group
    ]
    summary = listed(counts) or "No request is waiting or running"
    blocks: list[Block] = [Headline(summary)]
    blocks += [_entry(each, now) for each in (*waiting, *running)]
    if done:
        blocks.append(Paragraph((line(bold("Ended")), *(_ended(each, now) for each in done))))
    return View(summary, tuple(blocks), data=[request_data(each) for each in (*waiting, *running, *done)])


def _entry(operation: Operation, now: datetime) -> Item:
    face, draft = face_of(operation), operation.plan.draft
    title = one_line(draft.words.title)
    where = line(f"{draft.target.scope} · request {operation.id[:_SHORT]} · asked {ago(operation.created_at, now)}")
    lines = (*face.lines, *face.who, where)
    return Item(line(bold(title)), _STANDING.get(operation.state, "ended"), face.headline.mark, lines)


_STANDING = {State.PENDING: "waiting", State.APPROVED: "approved", State.EXECUTING: "running", State.UNKNOWN: "unknown"}


def _ended(operation: Operation, now: datetime) -> Line:
    asked = line(", asked by ", Mention(operation.plan.requester.user_id))
    when = f" · {ago(operation.ended_at, now)} · request {operation.id[:_SHORT]}"
    return line(f"{face_of(operation).headline.text}", *asked, when)


# --- for programs -----------------------------------------------------------------------------------------------------


def request_data(operation: Operation) -> dict[str, object]:
    """Return a request for programs."""
    plan = operation.plan
    return {
        "id": operation.id,
        "state": operation.state.value,
        "effect": operation.effect.value if operation.effect else "",
        "fingerprint": operation.digest,
        **plan_data(plan.draft),
        "command": plan.command,
        "inverse": plan.draft.inverse,
        "requester": plan.requester.user_id,
        "reason": plan.reason,
        "approvers": list(approvers(operation)),
        "missing": {} if operation.state.final else dict(operation.quorum.missing),
        "asked_at": exactly(operation.created_at),
        "expires_at": exactly(operation.expires_at),
        "ended_at": exactly(operation.ended_at) if operation.ended_at else "",
        "outcome": operation.outcome,
        "resolution": operation.resolution.value if operation.resolution else "",
    }
