"""What the tests of the store share: records to store, and a look at the rows past the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from bot.domain.people import Actor
from bot.domain.requests import Place, Post, Request, Surface
from bot.domain.view import Headline, View

Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def make_request() -> Callable[[str], Request]:
    def make(key: str) -> Request:
        return Request(
            key=key,
            actor=Actor("U1", "T1"),
            surface=Surface.COMMAND,
            text="status",
            place=Place("C1"),
            reply_to="https://hooks.example/secret",
        )

    return make


@pytest.fixture
def make_post() -> Callable[..., Post]:
    def make(text: str = "hello", channel: str = "C1") -> Post:
        return Post(Place(channel), View(text, (Headline(text),)))

    return make


@pytest.fixture
def admin(store_url: str) -> Iterator[psycopg.Connection[DictRow]]:
    """A connection of our own to the test's database."""
    with psycopg.connect(store_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def leases_end(admin: psycopg.Connection[DictRow]) -> Callable[[str], int]:
    """What lets the leases of a table run out, and returns how many: no test waits until one is over."""

    def end(table: str) -> int:
        over = "UPDATE {} SET lease_until = clock_timestamp() - interval '1 s' WHERE lease_until IS NOT NULL"
        return admin.execute(sql.SQL(over).format(sql.Identifier(table))).rowcount

    return end


@pytest.fixture
def empty_url(store_url: str) -> str:
    """A database without any table."""
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return store_url
