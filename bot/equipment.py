"""What the service works with, as whoever composes the program hands it over."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.domain.policy import RateLimits
from bot.domain.watch.policy import WatchPolicy
from bot.ports import (
    Calendar,
    Changes,
    Clock,
    ClusterReader,
    Digests,
    Extras,
    HotState,
    LiveReader,
    LogStream,
    Meter,
    Previews,
    Probes,
    Store,
    Unmetered,
)
from bot.references import References
from bot.registry import Registry
from bot.rights import DirectoryRights
from bot.scopes import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The ports, the policy and the verbs of one process.

    `store` and `hot` are None at a terminal, which keeps and counts nothing, but has `previews` of changes. Only a
    worker has `changes`; where single objects are not to be read, `live` is None. `team_id` is the workspace whose
    people may use a terminal.
    """

    registry: Registry
    scopes: Scopes
    catalogue: Catalogue
    rights: DirectoryRights
    cluster: ClusterReader
    logs: LogStream
    clock: Clock
    references: References
    store: Store | None = None
    hot: HotState | None = None
    meter: Meter = field(default_factory=Unmetered)
    limits: RateLimits = field(default_factory=RateLimits)
    live: LiveReader | None = None
    changes: Changes | None = None
    previews: Previews | None = None
    policy: ChangePolicy = field(default_factory=ChangePolicy)
    team_id: str = ""
    watch: WatchPolicy = field(default_factory=WatchPolicy)
    probes: Probes | None = None
    extras: Extras | None = None
    calendar: Calendar | None = None
    digests: Digests | None = None
