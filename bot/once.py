"""Whether a delivery is the first of its kind, over all replicas and however the platform repeats itself.

The hot state answers fast; the store is the truth behind it. When neither can tell, the caller decides what is worse:
doing a thing twice, or not doing it.
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

        `certain` asks the store too when only the hot state knows the key as new: a hot state that was flushed, or that
        one process keeps for itself, forgets.
        """
        quick = await self.hot.first(key, keep_s=KEEP_S)
        if quick is False or (quick and not certain):
            return quick
        try:
            return await self.store.seen.first(key, keep_s=KEEP_S)
        except StoreUnavailable:
            # Certainty was asked for and cannot be had.
            return None if certain or quick is None else quick
