"""Whoever dies while it works on a request is seen to be gone at once; whoever stands still keeps its lease."""

from __future__ import annotations

import psycopg

from bot.domain.operations import Operation
from bot.store.store import PostgresStore
from tests.support.carrying import approved
from tests.support.changing import VERBS, small_cluster
from tests.support.waiting import until

LONG_S = 600.0


async def kept(store: PostgresStore) -> Operation:
    """Keep an approved request."""
    return await approved(store, VERBS["restart"](small_cluster(), "api"))


async def test_the_lease_of_a_process_that_is_gone_counts_for_nothing(store: PostgresStore, store_url: str) -> None:
    """Its connection ends with it, and the lock that it held there."""
    operation = await kept(store)
    async with await PostgresStore.open(store_url) as gone:
        taken = await gone.operations.take(lease_s=LONG_S, worker="a")
        assert taken is not None
        assert await store.operations.take(lease_s=LONG_S, worker="b") is None

    again = await until(lambda: store.operations.take(lease_s=LONG_S, worker="b"), bool)

    assert again is not None
    assert again.id == operation.id


async def test_a_lease_counts_where_no_lock_says_that_its_holder_lives(store: PostgresStore, store_url: str) -> None:
    """The holder could not show that it is there: then only the lease tells, as it always did."""
    await kept(store)
    async with await PostgresStore.open(store_url) as holder:
        await holder.operations.take(lease_s=LONG_S, worker="a")
        with psycopg.connect(store_url, autocommit=True) as admin:
            admin.execute("UPDATE operations SET guarded = false")

    assert await store.operations.take(lease_s=LONG_S, worker="b") is None


async def test_a_lock_that_is_lost_lets_others_take_over(store: PostgresStore, store_url: str) -> None:
    """Nobody can tell a broken connection from a dead process; who takes over is guarded by a connection of its own."""
    operation = await kept(store)
    async with await PostgresStore.open(store_url) as holder:
        await holder.operations.take(lease_s=LONG_S, worker="a")
        with psycopg.connect(store_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")

        # The one that lost it, for one: it opens another connection.
        again = await until(lambda: holder.operations.take(lease_s=LONG_S, worker="a"), bool)

        assert again is not None
        assert again.id == operation.id
        assert await store.operations.take(lease_s=LONG_S, worker="b") is None


async def test_what_is_let_go_is_free(store: PostgresStore, store_url: str) -> None:
    """A worker that stops hands its requests over: neither lease nor lock keeps anybody waiting."""
    await kept(store)
    async with await PostgresStore.open(store_url) as holder:
        taken = await holder.operations.take(lease_s=LONG_S, worker="a")
        assert taken is not None
        await holder.operations.release(taken)

        again = await store.operations.take(lease_s=LONG_S, worker="b")

        assert again is not None
        assert await holder.operations.take(lease_s=LONG_S, worker="a") is None
