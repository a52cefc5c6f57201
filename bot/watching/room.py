"""What the watching works with."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.domain.catalogue import Catalogue
from bot.domain.targets import Scope
from bot.domain.watch.policy import WatchPolicy
from bot.ports import Clock, ClusterReader, Extras, LogStream, Meter, Probes, Store, Unmetered
from bot.scopes import Scopes


def new_id() -> str:
    """Return a new id that people can copy: twelve hexadecimal digits."""
    return secrets.token_hex(6)


def nobody() -> None:
    """Wake nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRoom:
    """The ports and the policy of one replica. Without `probes` or `extras` what they would say is unknown.

    One look at the cluster, and at what is read besides, may take `look_s` seconds each. `changed` is called when
    episodes changed, `put` when a message was put into the outbox: whoever waits for that may look at once.
    """

    store: Store
    cluster: ClusterReader
    logs: LogStream
    policy: WatchPolicy
    catalogue: Catalogue
    scopes: Scopes
    clock: Clock
    probes: Probes | None = None
    extras: Extras | None = None
    meter: Meter = field(default_factory=Unmetered)
    new_id: Callable[[], str] = new_id
    changed: Callable[[], None] = nobody
    put: Callable[[], None] = nobody
    look_s: float = 8.0
    lease_s: float = 60.0

    def catalogue_at(self, scope: Scope) -> Catalogue:
        """Return the services that live at a scope."""
        return self.catalogue.at(scope, self.scopes.default_of())

    def watched(self) -> tuple[Scope, ...]:
        """Return every place that is looked at: the namespaces, and each cluster for what they share."""
        return (*self.scopes.all(), *self.scopes.clusters())
