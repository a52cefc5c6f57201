"""Answers that are no verb's: refusals, misunderstandings, failures.

Each says what was tried, what was not changed, and what to do next.
"""

from __future__ import annotations

import re
from datetime import datetime

from bot.domain.people import Standing
from bot.domain.policy import Authorization
from bot.domain.requests import Post
from bot.domain.rights_words import held_words, holders_words, needed_words, read_words
from bot.domain.text import first_line
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
    Span,
    View,
    code,
    line,
    mention_channel,
)
from bot.errors import BotError, SettingsError, UsageError

FAILED = 2


_MENTIONED = re.compile(r"<[@#!][^<>|]*\|(?P<label>[^<>]*)>")
_MOST_BUTTONS = 3
# What to do about a word that is no command: it is no way to use one.
_HELP = "help lists what there is"


def misunderstood(error: UsageError) -> View:
    """Answer a command that makes no sense, with the nearest that does, ready to be pressed.

    People are named as they were typed, not by the ids that the platform puts in their place.
    """
    message = _MENTIONED.sub(lambda found: f"@{found['label']}" if found["label"] else found[0], error.message)
    lines: list[Line] = []
    if error.suggestions:
        parts: list[str | Span] = []
        for suggestion in error.suggestions:
            parts += [", " if parts else "Did you mean ", code(suggestion)]
        lines.append(line(*parts, "?"))
    lines += _usage(error.usage)
    # An option alone is no command.
    ready = [text for text in error.suggestions if not text.startswith("-")]
    buttons = [Button(text, text, replaces=True) for text in ready[:_MOST_BUTTONS]]
    buttons += [Button("Help", "help", replaces=True)] if error.usage == _HELP and "help" not in ready else []
    return View(
        message,
        (
            Headline(message, Mark.WARNING),
            *((Paragraph(tuple(lines)),) if lines else ()),
            *((Buttons(tuple(buttons)),) if buttons else ()),
        ),
        data={"error": error.message, "suggestions": list(error.suggestions), "usage": error.usage},
        exit_code=FAILED,
    )


def _usage(usage: str) -> list[Line]:
    if usage == _HELP:
        command, _, rest = usage.partition(" ")
        return [line(code(command), f" {rest}.")]
    return [line("Usage: ", code(usage))] if usage else []


def refused(what: str, decision: Authorization, *, now: datetime | None = None) -> View:
    """Answer a request that its person may not make, and name who could.

    Who holds no role at all is not told where the request would have gone; who is no member learns of no roles either,
    only whom to ask.
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
        lines.append(line(f"Nothing was changed.{_next_for(decision)}"))
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


def _next_for(decision: Authorization) -> str:
    """Say what somebody can do who is not known, or known to be no member."""
    if decision.membership is not None:
        return " Ask a full member of the workspace that this bot belongs to."
    return " Nobody is let in on a guess: try again in a minute." if decision.helpers else ""


def failed(error: BotError, reference: str, *, retry: str = "") -> View:
    """Answer a request that failed in a way we know."""
    heading, _, rest = error.said.partition("\n")
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
    where = line("It was meant for the channel ", mention_channel(post.place.channel), ".")
    return View(
        summary,
        (
            Headline(summary, Mark.WARNING),
            Paragraph((where, line(reason), line("It began: ", code(first_line(post.view.summary, limit=120))))),
        ),
        data={"error": summary, "reason": reason},
        exit_code=FAILED,
    )


def asked_from_terminal(command: str, *, person: str, channel: str) -> View:
    """Tell a person at a terminal that what they asked for is written down, and where to look for it."""
    summary = f"Written down, to be asked for in your name: {first_line(command, limit=120)}"
    where = line("The bot plans it once more, and posts the card in the channel ", mention_channel(channel), ".")
    return View(
        summary,
        (
            Headline(summary, Mark.OK),
            Paragraph((line("You are ", Mention(person), " there."), where)),
            Context((line("Nothing was changed yet. ", code("ragops requests"), " lists what waits."),)),
        ),
        data={"asked": command, "person": person, "channel": channel},
    )


def settings_fault(error: SettingsError) -> str:
    """Return every fault of the configuration as lines of text, for the terminal."""
    count = len(error.faults)
    head = f"The configuration has {count} fault{'s' if count != 1 else ''}; nothing was done:"
    return "\n".join([head, *(f"  {fault}" for fault in error.faults)])
