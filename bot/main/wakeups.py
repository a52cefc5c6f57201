"""Hints that there is work, from whoever writes it down to whoever does it. A lost hint costs a second."""

from __future__ import annotations

import asyncio

from bot.cancellation import was_cancelled
from bot.ports import HotState

INBOX = "inbox"


class Hint:
    """Says `name` over and over again when it was given, without making whoever gives it wait."""

    def __init__(self, hot: HotState, name: str) -> None:
        self._hot = hot
        self._name = name
        self._given = asyncio.Event()

    def give(self) -> None:
        """Say that there is work."""
        self._given.set()

    async def run(self) -> None:
        """Pass hints on until cancelled; several that come together are one."""
        while not was_cancelled():
            await self._given.wait()
            self._given.clear()
            await self._hot.wake(self._name)
