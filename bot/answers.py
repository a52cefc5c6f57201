"""Answers that are no verb's: refusals, misunderstandings, failures.

Each says what was tried, what was not changed, and what to do next.
"""

from __future__ import annotations

from bot.domain.people import Standing
from bot.domain.policy import Authorization
from bot.domain.view import Block, Button, Buttons, Context, Headline, Line, Mark, Paragraph, Span, View, code, line
from bot.errors import BotError, SettingsError, UsageError

FAILED = 2


def misunderstood(error: UsageError) -> View:
    """Answer a command that makes no sense, with the nearest that does."""
    lines: list[Line] = []
    if error.suggestions:
        parts: list[str | Span] = []
        for suggestion in error.suggestions:
            parts += [", " if parts else "Did you mean ", code(suggestion)]
        lines.append(line(*parts, "?"))
    if error.usage:
        lines.append(line("Usage: ", code(error.usage)))
    return View(
        error.message,
        (Headline(error.message, Mark.WARNING), *((Paragraph(tuple(lines)),) if lines else ())),
        data={"error": error.message, "suggestions": list(error.suggestions), "usage": error.usage},
        exit_code=FAILED,
    )


def refused(what: str, decision: Authorization) -> View:
    """Answer a request that its person may not make, and name who could."""
    summary = f"You can't use {what}: {decision.reason}."
    lines: list[Line] = []
    member = decision.membership is not None and decision.membership.standing is Standing.MEMBER
    if member:
        lines.append(line(f"You have: {', '.join(decision.roles) or 'no role'}."))
    lines += [
        line(f"The role {role} is held by: {', '.join(decision.holders[role])}.")
        for role in decision.helpers
        if decision.holders.get(role)
    ]
    lines.append(
        line("Nothing was changed. ", code("whoami"), " shows more.") if member else line("Nothing was changed.")
    )
    return View(
        summary,
        (
            Headline(summary, Mark.WARNING),
            Paragraph(tuple(lines)),
            *((Buttons((Button("Who am I", "whoami"),)),) if member else ()),
        ),
        data={"error": summary, "permission": decision.permission.value},
        exit_code=FAILED,
    )


def failed(error: BotError, reference: str, *, retry: str = "") -> View:
    """Answer a request that failed in a way we know."""
    heading, _, rest = error.message.partition("\n")
    lines = [line(part) for part in rest.splitlines()]
    told = " ".join(part for part in (error.unchanged, error.advice) if part)
    if told:
        lines.append(line(told))
    blocks: list[Block] = [
        Headline(heading, Mark.UNKNOWN),
        Paragraph(tuple(lines)),
        Context((line(f"Reference {reference}"),)),
    ]
    return View(
        heading,
        (*blocks, *((Buttons((Button("Try again", retry, replaces=True),)),) if retry else ())),
        data={"error": error.message, "advice": error.advice, "reference": reference},
        exit_code=FAILED,
    )


def broken(reference: str) -> View:
    """Answer a request that failed in a way we do not know: a bug of ours."""
    summary = "Something in the bot itself went wrong."
    return View(
        summary,
        (
            Headline(summary, Mark.UNKNOWN),
            Paragraph((line("Whether anything was recorded is in the log. Tell an administrator this reference."),)),
            Context((line(f"Reference {reference}"),)),
        ),
        data={"error": summary, "reference": reference},
        exit_code=FAILED,
    )


def settings_fault(error: SettingsError) -> str:
    """Return every fault of the configuration as lines of text, for the terminal."""
    count = len(error.faults)
    head = f"The configuration has {count} fault{'s' if count != 1 else ''}; nothing was started:"
    return "\n".join([head, *(f"  {fault}" for fault in error.faults)])
