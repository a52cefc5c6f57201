"""Wake-ups inside one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from weakref import WeakSet


class Wakes(AsyncIterator[None]):
    """Yields when it was woken since the last time; many wakes while nobody looks are one. It never ends by itself."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let the next look succeed."""
        self._woken.set()

    async def __anext__(self) -> None:
        """Wait for a wake. A cancelled wait takes none away."""
        await self._woken.wait()
        self._woken.clear()


class Bells:
    """Knows who waits for which name, for as long as they do."""

    def __init__(self) -> None:
        self._waiting: dict[str, WeakSet[Wakes]] = {}

    def wakes(self, name: str) -> Wakes:
        """Return wakes of `name` from this moment on."""
        wakes = Wakes()
        self._waiting.setdefault(name, WeakSet()).add(wakes)
        return wakes

    def ring(self, name: str) -> None:
        """Wake whoever waits for `name`."""
        for wakes in tuple(self._waiting.get(name, ())):
            wakes.wake()
        if not self._waiting.get(name):
            self._waiting.pop(name, None)

    def ring_all(self) -> None:
        """Wake everybody."""
        for name in tuple(self._waiting):
            self.ring(name)
