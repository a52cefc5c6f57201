"""Reads: ask the service, say the answer where its person is. One of the three places that catch everything."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Any

from bot import answers
from bot.domain.requests import Request, Surface
from bot.domain.view import Button, Buttons, Headline, Mark, Paragraph, View, code, line
from bot.errors import DeliveryError
from bot.slack.inbound.equipment import InboundEquipment
from bot.slack.inbound.kinds import BUILD, Delivery, Kind, is_build, to_build
from bot.slack.inbound.meanings import codes_in
from bot.slack.inbound.payloads import HOME_COMMAND, Payload, message_words
from bot.slack.markup import escaped

log = logging.getLogger(__name__)

REPLY_S = 30.0
# A read may take this long; then its person hears that it did not end.
ANSWER_S = 60.0
# As much of a command as is said back.
LONGEST_SHOWN = 150
BUILD_BUTTON = Button("Build a command…", BUILD)
_HELP = frozenset({"", "help"})
# Answers on these surfaces are for all to see; without a database they are for the person alone.
EVENTS = frozenset({Surface.MENTION, Surface.DIRECT})


@dataclass(frozen=True, slots=True)
class Answering:
    """Makes answers and says them."""

    equipment: InboundEquipment

    async def answer(self, delivery: Delivery, request: Request) -> View:
        """Answer a read. Whatever breaks is an answer, too, with a reference that is in the log."""
        try:
            async with asyncio.timeout(ANSWER_S):
                if delivery.kind is Kind.EXPLAIN:
                    return await self._explained(delivery, request)
                return await self._asked(request)
        except Exception:
            reference = self.equipment.references.new()
            log.exception("a request failed", extra={"event": "request_broken", "reference": reference})
            return answers.broken(reference)

    async def _asked(self, request: Request) -> View:
        if is_build(request):
            return _press_to_build(request)
        private = replace(request, surface=Surface.COMMAND) if request.surface in EVENTS else request
        view = await self.equipment.service.ask(private)
        return with_buttons(view, BUILD_BUTTON) if _is_help(request, view) else view

    async def _explained(self, delivery: Delivery, request: Request) -> View:
        """Explain the likeliest code that a message speaks of; the others are a press away."""
        # Beside the loop: the message may be long, and it is anybody's.
        codes = await asyncio.to_thread(_codes_of, delivery.body.get("message") or {})
        if not codes:
            return _unexplained()
        view = await self.equipment.service.ask(replace(request, text=f"explain {codes[0]}"))
        others = (Button(name, f"explain {name}") for name in codes[1:])
        return view if view.exit_code else with_buttons(view, *others)

    async def say(self, request: Request, view: View, *, replaces: bool = False, limit_s: float = REPLY_S) -> None:
        """Give a private answer. It is best effort: what cannot be delivered is logged."""
        try:
            async with asyncio.timeout(limit_s):
                await self.equipment.notifier.reply(request, view, replace=replaces)
        except (DeliveryError, TimeoutError) as error:
            log.warning("an answer was not delivered: %s", error, extra={"event": "reply_lost"})


def _codes_of(message: Payload) -> tuple[str, ...]:
    return codes_in(message_words(message))


def preparing(request: Request) -> dict[str, Any]:
    """Return what the acknowledgement of a command says whose answer takes a moment; its person alone sees it."""
    words = " ".join(request.text.split())
    shown = words if len(words) <= LONGEST_SHOWN else f"{words[: LONGEST_SHOWN - 1]}…"
    return {"response_type": "ephemeral", "text": f"Preparing: {escaped(shown)} …", "mrkdwn": False}


def needs_place(request: Request) -> View:
    """Answer what is kept on record and was asked for on the bot's own page, where no conversation is."""
    said = "This needs a conversation, and there is none on this page."
    return View(
        said,
        (
            Headline(said, Mark.WARNING),
            Paragraph((line("Nothing was done. Type ", code(f"/rag {request.text}"), " where it belongs."),)),
            Buttons((BUILD_BUTTON, Button("Back", HOME_COMMAND, replaces=True))),
        ),
        exit_code=answers.FAILED,
    )


def with_way_back(view: View) -> View:
    """Return an answer as it is shown in place of the bot's own page."""
    return with_buttons(view, Button("Back", HOME_COMMAND, replaces=True))


def _is_help(request: Request, view: View) -> bool:
    return request.text.strip().lower() in _HELP and not view.exit_code


def with_buttons(view: View, *buttons: Button) -> View:
    """Return a view with more buttons, in its last row where it ends with one."""
    if not buttons:
        return view
    last = view.blocks[-1] if view.blocks else None
    if isinstance(last, Buttons):
        return replace(view, blocks=(*view.blocks[:-1], Buttons((*last.buttons, *buttons))))
    return replace(view, blocks=(*view.blocks, Buttons(buttons)))


def build_button(request: Request) -> Button:
    """Return the button that opens the dialog which a request asks for, filled in as far as it says."""
    return replace(BUILD_BUTTON, command=f"{BUILD} {to_build(request)}".rstrip())


def _press_to_build(request: Request) -> View:
    said = "Press the button: a dialog opens that builds a command."
    return View(said, (Headline(said), Buttons((build_button(request),))))


def _unexplained() -> View:
    said = "I know no meaning of what this message says."
    known = "I know findings by their codes, Kubernetes' reasons, and last words of programs, such as "
    return View(
        said,
        (
            Headline(said, Mark.UNKNOWN),
            Paragraph(
                (
                    line(known, code("connection refused"), "."),
                    line(code("/rag status"), " says what is wrong now."),
                )
            ),
        ),
        exit_code=answers.FAILED,
    )
