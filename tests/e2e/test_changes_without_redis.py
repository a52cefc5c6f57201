"""Changes while Redis is gone, loses everything, or tells old things: the same result, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.e2e.changing import API, ask, audited, image_of
from tests.support.own_redis import OwnRedis, own_redis
from tests.support.sandboxed import NO_LIMIT, Staging, sandboxed

UPHEAVALS: dict[str, Callable[[OwnRedis, Path], Awaitable[None]]] = {
    "killed": lambda redis, _: redis.kill(),
    "emptied": lambda redis, _: redis.empty(),
    "back with what it held before": lambda redis, old: redis.back_from(old),
}


@pytest.mark.parametrize("upheaval", UPHEAVALS)
async def test_t25_a_click_counts_once_whatever_becomes_of_redis(tmp_path: Path, store_url: str, upheaval: str) -> None:
    """The same click is delivered before and after: one vote, one change, and it ends well."""
    async with own_redis(tmp_path / "redis") as redis:
        staging = Staging(settings=NO_LIMIT, speed=10.0, redis_url=redis.url)
        async with sandboxed(tmp_path, store_url, staging) as stage:
            old = await redis.copy()
            card = await ask(stage, "/rag rollback api")
            aimed = await stage.control.aim("Approve", user="bob", channel="ops", message=card.ts)
            await stage.control.forge(aimed.payload)
            await UPHEAVALS[upheaval](redis, old)
            for _ in range(2):
                await stage.control.forge(aimed.payload)

            assert "api is at revision 7 again" in (await card.ended()).text

            assert image_of(stage, API).endswith(":v1.1")
            assert len(await audited(store_url, "vote")) == 1
            assert len(await audited(store_url, "patched")) == 1
