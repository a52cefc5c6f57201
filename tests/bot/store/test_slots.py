from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.store.store import PostgresStore
from bot.store.transactions import PostgresTransaction

Admin = psycopg.Connection[DictRow]

DUE = datetime(2030, 1, 1, 9, tzinfo=UTC)


async def _claim(store: PostgresStore, name: str = "digest", due_at: datetime = DUE) -> bool:
    async with store.transaction() as transaction:
        return await transaction.claim_slot(name, due_at)


async def test_a_slot_is_claimed_once(store: PostgresStore) -> None:
    """Another schedule and another moment are other slots."""
    assert await _claim(store)
    assert not await _claim(store)
    assert await _claim(store, "report")
    assert await _claim(store, due_at=DUE + timedelta(days=1))


async def test_the_same_moment_in_another_time_zone_is_the_same_slot(store: PostgresStore) -> None:
    """Replicas may be configured differently."""
    assert await _claim(store)
    assert not await _claim(store, due_at=DUE.astimezone())


async def test_a_moment_without_a_time_zone_is_no_slot(store: PostgresStore) -> None:
    """It would mean what the connection's time zone makes of it."""
    with pytest.raises(ValueError, match="time zone"):
        await _claim(store, due_at=DUE.replace(tzinfo=None))


async def test_a_slot_whose_work_failed_is_free_again(store: PostgresStore) -> None:
    """Claim and work are one transaction."""

    async def fail() -> None:
        async with store.transaction() as transaction:
            assert await transaction.claim_slot("digest", DUE)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await _claim(store)


@pytest.mark.parametrize("first_fails", [True, False])
async def test_who_comes_second_waits_for_the_end_of_the_first(store: PostgresStore, *, first_fails: bool) -> None:
    """And gets the slot when that one did not do its work."""
    async with asyncio.TaskGroup() as group:
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def first() -> None:
            async with store.transaction() as transaction:
                await transaction.claim_slot("digest", DUE)
                entered.set()
                await go_on.wait()
                _doom(transaction, doomed=first_fails)

        group.create_task(first())
        await entered.wait()
        second = group.create_task(_claim(store))
        await asyncio.sleep(0.1)
        assert not second.done()
        go_on.set()
    assert second.result() is first_fails


def _doom(transaction: PostgresTransaction, *, doomed: bool) -> None:
    transaction._session.doomed = doomed


async def test_of_eight_who_claim_two_hundred_slots_each_slot_has_one_winner(store_url: str) -> None:
    """Over connections of their own, all at once."""
    slots = [DUE + timedelta(minutes=number) for number in range(200)]
    async with await PostgresStore.open(store_url, smallest_pool=8, largest_pool=8) as store:

        async def claim_all() -> list[datetime]:
            return [due_at for due_at in slots if await _claim(store, due_at=due_at)]

        won = [due_at for mine in await asyncio.gather(*(claim_all() for _ in range(8))) for due_at in mine]
    assert sorted(won) == slots


async def test_a_day_of_many_watchers_is_removed_in_time(store: PostgresStore, admin: Admin) -> None:
    """An hour of ticks of ten namespaces is over at once; their plan must not look for the newest of each row."""
    admin.execute(
        "INSERT INTO slots (name, due_at, claimed_at, done_at, outcome)"
        " SELECT 'watch:prod:n' || n, t, t, t, 'looked' FROM generate_series(1, 10) n,"
        " generate_series(now() - interval '25 h', now(), interval '15 s') t"
    )
    admin.execute("ANALYZE slots")
    async with asyncio.timeout(4):
        assert (await store.purge()).slots == pytest.approx(2400, abs=20)
