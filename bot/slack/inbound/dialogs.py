"""Dialogs: one builds a command, one asks for the last words of a button's; opened at once, read when it is sent.

The platform's permission to open one lives three seconds, so nothing is looked up before: the questions of the one that
builds a command follow a moment later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.forms import FieldKind, FilledForm, Form
from bot.domain.people import Actor
from bot.domain.requests import Request
from bot.domain.view import Button, Headline, Mark, View
from bot.errors import DeliveryError, FormFaults, UsageError
from bot.redaction import clean, redact
from bot.service import Service
from bot.slack import fields
from bot.slack.inbound.answering import Answering, build_button, with_buttons
from bot.slack.inbound.asking import UNSAID, asking_form, is_asking
from bot.slack.inbound.equipment import InboundEquipment
from bot.slack.inbound.kinds import BUILD, Delivery, to_build
from bot.slack.inbound.payloads import Payload, actor_of, form_request, only_action

log = logging.getLogger(__name__)

TITLE: Final = "Build a command"
LOADING: Final = Form(title=TITLE, words="One moment… If nothing more appears, close this and try again.")
NOT_FOR_YOU: Final = Form(
    title=TITLE,
    words="You may not look at anything here, so there is nothing to build. Nothing was changed. "
    "Whoever runs this bot could let you in.",
)
OUTDATED: Final = "The questions of this command have only now appeared: answer them, then send it again."
OPEN_S: Final = 3.0
UPDATE_S: Final = 10.0
_LONGEST_FAULT: Final = 300
_MOST_DIALOGS: Final = 1_000

Errors = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Read:
    """A dialog as it came back: what was filled in, the form that this asks for, and whether that is what was shown."""

    filled: FilledForm
    form: Form
    shown: bool


class Dialogs:
    """Opens, draws anew and reads dialogs."""

    def __init__(self, equipment: InboundEquipment, answering: Answering) -> None:
        self._service = equipment.service
        self._surfaces = equipment.surfaces
        self._answering = answering
        self._newest: dict[str, str] = {}

    async def open(self, delivery: Delivery, request: Request) -> None:
        """Open the dialog that was asked for.

        Whoever may look at nothing is told so by the one that builds a command, and learns no name.
        """
        asks = delivery.asks
        try:
            async with asyncio.timeout(OPEN_S):
                first = LOADING if asks is None else asking_form(asks)
                form_id, version = await self._surfaces.open_form(delivery.trigger, first)
        except (DeliveryError, TimeoutError) as error:
            log.warning("a dialog was not opened: %s", error, extra={"event": "form_lost"})
            await self._say_lost(request, *(() if asks is not None else (build_button(request),)))
            return
        if asks is None:
            wanted = FilledForm(values={}, command=redact(to_build(request)))
            await self._update(form_id, version, await self._for(request.actor, wanted))

    async def _for(self, actor: Actor, filled: FilledForm) -> Form:
        try:
            may = await self._service.may_look(actor, what=BUILD)
        except UsageError as error:
            return Form(title=TITLE, words=f"{error.message} Nothing was changed.")
        if not may:
            return NOT_FOR_YOU
        return _keeping(self._service.form(filled), filled.values)

    async def _say_lost(self, request: Request, *again: Button) -> None:
        if not (request.reply_to or request.place.channel):
            return
        said = "The dialog could not be opened: Slack allows three seconds for that. Nothing was changed. Try again."
        view = View(said, (Headline(said, Mark.UNKNOWN),))
        await self._answering.say(request, with_buttons(view, *again))

    async def redraw(self, delivery: Delivery) -> None:
        """Draw the questions that a choice asks for, with what was typed so far."""
        view = delivery.body.get("view") or {}
        form_id, at = str(view.get("id", "")), _moment(delivery.body)
        self._note(form_id, at)
        form = await self._for(actor_of(delivery.body), _read(self._service, view).filled)
        updated = await self._update(form_id, str(view.get("hash", "")), form)
        if not updated and self._newest.get(form_id) == at:
            # An earlier choice was drawn meanwhile; this one is the last, so that it must win.
            await self._update(form_id, "", form)

    def _note(self, form_id: str, at: str) -> None:
        self._newest[form_id] = max(at, self._newest.pop(form_id, ""))
        while len(self._newest) > _MOST_DIALOGS:
            del self._newest[next(iter(self._newest))]

    async def repair(self, delivery: Delivery) -> None:
        """Draw the questions that a dialog should have shown when it was sent."""
        view = delivery.body.get("view") or {}
        form = await self._for(actor_of(delivery.body), _read(self._service, view).filled)
        await self._update(str(view.get("id", "")), "", form)

    def submitted(self, body: Payload) -> Request | Errors:
        """Read a dialog that was sent: the request it makes, or what is wrong by the blocks that it has.

        One that asks for words and makes a request was understood before; here it can only be empty.
        """
        if is_asking(body):
            return errors_in(body, {"": UNSAID})
        view = body.get("view") or {}
        read = _read(self._service, view)
        if not read.shown:
            return errors_in(body, {"": OUTDATED})
        try:
            text = self._service.command(read.filled)
        except FormFaults as faults:
            return errors_in(body, faults.faults)
        filled = read.filled.values
        channels = [filled.get(field.name, "") for field in read.form.fields if field.kind is FieldKind.CHANNEL]
        return form_request(body, text, next(iter(channels), ""))

    async def _update(self, form_id: str, version: str, form: Form) -> bool:
        try:
            async with asyncio.timeout(UPDATE_S):
                return await self._surfaces.update_form(form_id, version, form)
        except (DeliveryError, TimeoutError) as error:
            log.warning("a dialog was not drawn: %s", error, extra={"event": "form_lost"})
            return True


def is_outdated(errors: Errors) -> bool:
    """Tell whether a dialog was refused because it did not show its questions."""
    return OUTDATED in errors.values()


def errors_in(body: Payload, faults: Mapping[str, str]) -> Errors:
    """Return faults by the dialog's own blocks: a fault of a field that it does not show stands at its first."""
    blocks = (body.get("view") or {}).get("blocks") or ()
    there = [str(block.get("block_id", "")) for block in blocks if block.get("type") == "input"]
    errors: Errors = {}
    for name, fault in faults.items():
        wanted = fields.block_id(name)
        block = wanted if wanted in there else next(iter(there), wanted)
        said = clean(fault)[:_LONGEST_FAULT]
        errors[block] = f"{errors[block]} {said}" if block in errors else said
    return errors


def _read(service: Service, view: Payload) -> _Read:
    """Read what was filled in. Which choices there are depends on what was chosen, so it is read until that holds."""
    kept = fields.decode_state(str(view.get("private_metadata", "")))
    mark, state = kept or ("", "")
    raw = fields.raw_values((view.get("state") or {}).get("values") or {})
    form = service.form(FilledForm(values={}, state=state))
    for _ in range(3):
        filled = FilledForm(values=_typed(form, raw), state=state)
        before, form = fields.fingerprint(form), service.form(filled)
        if fields.fingerprint(form) == before:
            break
    return _Read(filled, form, shown=fields.fingerprint(form) == mark)


def _typed(form: Form, raw: Mapping[str, str]) -> dict[str, str]:
    """Return the values by the form's fields, secrets that were pasted masked: a command stays in the audit."""
    kinds = {field.name: field.kind for field in form.fields}
    meant = fields.meant(form.fields, {name: value for name, value in raw.items() if name in kinds})
    return {name: redact(value).strip() if kinds[name] is FieldKind.TEXT else value for name, value in meant.items()}


def _keeping(form: Form, values: Mapping[str, str]) -> Form:
    return replace(
        form, fields=tuple(replace(field, value=field.value or values.get(field.name, "")) for field in form.fields)
    )


def _moment(body: Payload) -> str:
    """Return when somebody chose, as text that sorts by time."""
    return str(only_action(body).get("action_ts", ""))
