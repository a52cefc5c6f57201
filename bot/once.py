"""Whether a delivery is the first of its kind, over all replicas and however the platform repeats itself.

The hot state answers fast and may forget; the store is the truth. When nobody can tell, the caller decides what is
worse: doing a thing twice, or not doing it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import StoreUnavailable
from bot.ports import HotState, Store

KEEP_S = 600


@dataclass(frozen=True, slots=True)
class Once:
    """Recognises keys that came before, for ten minutes."""

    hot: HotState
    store: Store

    async def first(self, key: str, *, certain: bool = False) -> bool | None:
        """Note a key; False when it came before, None when nobody can tell.

        `certain` asks the store alone: a hot state that was emptied, or that one process keeps for itself, forgets.
        """
        if not certain:
            quick = await self.hot.first(key, keep_s=KEEP_S)
            if quick is not None:
                return quick
        try:
            return await self.store.seen.first(key, keep_s=KEEP_S)
        except StoreUnavailable:
            return None
