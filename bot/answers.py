"""Answers that are no verb's: refusals, misunderstandings, failures.

Each says what was tried, what was not changed, and what to do next.
"""

from __future__ import annotations

from datetime import datetime

from bot.domain.people import Standing
from bot.domain.policy import Authorization
from bot.domain.requests import Post
from bot.domain.rights_words import held_words, holders_words, needed_words, read_words
from bot.domain.text import first_line
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


def refused(what: str, decision: Authorization, *, now: datetime | None = None) -> View:
    """Answer a request that its person may not make, and name who could.

    Who holds no role at all is not told where the request would have gone; who is no member learns of no roles either.
    """
    member = decision.membership is not None and decision.membership.standing is Standing.MEMBER
    lines: list[Line] = []
    if member:
        that = "that " if decision.helpers else ""
        summary = f"You can't use {what}: {that}{needed_words(decision)} (you have: {held_words(decision)})."
        read = f" Your groups {read_words(decision, now)}." if now is not None else ""
        holders = holders_words(decision)
        lines += [line(holders)] if holders else []
        lines.append(line(f"Nothing was changed.{read} ", code("whoami"), " shows more."))
    else:
        summary = f"You can't use {what}: {decision.reason}."
        unknown = " Nobody is let in on a guess: try again in a minute." if decision.helpers else ""
        lines.append(line(f"Nothing was changed.{unknown}"))
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


def undelivered(post: Post, reason: str) -> View:
    """Tell the person who asked for a message that it will never be seen where it was meant for."""
    summary = "What you asked me to post was not posted."
    where = line("It was meant for the channel ", code(post.place.channel), ".")
    return View(
        summary,
        (
            Headline(summary, Mark.WARNING),
            Paragraph((where, line(reason), line("It began: ", code(first_line(post.view.summary, limit=120))))),
        ),
        data={"error": summary, "reason": reason},
        exit_code=FAILED,
    )


def settings_fault(error: SettingsError) -> str:
    """Return every fault of the configuration as lines of text, for the terminal."""
    count = len(error.faults)
    head = f"The configuration has {count} fault{'s' if count != 1 else ''}; nothing was started:"
    return "\n".join([head, *(f"  {fault}" for fault in error.faults)])
