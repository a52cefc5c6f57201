"""What a bot is made from, and which parts of the work it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from bot.configuration import Configuration
from bot.main.clock import SystemClock
from bot.ports import Clock, Store
from bot.settings import Listen, Secret, SlackSettings


class Role(StrEnum):
    """A share of the work. `chat` answers people, `worker` does what must be kept and delivers messages."""

    ALL = "all"
    CHAT = "chat"
    WORKER = "worker"

    @property
    def chats(self) -> bool:
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        return self is not Role.CHAT


@dataclass(frozen=True, slots=True)
class AlertsDoor:
    """Where Alertmanager is let in, and what it has to show."""

    listen: Listen
    token: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """What a bot is made from.

    `database_url` None: an embedded PostgreSQL; `redis_url` None: what replicas would share stays in this process;
    `listen` None: health and metrics are served nowhere. `verdict_after_s` seconds after a change was complete, it is
    looked at whether it helped. `alerts` None: Alertmanager is not let in. `environ` holds the credentials that probes
    name. `beforehand` is awaited once the database is open, before anything is watched.
    """

    slack: SlackSettings
    configuration: Configuration
    data_folder: Path
    role: Role = Role.ALL
    database_url: str | None = None
    redis_url: str | None = None
    kubeconfig: str = ""
    listen: Listen | None = None
    clock: Clock = field(default_factory=SystemClock)
    verdict_after_s: float = 60.0
    alerts: AlertsDoor | None = None
    beforehand: Callable[[Store], Awaitable[None]] | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
