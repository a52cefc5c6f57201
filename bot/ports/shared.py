"""What replicas share for speed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class HotState(Protocol):
    """What the replicas share for speed. Losing it costs speed, never correctness: no method raises.

    `shared` is False for the in-process twin, whose word holds for one replica.
    """

    shared: bool

    async def allow(self, key: str, *, limit: int, window_s: int) -> bool:
        """Count one use of `key` in the present window; False when it is over `limit`. Away: this process counts."""
        ...

    async def first(self, key: str, *, keep_s: int) -> bool | None:
        """Note a key; False when it was noted before, None when that cannot be told now."""
        ...

    async def read(self, key: str) -> bytes | None:
        """Return what was written; None when there is nothing, or when it cannot be told now."""
        ...

    async def write(self, key: str, value: bytes, *, keep_s: int) -> None:
        """Keep a value for some time, as far as that is possible now."""
        ...

    async def forget(self, key: str) -> None:
        """Remove a value, as far as that is possible now; what cannot be removed ends by its time."""
        ...

    async def wake(self, name: str) -> None:
        """Tell whoever waits for `name`, in this and other replicas, that there is work. A hint that may be lost."""
        ...

    def wakes(self, name: str) -> AsyncIterator[None]:
        """Yield once for each time that `name` is woken, for ever."""
        ...
