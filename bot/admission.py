"""Who is let in: rate limits and rights, decided before anything is read, and refusals put on record."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.domain.actions import Action, Need, parameters_of
from bot.domain.catalogue import Catalogue
from bot.domain.people import Actor, Permission, Standing
from bot.domain.policy import Asked, Authorization, RateLimits
from bot.domain.requests import Request, Surface
from bot.domain.targets import Scope, Where
from bot.errors import BotError, StoreUnavailable, UsageError
from bot.parser import Parsed
from bot.ports import AuditEntry, HotState, Meter, Store
from bot.rights import DirectoryRights
from bot.scopes import Scopes

log = logging.getLogger(__name__)

REFUSED = "refused"


class Refused(BotError):
    """The person may not do this."""

    def __init__(self, what: str, decision: Authorization) -> None:
        super().__init__(decision.reason)
        self.what = what
        self.decision = decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Lets a request in or refuses it. Without hot state (a terminal) nothing is counted."""

    rights: DirectoryRights
    scopes: Scopes
    catalogue: Catalogue
    meter: Meter
    limits: RateLimits
    hot: HotState | None = None

    async def count(self, request: Request) -> None:
        """Count a command against its person and its channel. Raises `UsageError` over a limit."""
        if self.hot is None or request.actor.local:
            return
        actor, limits = request.actor, self.limits
        if not await self.hot.allow(f"commands:{actor.team_id}:{actor.user_id}", limit=limits.person, window_s=60):
            raise UsageError(f"That was more than {limits.person} commands in a minute; wait a little.")
        channel = request.place.channel
        if channel and not await self.hot.allow(f"channel:{channel}", limit=limits.channel, window_s=60):
            raise UsageError(f"This channel sent more than {limits.channel} commands in a minute; wait a little.")

    async def check(self, parsed: Parsed, request: Request, permission: Permission | None = None) -> Where:
        """Decide on a command at the place it is about, and return that place.

        `permission` is the verb's own unless given. Raises `Refused`, and `UsageError` for an unknown place.
        """
        action = parsed.action
        wanted = permission or action.permission
        if wanted is Permission.ANYONE and (parsed.cluster or parsed.namespace):
            # Which places there are is told only to those who may look at some; what anyone may use is no way to ask.
            await self._decide(action, request, Asked(Permission.READ, action.name))
        try:
            where = self.where(parsed)
        except UsageError:
            await self._decide(action, request, Asked(wanted, action.name))
            raise
        placed = where if Need.CLUSTER in action.needs else None
        await self._decide(action, request, Asked(wanted, action.name, placed))
        return where

    async def may_look(self, actor: Actor, what: str, store: Store | None) -> bool:
        """Tell whether a person may read anything anywhere, as a command that is counted; put a refusal on record."""
        request = Request(key="", actor=actor, surface=Surface.FORM, text=what)
        await self.count(request)
        decision = await self.rights.of(actor, Asked(Permission.READ))
        if not decision.allowed:
            self.meter.refused(Permission.READ.value, why_of(decision))
            await record_refusal(store, Refused(what, decision), request)
        return decision.allowed

    async def _decide(self, action: Action, request: Request, asked: Asked) -> None:
        decision = await self.rights.of(request.actor, asked)
        if not decision.allowed:
            self.meter.refused(asked.permission.value, why_of(decision))
            raise Refused(action.name, decision)

    def where(self, parsed: Parsed) -> Where:
        """Return the place a command is about: what it names, else where its service lives, else the default."""
        words = [
            str(value)
            for declared, parameter in parameters_of(parsed.action.params)
            if parameter.names_service and (value := getattr(parsed.params, declared.name))
        ]
        entry = next((self.catalogue.entries[word] for word in words if word in self.catalogue.entries), None)
        if entry is None or parsed.namespace or parsed.cluster:
            scope = self.scopes.resolve(parsed.cluster, parsed.namespace)
        else:
            scope = self.scopes.resolve(entry.cluster, entry.namespace)
        here = self.catalogue_at(scope)
        return Where(scope, next((alias for word in words if (alias := here.service_of(word))), ""))

    def catalogue_at(self, scope: Scope) -> Catalogue:
        """Return the services that live at a scope."""
        return self.catalogue.at(scope, self.scopes.default_of(scope.cluster))


def why_of(decision: Authorization) -> str:
    """Name the kind of a refusal, for counting."""
    if decision.membership is None:
        return "look_up"
    return "no_role" if decision.membership.standing is Standing.MEMBER else "standing"


async def record_refusal(store: Store | None, refusal: Refused, request: Request) -> None:
    """Put a refused read on record. A database that is away does not make the refusal wait: then the log has it."""
    extra = log_refusal(refusal, request)
    if store is None:
        return
    try:
        async with store.transaction() as transaction:
            await transaction.audit(refusal_entry(refusal, request))
    except StoreUnavailable as error:
        log.warning("a refusal is not in the audit: %s", error.message, extra={**extra, "event": "audit_missed"})


def log_refusal(refusal: Refused, request: Request) -> dict[str, str]:
    """Say in the log that somebody was refused, and return the fields that say so."""
    extra = {
        "event": "refused",
        "actor": request.actor.user_id,
        "verb": refusal.what,
        "permission": refusal.decision.permission.value,
        "why": refusal.message,
    }
    log.info("refused", extra=extra)
    return extra


def refusal_entry(refusal: Refused, request: Request) -> AuditEntry:
    """Return what the audit keeps of a refusal."""
    decision = refusal.decision
    return AuditEntry(
        actor=request.actor.user_id,
        action=refusal.what,
        subject=request.place.channel,
        result=REFUSED,
        detail={
            "surface": request.surface.value,
            "command": request.text[:200],
            "permission": decision.permission.value,
            "said": refusal.message[:200],
            "team": request.actor.team_id,
            "request": request.key,
            "roles": " ".join(decision.roles),
        },
    )


def request_entry(request: Request, result: str, said: str, *, verb: str = "", **more: str) -> AuditEntry:
    """Return what the audit keeps of a request that was carried out, or could not be.

    Without a `verb`, as its words are no command, it is filed under the first of them.
    """
    return AuditEntry(
        actor=request.actor.user_id,
        action=(verb or request.text.split(" ", 1)[0])[:40],
        subject=request.place.channel,
        result=result,
        detail={
            "surface": request.surface.value,
            "command": request.text[:200],
            "said": said[:200],
            "request": request.key,
            **more,
        },
    )
