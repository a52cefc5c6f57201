"""A connection that takes too long is broken from our side, and only such a one."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.store.connections import CHECK_S, check
from bot.store.cutting import MOMENT_S, cut_after
from tests.support.clocks import leaping_loop

ASKED = "SELECT 1 FROM (SELECT pg_advisory_lock(7)) AS held"
Admin = psycopg.Connection[DictRow]


@asynccontextmanager
async def connection_to(url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection[Any].connect(url, autocommit=True) as connection:
        yield connection


async def answer_lies_there(connection: psycopg.AsyncConnection[Any], admin: Admin) -> asyncio.Task[Any]:
    """Ask for a lock that somebody else holds until we stand still, and do so until the answer has come."""
    admin.execute("SELECT pg_advisory_lock(7)")
    asking = asyncio.create_task(connection.execute(ASKED))
    for _ in range(20):
        await asyncio.sleep(0)
    admin.execute("SELECT pg_advisory_unlock(7)")
    assert select.select([connection.fileno()], [], [], 60)[0]
    assert not asking.done()
    return asking


async def test_an_answer_that_came_while_the_loop_stood_still_is_taken(store_url: str, admin: Admin) -> None:
    """However late the loop wakes: it was we who were slow, not the server."""
    async with connection_to(store_url) as connection:
        with leaping_loop() as leap, cut_after(connection, 60) as was_cut:
            asking = await answer_lies_there(connection, admin)
            leap(3600)
            assert await (await asking).fetchone() == (1,)
            assert not was_cut()
        assert await (await connection.execute(ASKED)).fetchone() == (1,)


async def test_a_server_that_says_nothing_is_cut_off_though_the_loop_stood_still(store_url: str) -> None:
    """The moment that an answer gets is over soon."""
    async with connection_to(store_url) as connection:
        with leaping_loop() as leap, cut_after(connection, 60) as was_cut:
            asking = asyncio.create_task(connection.execute("SELECT pg_sleep(50)"))
            await asyncio.sleep(0)
            leap(3600)
            with pytest.raises(psycopg.OperationalError):
                await asking
            assert was_cut()


class AnsweredLate:
    """A connection whose answer was read, but whose reader had its turn only after the time was over."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, *words: Any) -> Any:
        answer = await self._connection.execute(*words)
        await asyncio.sleep(CHECK_S + MOMENT_S + 0.1)
        return answer


async def test_a_connection_that_was_cut_in_its_check_is_not_handed_out(store_url: str) -> None:
    """Though it answered: the first statement on it would fail."""
    async with connection_to(store_url) as connection:
        with pytest.raises(psycopg.OperationalError):
            await check(cast("Any", AnsweredLate(connection)))
