from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.errors import StoreUnavailable
from bot.store.store import PostgresStore

Admin = psycopg.Connection[DictRow]


async def test_a_key_is_first_once(store: PostgresStore) -> None:
    """A repeat is told, other keys are new."""
    assert await store.seen.first("k1", keep_s=60)
    assert not await store.seen.first("k1", keep_s=60)
    assert await store.seen.first("k2", keep_s=60)


async def test_a_key_whose_time_is_over_is_new_again(store: PostgresStore, admin: Admin) -> None:
    """Once: it is then kept anew."""
    await store.seen.first("k1", keep_s=60)
    admin.execute("UPDATE seen SET until = clock_timestamp() - interval '1 second'")
    assert await store.seen.first("k1", keep_s=600)
    assert not await store.seen.first("k1", keep_s=600)
    (row,) = admin.execute("SELECT extract(epoch FROM until - clock_timestamp()) AS left_s FROM seen").fetchall()
    assert 500 < row["left_s"] <= 600


async def test_a_repeat_does_not_make_a_key_live_longer(store: PostgresStore, admin: Admin) -> None:
    """Else somebody who repeats often enough would keep it for ever."""
    await store.seen.first("k1", keep_s=60)
    before = admin.execute("SELECT until FROM seen").fetchall()
    await store.seen.first("k1", keep_s=6000)
    assert admin.execute("SELECT until FROM seen").fetchall() == before


@pytest.mark.parametrize("noted", ["never", "long ago"])
async def test_of_eight_who_meet_two_hundred_keys_each_key_has_one_first(
    store_url: str, admin: Admin, noted: str
) -> None:
    """Over connections of their own, all at once; also when every key is there and its time is over."""
    keys = [f"key {number}" for number in range(200)]
    if noted == "long ago":
        for key in keys:
            admin.execute("INSERT INTO seen VALUES (%s, clock_timestamp() - interval '1 second')", (key,))
    async with await PostgresStore.open(store_url, smallest_pool=8, largest_pool=8, accept_s=60) as store:

        async def meet(number: int) -> list[str]:
            mine = keys[number * 10 :] + keys[: number * 10]
            return [key for key in mine if await store.seen.first(key, keep_s=60)]

        won = [key for keys_won in await asyncio.gather(*(meet(number % 2) for number in range(8))) for key in keys_won]
    assert sorted(won) == sorted(keys)


async def test_noting_a_key_fails_within_its_limit(store_url: str, store: PostgresStore, admin: Admin) -> None:
    """Whoever must acknowledge in time learns in time."""
    async with await PostgresStore.open(store_url, wait_s=100, statement_limit_s=100) as hurried:
        with admin.transaction():
            admin.execute("LOCK TABLE seen IN ACCESS EXCLUSIVE MODE")
            async with asyncio.timeout(50):  # of a hundred; the limit is half a second
                with pytest.raises(StoreUnavailable):
                    await hurried.seen.first("k1", keep_s=60)
    assert await store.seen.first("k1", keep_s=60)
