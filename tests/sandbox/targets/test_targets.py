"""The stand-ins beside the cluster, as real clients see them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import psycopg
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from sandbox.targets import Targets, open_targets

READY = Counter({"rag-engine-api": 3, "postgres": 1, "redis": 1, "qdrant": 3})


@pytest.fixture
def ready() -> Counter[str]:
    return Counter(READY)


@pytest.fixture
async def targets(ready: Counter[str]) -> AsyncIterator[Targets]:
    async with open_targets(lambda name: ready[name]) as opened:
        yield opened


async def test_the_health_url_is_what_a_load_balancer_would_say(targets: Targets, ready: Counter[str]) -> None:
    """The service's own answer while an endpoint is ready, and a page of the balancer's else."""
    async with aiohttp.ClientSession() as session:
        async with session.get(targets.api) as response:
            assert (response.status, (await response.json())["status"]) == (200, "ok")
        ready["rag-engine-api"] = 0
        async with session.get(targets.api) as response:
            assert response.status == 503
            assert "<h1>503" in await response.text()


async def test_qdrant_tells_its_collections(targets: Targets, ready: Counter[str]) -> None:
    """As its REST interface does; a collection that is not there is a 404, one without an endpoint a 503."""
    async with aiohttp.ClientSession(targets.qdrant) as session:
        async with session.get("/collections") as response:
            names = [each["name"] for each in (await response.json())["result"]["collections"]]
        async with session.get(f"/collections/{names[0]}") as response:
            assert (await response.json())["result"]["status"] == "green"
        async with session.get("/collections/absent") as response:
            assert response.status == 404
        ready["qdrant"] = 0
        async with session.get("/healthz") as response:
            assert response.status == 503


async def test_redis_answers_who_looks_and_refuses_the_rest(targets: Targets, ready: Counter[str]) -> None:
    """Its figures move, nothing can be written, and without an endpoint nobody is let in."""
    host, _, port = targets.redis.partition(":")
    client = Redis(host=host, port=int(port), protocol=2)
    assert await client.ping()
    first = await client.info()
    await asyncio.sleep(1.1)
    assert (await client.info())["keyspace_hits"] > first["keyspace_hits"]
    with pytest.raises(ResponseError, match="unknown command 'set'"):
        await client.set("a", "b")
    ready["redis"] = 0
    await client.connection_pool.disconnect()
    with pytest.raises(RedisConnectionError):
        await client.ping()
    await client.aclose()


async def test_postgresql_takes_no_login(targets: Targets) -> None:
    """It speaks the protocol as far as a client needs to know what it is."""
    host, _, port = targets.postgresql.partition(":")
    with pytest.raises(psycopg.OperationalError, match="takes no logins"):
        await psycopg.AsyncConnection.connect(f"host={host} port={port} user=anybody dbname=any", connect_timeout=60)
