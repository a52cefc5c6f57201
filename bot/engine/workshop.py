"""What the engine works with."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.ports import Clock, ClusterReader, ClusterWriter, LogStream, Meter, Store, Unmetered
from bot.references import References
from bot.rights import DirectoryRights
from bot.scopes import Scopes

Point = Callable[[str], Awaitable[None]]


async def passed(name: str) -> None:
    """Do nothing at a point."""
    del name


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The ports and the policy of one worker; `name` tells it from others, for the lease.

    `at` is awaited at every point between two effects, with the point's name: tests end or stop the process there.
    Times are seconds.
    """

    store: Store
    cluster: ClusterReader
    logs: LogStream
    writer: ClusterWriter
    rights: DirectoryRights
    policy: ChangePolicy
    catalogue: Catalogue
    scopes: Scopes
    clock: Clock
    references: References
    chance: random.Random
    name: str
    meter: Meter = field(default_factory=Unmetered)
    at: Point = passed
    lease_s: float = 30.0
    renew_s: float = 10.0
    write_timeout_s: float = 10.0
    follow_every_s: float = 1.0
    verdict_after_s: float = 60.0
