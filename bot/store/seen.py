"""Keys that were met before, over all replicas: the truth behind the hot state's quick answer."""

from __future__ import annotations

from bot.store.connections import Connections


class PostgresSeen:
    """The table `seen`."""

    def __init__(self, connections: Connections, *, limit_s: float) -> None:
        self._connections = connections
        self._limit_s = limit_s

    async def first(self, key: str, *, keep_s: int) -> bool:
        """Note a key for `keep_s` seconds; False when it was noted before and is still kept.

        Of many who ask at once, one is told True. Answers within half a second, as accepting a request does. Raises
        `StoreUnavailable`.
        """
        async with self._connections.transaction(budget_s=self._limit_s) as session:
            row = await session.fetch_one("seen_first", key=key, keep_s=keep_s)
        return row is not None
