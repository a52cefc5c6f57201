"""The way of a request: understand, authorize, then read (`ask`) or do what must be kept (`accept`, `control`).

A read writes nothing and needs no database. What must be kept is written down before it is acknowledged, and carried
out from what was written down, however often the platform repeats itself or a process ends.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot import answers
from bot.admission import (
    REFUSED,
    Admission,
    Refused,
    log_refusal,
    record_refusal,
    refusal_entry,
    request_entry,
)
from bot.domain.actions import AT_TERMINAL, IN_CHAT, Change, Control, Decision, Query, Setting
from bot.domain.forms import FilledForm, Form
from bot.domain.people import Actor, Permission
from bot.domain.requests import Outcome, Post, Request, Surface
from bot.domain.targets import Where
from bot.domain.view import View, posted
from bot.equipment import Equipment
from bot.errors import BotError, Lost, NotAccepted, StoreUnavailable, UsageError
from bot.forms import command_of, form_for
from bot.journal import Journal
from bot.parser import Parsed, parse
from bot.ports import ChangeAsked, Claimed, Previews
from bot.sourcing import Sourcing
from bot.terminals import of_terminal

__all__ = ["Equipment", "Lost", "Service"]

log = logging.getLogger(__name__)

# Answers of these surfaces are for all who are there; those of the others are seen by their person alone.
_OPEN = frozenset({Surface.MENTION, Surface.TERMINAL})
# What is asked here is answered by a message that must not be lost, whatever it is.
_KEPT = frozenset({Surface.MENTION, Surface.DIRECT})


class Service:
    """Answers requests of every surface."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._admission = Admission(
            rights=equipment.rights,
            scopes=equipment.scopes,
            catalogue=equipment.catalogue,
            meter=equipment.meter,
            limits=equipment.limits,
            hot=equipment.hot,
        )
        self._sourcing = Sourcing(equipment, self._admission)
        self._journal = Journal(equipment.store)

    # --- reads --------------------------------------------------------------------------------------------------------

    async def ask(self, request: Request) -> View:
        """Answer a reading command for the person who asks. What goes wrong in a known way is an answer, too."""
        began = self._equipment.clock.now()
        verb, result = "", "broken"
        try:
            parsed = self._parse(request)
            verb = parsed.action.name
            if isinstance(parsed.action, Change) and self._equipment.previews is not None:
                view = await self._preview(self._equipment.previews, parsed, request)
            else:
                self._reading(parsed)
                await self._admission.count(request)
                where = await self._admission.check(parsed, request)
                view = await self._answer(parsed, request, where, private=request.surface not in _OPEN)
            result = "ok"
        except Refused as refusal:
            result = REFUSED
            # What a kubeconfig's user may not do at a terminal is the business of nobody else.
            await record_refusal(None if request.actor.local else self._equipment.store, refusal, request)
            return self.explain(refusal, request)
        except BotError as error:
            result = "misunderstood" if isinstance(error, UsageError) else "failed"
            return self.explain(error, request)
        else:
            return view
        finally:
            self._equipment.meter.commanded(verb, result, (self._equipment.clock.now() - began).total_seconds())

    async def _answer(self, parsed: Parsed, request: Request, where: Where, *, private: bool) -> View:
        query = self._reading(parsed)
        sources = self._sourcing.sources(parsed, request, where, _Asker(self, request))
        seen = await query.observe(parsed.params, sources)
        setting = Setting(
            now=self._equipment.clock.now(),
            command=parsed.text,
            private=private,
            actor_id=request.actor.user_id,
            place=self._sourcing.words_to(sources.scope),
            prompt=AT_TERMINAL if request.surface is Surface.TERMINAL else IN_CHAT,
            catalogue=self._admission.catalogue_at(sources.scope),
        )
        return query.render(parsed.params, seen, setting)

    async def _preview(self, previews: Previews, parsed: Parsed, request: Request) -> View:
        """Show a change as it would be asked for: whoever may look may see that."""
        where = await self._admission.check(parsed, request, Permission.READ)
        return await previews.preview(self._asked(parsed, request, where))

    # --- what must be kept --------------------------------------------------------------------------------------------

    def must_keep(self, request: Request) -> bool:
        """Tell, before anything is acknowledged, whether a request changes something or is answered for all to see."""
        try:
            action = self._parse(request).action
        except UsageError:
            return False
        return request.surface in _KEPT or not isinstance(action, Query)

    def is_change(self, request: Request) -> bool:
        """Tell whether a request is for a change of the cluster, which is prepared before anybody sees it."""
        try:
            return isinstance(self._parse(request).action, Change)
        except UsageError:
            return False

    async def accept(self, request: Request) -> bool:
        """Write a request down; False when the same delivery came before.

        Raises `NotAccepted`; when the connection broke during the commit its `unchanged` says that this is not known.
        """
        return await self._journal.accept(request)

    async def control(self, claimed: Claimed) -> View | None:
        """Carry out a request that was written down; return what only its person sees, if anything.

        Its effects, the audit entry and its end are one transaction. Raises `StoreUnavailable` when that could not be
        made: the request stays and is claimed again.
        """
        began = self._equipment.clock.now()
        verb, result = "", "broken"
        try:
            claimed = of_terminal(claimed, self._equipment.policy, self._equipment.team_id)
            request = claimed.request
            parsed = self._parse(request)
            verb = parsed.action.name
            await self._admission.count(request)
            where = await self._admission.check(parsed, request)
            if isinstance(parsed.action, Change | Decision):
                view = await self._changed(claimed, parsed, where)
                result = REFUSED if view.exit_code else "ok"
                return view
            outcome = await self._outcome(parsed, request, where)
            is_control = isinstance(parsed.action, Control)
            entry = request_entry(request, "done", outcome.detail, verb=verb) if is_control else None
            await self._journal.settle(claimed, outcome.posts, entry, keeps=outcome.keeps)
            result = "ok"
        except (StoreUnavailable, Lost):
            result = "failed"
            raise
        except Refused as refusal:
            result = REFUSED
            log_refusal(refusal, claimed.request)
            await self._journal.settle(claimed, (), refusal_entry(refusal, claimed.request))
            return self.explain(refusal, claimed.request)
        except BotError as error:
            result = "misunderstood" if isinstance(error, UsageError) else "failed"
            entry = request_entry(claimed.request, type(error).__name__, error.message, verb=verb)
            await self._journal.settle(claimed, (), entry)
            return self.explain(error, claimed.request)
        finally:
            self._equipment.meter.commanded(verb, result, (self._equipment.clock.now() - began).total_seconds())
        return outcome.view if is_control else None

    async def abandon(self, claimed: Claimed, reference: str) -> View:
        """End a request that failed in an unknown way, with an audit entry, and return what its person is told."""
        entry = request_entry(claimed.request, "failed", f"reference {reference}", reference=reference)
        await self._journal.settle(claimed, (), entry)
        return answers.broken(reference)

    async def _changed(self, claimed: Claimed, parsed: Parsed, where: Where) -> View:
        """Hand a change, or what is said to one, to the engine, which ends the request in its own transaction."""
        changes = self._equipment.changes
        if changes is None:
            raise NotAccepted("Nothing is changed from here.", advice="The worker of this bot carries changes out.")
        if isinstance(parsed.action, Decision):
            return await changes.decide(claimed, parsed.action, parsed.params)
        return await changes.request(claimed, self._asked(parsed, claimed.request, where))

    def _asked(self, parsed: Parsed, request: Request, where: Where) -> ChangeAsked:
        if not isinstance(parsed.action, Change):
            raise TypeError(f"{parsed.action.name} changes nothing")
        return ChangeAsked(
            action=parsed.action,
            params=parsed.params,
            command=parsed.text,
            sources=self._sourcing.sources(parsed, request, where, _Asker(self, request)),
            reason=parsed.reason,
            replace=parsed.replace,
            place=self._sourcing.words_to(where.scope),
        )

    async def _outcome(self, parsed: Parsed, request: Request, where: Where) -> Outcome:
        if isinstance(parsed.action, Control):
            sources = self._sourcing.sources(parsed, request, where, _Asker(self, request))
            return await parsed.action.act(parsed.params, sources)
        private = request.surface not in _OPEN
        view = await self._answer(parsed, request, where, private=private)
        shown = view if private else posted(view)
        return Outcome(view, posts=(Post(request.place, shown, asked_by=request.actor.user_id),))

    # --- dialogs ------------------------------------------------------------------------------------------------------

    def form(self, filled: FilledForm | None = None) -> Form:
        """Return the dialog that builds a command, as far as it is filled in."""
        equipment = self._equipment
        return form_for(equipment.registry, equipment.scopes, equipment.catalogue, filled)

    def command(self, filled: FilledForm) -> str:
        """Return the command that was built. Raises `FormFaults` naming what must be filled in otherwise."""
        return command_of(self._equipment.registry, filled)

    async def note(self, actor: Actor, action: str, subject: str, detail: Mapping[str, str | int | bool]) -> None:
        """Put something on record that the platform told, such as a change of a group. Raises `StoreUnavailable`."""
        await self._journal.note(actor, action, subject, detail)

    # --- what both share ----------------------------------------------------------------------------------------------

    def explain(self, error: BotError, request: Request) -> View:
        """Turn a known error into the answer for the person, and log what an operator needs."""
        if isinstance(error, UsageError):
            return answers.misunderstood(error)
        if isinstance(error, Refused):
            return answers.refused(error.what, error.decision, now=self._equipment.clock.now())
        reference = self._equipment.references.new()
        extra = {"event": "request_failed", "reference": reference, "error": type(error).__name__}
        log.warning("a request failed: %s", error.message, extra=extra)
        return answers.failed(error, reference, retry=request.text)

    def _parse(self, request: Request) -> Parsed:
        return parse(request.text, self._equipment.registry)

    def _reading(self, parsed: Parsed, *, so: str = "") -> Query[Any, Any]:
        """Return the query that was meant. Raises `UsageError` when it is none."""
        if isinstance(parsed.action, Query):
            return parsed.action
        what = "is said in chat alone" if isinstance(parsed.action, Decision) else "is no reading command"
        raise UsageError(f"{parsed.action.name} {what}{so}.")

    async def may_look(self, actor: Actor, *, what: str) -> bool:
        """Tell whether a person may read anything anywhere: what is to choose from is shown to nobody else.

        It counts as a command: `UsageError` over the limit. A refusal is put on record under the name of `what` they
        wanted.
        """
        return await self._admission.may_look(actor, what, self._equipment.store)

    async def shared_view(self, text: str, request: Request) -> View:
        """Answer a query as others will see it, with the rights of the person who shares it."""
        parsed = parse(text, self._equipment.registry)
        self._reading(parsed, so=", so its answer cannot be shared")
        where = await self._admission.check(parsed, request)
        return await self._answer(parsed, request, where, private=False)


@dataclass(frozen=True, slots=True)
class _Asker:
    service: Service
    request: Request

    async def view(self, text: str) -> View:
        """Return the query's answer as others will see it."""
        return await self.service.shared_view(text, self.request)
