"""Hot state: what the replicas share through Redis for speed, or what one process keeps for itself.

Knows the port `HotState`, the injected clock and Redis (plain commands, 6.2 or newer). Losing what is kept here costs
speed, never correctness: nothing here is the only copy of anything. The only room that may import redis; it must not
import other adapters, the service, or handlers.

No use raises or waits longer than half a second. After a failure Redis is left alone for five seconds, then one use
asks again. What each use does while Redis is away, and what an emptied or restored Redis can change:

| use      | while Redis is away                                | emptied, restarted, restored from an old copy       |
|----------|----------------------------------------------------|-----------------------------------------------------|
| `allow`  | this process counts; it has counted along before   | the window begins anew for all                      |
| `first`  | False for what this process told first, else None  | True again, but not in the process that told it     |
| `read`   | None                                               | None, or what was written before and has not ended  |
| `write`  | nothing is kept; an older value is removed later   | the value is gone                                   |
| `forget` | removed before Redis is next used; none is read    | may return for others; own writes are known as gone |
| `wake`   | wakes this process only                            | nothing: it keeps nothing                           |
| `wakes`  | yields for wakes of this process; reconnects alone | the same; yields once when it hears again           |
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.hot.memory import MemoryHotState
from bot.ports import Clock, HotState, Meter

__all__ = ["MemoryHotState", "open_hot_state"]


@asynccontextmanager
async def open_hot_state(redis_url: str | None, clock: Clock, meter: Meter) -> AsyncIterator[HotState]:
    """Open what the replicas share; without an address, the twin that holds for this process alone.

    Does not wait for Redis: one that is away is found out, and said, at the first use.
    """
    if redis_url is None:
        yield MemoryHotState(clock)
        return
    from bot.hot.redis import RedisHotState  # noqa: PLC0415  # start-up cost

    hot = RedisHotState(redis_url, clock, meter)
    try:
        yield hot
    finally:
        await hot.close()
