"""What the engine works with."""

from __future__ import annotations

import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.domain.catalogue import Catalogue
from bot.domain.change_policy import ChangePolicy
from bot.ports import Clock, ClusterReader, ClusterWriter, DirectMessages, LogStream, Meter, Store, Unmetered
from bot.references import References
from bot.rights import DirectoryRights
from bot.scopes import Scopes

Point = Callable[[str], Awaitable[None]]


async def passed(name: str) -> None:
    """Do nothing at a point."""
    del name


def unguessable() -> str:
    """Return a new text that nobody can guess: 256 bits in hexadecimal."""
    return secrets.token_hex(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The ports and the policy of one worker; `name` tells it from others, for the lease.

    `at` is awaited at every point between two effects, with the point's name: tests end or stop the process there.
    `secret` gives a new text each time that nobody can guess. Without `direct` there is no way to single people, and no
    card has copies. Times are seconds; what is read of people and cluster for a decision may take `look_s`, and
    finding out who gets a copy of a card `copy_s`, which the request waits for; after `recover_s` a claimed operation
    is written no more, and a cluster that cannot be read is not waited for any longer.
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
    direct: DirectMessages | None = None
    meter: Meter = field(default_factory=Unmetered)
    at: Point = passed
    secret: Callable[[], str] = unguessable
    lease_s: float = 30.0
    renew_s: float = 10.0
    look_s: float = 6.0
    copy_s: float = 3.0
    write_timeout_s: float = 10.0
    recover_s: float = 600.0
    follow_every_s: float = 1.0
    verdict_after_s: float = 60.0
