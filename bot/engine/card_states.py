"""What each state of a request looks like: its headline, and the lines that tell how it got there. Pure.

"Approved" is never told as "done", nor "sent" as "applied": a person acts on these words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from bot.domain.live import MARKER
from bot.domain.operations import Effect, Operation, Resolution, State
from bot.domain.plans import Draft
from bot.domain.targets import WORKLOAD_KINDS
from bot.domain.view import Headline, Line, Mark, Mention, bold, code, line
from bot.engine.card_words import (
    approvers_line,
    at,
    bar,
    helped,
    inside,
    one_line,
    quoted,
    requester_line,
    sentence,
    took,
    verdict_lines,
    waited_for,
)

UNCHANGED = "Nothing was changed."
FOUND = {
    Resolution.HAPPENED: "it happened",
    Resolution.NOT_HAPPENED: "it did not happen",
    Resolution.UNDONE: "it was undone",
}


@dataclass(frozen=True, slots=True)
class Face:
    """How a request is told in its state: what is the matter, then `who` asked and agreed.

    The headline holds no word that a person wrote as a reason.
    """

    headline: Headline
    lines: tuple[Line, ...]
    who: tuple[Line, ...]
    exit_code: int = 0


def face_of(operation: Operation) -> Face:
    """Return how a request is told now."""
    title, who = inside(operation.plan.draft.words.title), _who(operation)
    match operation.state:
        case State.PENDING:
            return _pending(operation)
        case State.APPROVED:
            begins = (
                f"It begins before {at(operation.execute_by)}." if operation.execute_by else "It is about to begin."
            )
            return Face(Headline(f"Approved, not yet executed: {title}"), (line(begins),), who)
        case State.EXECUTING:
            return Face(Headline(f"Running: {title}"), (line(_far(operation)),), who)
        case State.SUCCEEDED:
            return _succeeded(operation)
        case State.FAILED:
            return _failed(operation, title)
        case State.UNKNOWN:
            return _unknown(operation, title)
        case State.DENIED | State.CANCELLED | State.EXPIRED | State.SUPERSEDED:
            return _closed(operation, title)
        case _:
            assert_never(operation.state)


def _pending(operation: Operation) -> Face:
    void = tuple(
        line("No longer counted: ", Mention(vote.user_id), f" ({one_line(vote.void)})")
        for vote in operation.votes
        if vote.void
    )
    agreed = (approvers_line(operation),) if operation.counted else ()
    return Face(
        Headline(f"{one_line(operation.plan.draft.words.title)}?"),
        (line(bold(f"Waiting for {waited_for(operation)}")),),
        (requester_line(operation, f"until {at(operation.expires_at)}"), *agreed, *void),
    )


def _far(operation: Operation) -> str:
    if operation.progress is not None and (words := bar(operation.progress)):
        return words
    if operation.effect is Effect.APPLIED:
        return "The change is applied; its pods are followed."
    return "The change is being sent."


def _succeeded(operation: Operation) -> Face:
    done, who = inside(operation.plan.draft.words.done), _who(operation)
    verdict = operation.verdict
    if verdict is None:
        due = operation.verdict_due
        lines = (line(f"Whether it helped is looked at, at {at(due)}."),) if due is not None else ()
        return Face(Headline(f"Done{took(operation)}: {done}", Mark.OK), lines, who)
    words, mark = helped(verdict)
    return Face(Headline(f"Done{took(operation)}, {words}: {done}", mark), verdict_lines(verdict), who)


def _failed(operation: Operation, title: str) -> Face:
    lines, who = _why(operation), _who(operation)
    if operation.effect is not Effect.APPLIED:
        return Face(Headline(f"Failed, nothing was changed: {title}", Mark.WARNING), lines, who, exit_code=1)
    if operation.verdict is not None:
        lines = (*lines, *verdict_lines(operation.verdict))
    return Face(Headline(f"Failed, but the change is applied: {title}", Mark.CRITICAL), lines, who, exit_code=1)


def _closed(operation: Operation, title: str) -> Face:
    """Tell of a request that ended before it ran. Why it was denied is what a person wrote; all else is ours."""
    words, mark = _CLOSED[operation.state]
    outcome = operation.outcome.strip()
    if not operation.closed_by:
        lines = line(f"{sentence(outcome)} {UNCHANGED}".lstrip())
    elif outcome:
        lines = line(f"{words} by ", Mention(operation.closed_by), f": {quoted(outcome)}. {UNCHANGED}")
    else:
        lines = line(f"{words} by ", Mention(operation.closed_by), f". {UNCHANGED}")
    return Face(Headline(f"{words}: {title}", mark), (lines,), _who(operation), exit_code=1)


_CLOSED = {
    State.DENIED: ("Denied", Mark.INFO),
    State.CANCELLED: ("Cancelled", Mark.INFO),
    State.EXPIRED: ("Expired", Mark.INFO),
    State.SUPERSEDED: ("Changed since it was asked for", Mark.WARNING),
}


def _unknown(operation: Operation, title: str) -> Face:
    if operation.resolution is not None:
        by = line("Looked at by ", Mention(operation.closed_by), ". Nothing was sent again.")
        headline = Headline(f"Looked at, {FOUND[operation.resolution]}: {title}")
        return Face(headline, (by, *_why(operation)), _who(operation), exit_code=1)
    target = operation.plan.draft.target.ref
    blocked = line(f"It is not sent again, and nothing else can change {target} until somebody says what happened.")
    lines = (*_why(operation), blocked, *_look_lines(operation))
    return Face(Headline(f"Unknown, look now: {title}", Mark.UNKNOWN), lines, _who(operation), exit_code=2)


def _look_lines(operation: Operation) -> tuple[Line, ...]:
    """Say where to look for what became of a change."""
    draft = operation.plan.draft
    look = line("Look: ", code(look_command(draft)))
    if not draft.step.marked:
        return (look,)
    target = draft.target
    command = f"kubectl -n {target.scope.namespace} get {target.kind.lower()} {target.name} -o yaml"
    mark = line("By hand: ", code(command), " (if it happened, ", code(MARKER), " is ", code(operation.id), ")")
    return look, mark


def look_command(draft: Draft) -> str:
    """Return the command that shows what a change was about."""
    target, ref = draft.target, draft.watch or draft.target.ref
    place = f"--cluster {target.scope.cluster} -n {target.scope.namespace}"
    if ref.kind in WORKLOAD_KINDS:
        return f"status {draft.service or ref} {place}"
    return f"pods {place}" if ref.kind == "Namespace" else f"describe {ref} {place}"


def _who(operation: Operation) -> tuple[Line, ...]:
    agreed = approvers_line(operation)
    return (*((agreed,) if agreed else ()), requester_line(operation))


def _why(operation: Operation) -> tuple[Line, ...]:
    words = sentence(operation.outcome)
    return (line(words),) if words else ()
