"""What the way in works with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.once import Once
from bot.ports import Clock, Directory, Meter, Notifier, Surfaces, Unmetered
from bot.references import References
from bot.service import Service

log = logging.getLogger(__name__)

AT_ONCE = 32


def _nothing() -> None:
    """Do nothing: nobody waits to hear of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundEquipment:
    """What `Inbound` is handed.

    `wake` tells the worker that a request was written down. Without `once` no repeat of a read is recognised.
    `bound_groups` are the ids of the groups that hold a role; `on_revoked` is called when the app lost its token.
    """

    service: Service
    notifier: Notifier
    surfaces: Surfaces
    directory: Directory
    references: References
    clock: Clock
    wake: Callable[[], None]
    once: Once | None = None
    meter: Meter = field(default_factory=Unmetered)
    bound_groups: frozenset[str] = frozenset()
    on_revoked: Callable[[], None] = _nothing


class Bench:
    """Counts what is being worked on, so that the end can wait for it, and bounds what is read side by side."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._working = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Count what is done inside."""
        self._working += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._working -= 1
            if not self._working:
                self._idle.set()

    @property
    def slot(self) -> asyncio.Semaphore:
        """One of the places for reads, to be held while one is made."""
        return self._slots

    async def drain(self, timeout: float) -> None:
        """Let what is being done end, for at most `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d answers were not finished", self._working, extra={"event": "drain_incomplete"})
