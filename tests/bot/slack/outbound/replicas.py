"""Replicas of the directory in front of one workspace, with clocks that tests move."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.domain.people import Membership
from bot.hot import MemoryHotState
from bot.slack.outbound.client import make_client
from bot.slack.outbound.directory import SlackDirectory
from sandbox.slack.server import SlackServer

START = datetime(2025, 11, 24, 14, 0, tzinfo=UTC)


@dataclass(slots=True)
class TwoClocks:
    """The true time, which only goes on, and the time of day, which may be `wrong_s` off. A `Clock`.

    Who sleeps waits a moment of real time and looks again.
    """

    tick: float = 0.0
    wrong_s: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.tick + self.wrong_s)

    def steady(self) -> float:
        return self.tick

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.005))


@dataclass(slots=True)
class TrueTime:
    """The time of who keeps the entries: it is not wrong when a replica's is. A `Clock`."""

    clock: TwoClocks

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock.tick)

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


class SharedMemory(MemoryHotState):
    """A hot state of replicas that live in one process; it can be away."""

    def __init__(self, clock: TwoClocks) -> None:
        super().__init__(TrueTime(clock))
        self.shared = True
        self.away = False

    async def read(self, key: str) -> bytes | None:
        return None if self.away else await super().read(key)

    async def write(self, key: str, value: bytes, *, keep_s: int) -> None:
        if not self.away:
            await super().write(key, value, keep_s=keep_s)

    async def forget(self, key: str) -> None:
        if not self.away:
            await super().forget(key)

    async def wake(self, name: str) -> None:
        if not self.away:
            await super().wake(name)


@dataclass(slots=True)
class Replicas:
    """Two directories that share hot state."""

    slack: SlackServer
    clock: TwoClocks = field(default_factory=TwoClocks)
    hot: SharedMemory = field(init=False)
    all: list[SlackDirectory] = field(init=False)

    def __post_init__(self) -> None:
        self.hot = SharedMemory(self.clock)
        self.all = [self.directory() for _ in range(2)]

    def directory(self) -> SlackDirectory:
        workspace = self.slack.workspace
        return SlackDirectory(
            make_client(workspace.bot_token, self.slack.base_url),
            workspace.team_id,
            clock=self.clock,
            hot=self.hot,
            steady=self.clock.steady,
            chance=lambda: 0.5,
        )

    async def look(self, which: int, *, fresh: bool = False, name: str = "ann") -> Membership:
        workspace = self.slack.workspace
        return await self.all[which].membership(workspace.person(name).id, workspace.team_id, fresh=fresh)

    def calls(self, method: str = "usergroups.list") -> int:
        return self.slack._api.calls.get(method, 0)
