"""What verbs are handed, and the engine as the service sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.domain.actions import Action, Change, Decision, DecisionParams
from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.domain.people import Permission
from bot.domain.policy import Asked
from bot.domain.requests import Request
from bot.domain.targets import Scope, Where
from bot.domain.view import View
from bot.domain.watch.policy import WatchPolicy
from bot.ports.audit import AuditTrail
from bot.ports.cluster import ClusterReader, LiveReader, LogStream
from bot.ports.messages import Claimed, Inbox
from bot.ports.operations import ChangeRecord, Operations
from bot.ports.people import Rights
from bot.ports.watch import Calendar, Digests, Episodes, Extras, History, Probes, Slots


class Changes(Protocol):
    """The engine, as the service hands it what was written down. Both end the claimed request in their transaction."""

    async def request(self, claimed: Claimed, asked: ChangeAsked) -> View:
        """Plan a change, check it, and store it or refuse it; return what the requester alone sees.

        Raises `StoreUnavailable`, `ClusterError`, `UsageError`, and `Lost` when somebody else has the request.
        """
        ...

    async def decide(self, claimed: Claimed, decision: Decision, params: DecisionParams) -> View:
        """Carry out what a person says to a request; return what this person alone sees. Raises as `request` does."""
        ...


class Previews(Protocol):
    """Shows a change as it would be asked for, where nothing is kept."""

    async def preview(self, asked: ChangeAsked) -> View:
        """Plan a change and have the server try it, as far as it lets us; return the plan, or why there is none.

        Raises `ClusterError` and `UsageError`.
        """
        ...


class Actions(Protocol):
    """The verbs there are."""

    def all(self) -> Sequence[Action]:
        """Return every verb, by name."""
        ...

    def find(self, name: str) -> Action:
        """Return a verb. Raises `UsageError` with suggestions."""
        ...

    def usage(self, action: Action) -> str:
        """Return its usage line."""
        ...


class Asker(Protocol):
    """Runs a query as the person who asks, with that person's rights."""

    async def view(self, text: str) -> View:
        """Return the query's answer as others will see it. Raises `UsageError` when `text` is no query."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a verb was handed. A port that it did not name in `needs` is None here.

    `Need.PROBES` and `Need.EXTRAS` bring `watch` besides; `Need.WATCHED` brings what is kept of watching (`history`,
    `episodes`, `slots`), each None without a store, with `calendar` and `watch`.
    """

    scope: Scope
    request: Request
    now: datetime
    cluster: ClusterReader | None = None
    logs: LogStream | None = None
    registry: Actions | None = None
    rights: Rights | None = None
    ask: Asker | None = None
    catalogue: Catalogue | None = None
    where: Where | None = None
    audit: AuditTrail | None = None
    inbox: Inbox | None = None
    places: Sequence[Scope] | None = None
    live: LiveReader | None = None
    record: ChangeRecord | None = None
    operations: Operations | None = None
    changes: ChangePolicy | None = None
    probes: Probes | None = None
    extras: Extras | None = None
    watch: WatchPolicy | None = None
    history: History | None = None
    episodes: Episodes | None = None
    slots: Slots | None = None
    calendar: Calendar | None = None
    digests: Digests | None = None

    async def open_places(self, places: Iterable[Scope], *, verb: str) -> list[Scope]:
        """Return those `places` where the person may look with a reading `verb`; none where rights are not known."""
        rights, actor = self.rights, self.request.actor
        if rights is None:
            return []
        asked = [(place, Asked(Permission.READ, verb, Where(place))) for place in places]
        return [place for place, wanted in asked if (await rights.of(actor, wanted)).allowed]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAsked:
    """A change as it was asked for: the verb with its parameters, why, and whether one that waits gives way to it.

    `place` is the words (`-n NAMESPACE`) that lead other commands to the same scope; empty for the default.
    """

    action: Change[Any, Any]
    params: Any
    command: str
    sources: Sources
    reason: str = ""
    replace: bool = False
    place: str = ""
