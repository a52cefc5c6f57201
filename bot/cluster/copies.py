"""What a copy of one kind of object offers, however it is kept: by a watch or by asking again and again."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from bot.cluster.freshness import Server
from bot.cluster.resources import Resource
from bot.domain.snapshot import PartStatus
from bot.errors import ClusterError


class Copy(Protocol):
    """All objects of one kind in one namespace, or in the cluster. `settled` is set once the first list is decided."""

    @property
    def resource(self) -> Resource: ...

    @property
    def settled(self) -> asyncio.Event: ...

    @property
    def items(self) -> tuple[Any, ...]:
        """The objects, by name."""
        ...

    @property
    def error(self) -> ClusterError | None:
        """Why the copy could not be read, or not be kept up to date."""
        ...

    def get(self, name: str) -> Any | None:
        """Return one object."""
        ...

    def status(self, server: Server) -> PartStatus:
        """Say how far the copy can be trusted now."""
        ...

    async def run(self) -> None:
        """Keep the copy up to date until cancelled."""
        ...
