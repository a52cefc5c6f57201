"""The way of a request: understand, authorize, then read (`ask`) or do what must be kept (`accept`, `control`).

A read writes nothing and needs no database. What must be kept is written down before it is acknowledged, and carried
out from what was written down, however often the platform repeats itself or a process ends.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot import answers
from bot.domain.actions import Action, Control, Need, Query, Setting, parameters_of
from bot.domain.catalogue import Catalogue
from bot.domain.policy import Authorization
from bot.domain.requests import Outcome, Post, Request, Surface
from bot.domain.targets import Scope
from bot.domain.view import View, posted
from bot.errors import BotError, NotAccepted, StoreUnavailable, UsageError
from bot.parser import Parsed, parse
from bot.ports import AuditEntry, Claimed, Clock, ClusterReader, LogStream, RateLimiter, Sources, Store
from bot.references import References
from bot.registry import Registry
from bot.rights import DirectoryRights
from bot.scopes import Scopes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What the service works with. `store` is None at a terminal, which keeps nothing."""

    registry: Registry
    scopes: Scopes
    catalogue: Catalogue
    rights: DirectoryRights
    cluster: ClusterReader
    logs: LogStream
    clock: Clock
    references: References
    store: Store | None = None
    limiter: RateLimiter | None = None
    commands_per_minute: int = 30


class Refused(BotError):
    """The person may not do this."""

    def __init__(self, what: str, decision: Authorization) -> None:
        super().__init__(decision.reason)
        self.what = what
        self.decision = decision


class Lost(BotError):
    """Somebody else works on this request by now."""


class Service:
    """Answers requests of every surface."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    # --- reads --------------------------------------------------------------------------------------------------------

    async def ask(self, request: Request) -> View:
        """Answer a reading command for the person who asks. What goes wrong in a known way is an answer, too."""
        try:
            parsed = self._parse(request)
            if not isinstance(parsed.action, Query):
                raise UsageError(f"{parsed.action.name} is no reading command.")
            await self._admit(request, parsed.action)
            return await self._answer(
                parsed, request, private=request.surface not in (Surface.MENTION, Surface.TERMINAL)
            )
        except BotError as error:
            return self.explain(error, request)

    async def _answer(self, parsed: Parsed, request: Request, *, private: bool) -> View:
        query = parsed.action
        if not isinstance(query, Query):
            raise UsageError(f"{query.name} is no reading command.")
        sources = self._sources(parsed, request)
        seen = await query.observe(parsed.params, sources)
        setting = Setting(
            now=self._equipment.clock.now(),
            command=parsed.text,
            private=private,
            actor_id=request.actor.user_id,
            place=self._place(sources.scope),
        )
        return query.render(parsed.params, seen, setting)

    # --- what must be kept --------------------------------------------------------------------------------------------

    def must_keep(self, request: Request) -> bool:
        """Tell, before anything is acknowledged, whether a request changes something or is answered for all to see."""
        try:
            action = self._parse(request).action
        except UsageError:
            return False
        return request.surface is Surface.MENTION or not isinstance(action, Query)

    async def accept(self, request: Request) -> bool:
        """Write a request down; False when the same delivery came before.

        Raises `NotAccepted`; when the connection broke during the commit its `unchanged` says that this is not known.
        """
        store = self._equipment.store
        if store is None:
            raise NotAccepted("There is no database here, so nothing can be kept.")
        try:
            return await store.inbox.accept(request)
        except StoreUnavailable as error:
            in_doubt = error.unchanged != NotAccepted.unchanged
            fate = "may not have been accepted" if in_doubt else "was not accepted"
            refused = NotAccepted(f"The request {fate}: {error.message}")
            refused.unchanged = error.unchanged
            raise refused from error

    async def control(self, claimed: Claimed) -> View | None:
        """Carry out a request that was written down; return what only its person sees, if anything.

        Its effects, the audit entry and its end are one transaction. Raises `StoreUnavailable` when that could not be
        made: the request stays and is claimed again.
        """
        request = claimed.request
        try:
            parsed = self._parse(request)
            await self._admit(request, parsed.action)
            outcome = await self._outcome(parsed, request)
        except StoreUnavailable:
            raise
        except BotError as error:
            await self._settle(claimed, (), self._entry(request, type(error).__name__, error.message))
            return self.explain(error, request)
        keep = self._entry(request, "done", outcome.detail) if isinstance(parsed.action, Control) else None
        await self._settle(claimed, outcome.posts, keep)
        return outcome.view if isinstance(parsed.action, Control) else None

    async def abandon(self, claimed: Claimed, reference: str) -> View:
        """End a request that failed in an unknown way, with an audit entry, and return what its person is told."""
        entry = self._entry(claimed.request, "failed", f"reference {reference}")
        await self._settle(claimed, (), entry)
        return answers.broken(reference)

    async def _outcome(self, parsed: Parsed, request: Request) -> Outcome:
        if isinstance(parsed.action, Control):
            return await parsed.action.act(parsed.params, self._sources(parsed, request))
        view = await self._answer(parsed, request, private=False)
        return Outcome(view, posts=(Post(request.place, posted(view)),))

    async def _settle(self, claimed: Claimed, posts: Sequence[Post], entry: AuditEntry | None) -> None:
        store = self._equipment.store
        if store is None:
            raise StoreUnavailable("There is no database here, so nothing can be kept.")
        async with store.transaction() as transaction:
            if not await transaction.finish(claimed):
                raise Lost
            for post in posts:
                await transaction.put(post)
            if entry is not None:
                await transaction.audit(entry)

    def _entry(self, request: Request, result: str, detail: str) -> AuditEntry:
        return AuditEntry(
            actor=request.actor.user_id,
            action=request.text.split(" ", 1)[0][:40],
            subject=request.place.channel,
            result=result,
            detail={"surface": request.surface.value, "command": request.text[:200], "said": detail[:200]},
        )

    # --- what both share ----------------------------------------------------------------------------------------------

    def explain(self, error: BotError, request: Request) -> View:
        """Turn a known error into the answer for the person, and log what an operator needs."""
        if isinstance(error, UsageError):
            return answers.misunderstood(error)
        if isinstance(error, Refused):
            extra = {"event": "refused", "actor": request.actor.user_id, "verb": error.what, "why": error.message}
            log.info("refused", extra=extra)
            return answers.refused(
                error.what, error.decision, self._equipment.rights.holders(error.decision.membership)
            )
        reference = self._equipment.references.new()
        extra = {"event": "request_failed", "reference": reference, "error": type(error).__name__}
        log.warning("a request failed: %s", error.message, extra=extra)
        return answers.failed(error, reference, retry=request.text)

    def _parse(self, request: Request) -> Parsed:
        return parse(request.text, self._equipment.registry)

    async def _admit(self, request: Request, action: Action) -> None:
        """Let the person in, or raise: over the rate limit, or without the right."""
        equipment = self._equipment
        if equipment.limiter is not None and not request.actor.local:
            limit = equipment.commands_per_minute
            key = f"commands:{request.actor.team_id}:{request.actor.user_id}"
            if not await equipment.limiter.allow(key, limit=limit, window_s=60):
                raise UsageError(f"That was more than {limit} commands in a minute; wait a little.")
        decision = await equipment.rights.of(request.actor, action.permission)
        if not decision.allowed:
            raise Refused(action.name, decision)

    def _sources(self, parsed: Parsed, request: Request) -> Sources:
        """Hand a verb the ports that it names, and nothing else."""
        equipment = self._equipment
        scope = self._scope(parsed)
        ports: dict[Need, tuple[str, Any]] = {
            Need.CLUSTER: ("cluster", equipment.cluster),
            Need.LOGS: ("logs", equipment.logs),
            Need.REGISTRY: ("registry", equipment.registry),
            Need.RIGHTS: ("rights", equipment.rights),
            Need.CATALOGUE: ("catalogue", equipment.catalogue.at(scope, equipment.scopes.default_of(scope.cluster))),
            Need.ASK: ("ask", _Asker(self, request)),
        }
        handed = dict(ports[need] for need in parsed.action.needs)
        return Sources(scope=scope, request=request, now=equipment.clock.now(), **handed)

    def _place(self, scope: Scope) -> str:
        """Return the words by which a button's command comes back to `scope`.

        Where services have places of their own, a bare name could lead there: then the place is always named.
        """
        equipment = self._equipment
        default = equipment.scopes.default_of()
        entries = equipment.catalogue.entries.values()
        spread = any(
            (e.cluster or default.cluster, e.namespace or default.namespace) != (default.cluster, default.namespace)
            for e in entries
        )
        return equipment.scopes.words(scope, always=spread)

    def _scope(self, parsed: Parsed) -> Scope:
        """Return what the command names, else where the service that it names lives, else the default."""
        entry = next(
            (
                self._equipment.catalogue.entries[value]
                for declared, parameter in parameters_of(parsed.action.params)
                if parameter.names_service
                and (value := getattr(parsed.params, declared.name)) in self._equipment.catalogue.entries
            ),
            None,
        )
        if entry is None or parsed.namespace or parsed.cluster:
            return self._equipment.scopes.resolve(parsed.cluster, parsed.namespace)
        return self._equipment.scopes.resolve(entry.cluster, entry.namespace)

    async def shared_view(self, text: str, request: Request) -> View:
        """Answer a query as others will see it, with the rights of the person who shares it."""
        parsed = parse(text, self._equipment.registry)
        if not isinstance(parsed.action, Query):
            raise UsageError(f"{parsed.action.name} is no reading command, so its answer cannot be shared.")
        decision = await self._equipment.rights.of(request.actor, parsed.action.permission)
        if not decision.allowed:
            raise Refused(parsed.action.name, decision)
        return await self._answer(parsed, request, private=False)


@dataclass(frozen=True, slots=True)
class _Asker:
    service: Service
    request: Request

    async def view(self, text: str) -> View:
        """Return the query's answer as others will see it."""
        return await self.service.shared_view(text, self.request)
