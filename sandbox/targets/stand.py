"""All stand-ins together, and how each learns whether it is to be well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sandbox.targets.postgresql import postgresql_target
from sandbox.targets.redis import redis_target
from sandbox.targets.web import qdrant_target, service_target

# How many ready endpoints a Service has.
Ready = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Stand:
    """A name of a Service in the cluster whose ready endpoints decide whether the stand-in answers."""

    api: str = "rag-engine-api"
    postgresql: str = "postgres"
    redis: str = "redis"
    qdrant: str = "qdrant"


@dataclass(frozen=True, slots=True)
class Targets:
    """Where they listen: URLs for what speaks HTTP, `host:port` for the others."""

    api: str
    qdrant: str
    postgresql: str
    redis: str


@asynccontextmanager
async def open_targets(ready: Ready, stand: Stand | None = None) -> AsyncIterator[Targets]:
    """Run all of them on free ports while the block runs."""
    named = stand or Stand()
    async with AsyncExitStack() as stack:
        yield Targets(
            api=await stack.enter_async_context(service_target(lambda: ready(named.api))),
            qdrant=await stack.enter_async_context(qdrant_target(lambda: ready(named.qdrant))),
            postgresql=await stack.enter_async_context(postgresql_target(lambda: ready(named.postgresql))),
            redis=await stack.enter_async_context(redis_target(lambda: ready(named.redis))),
        )
