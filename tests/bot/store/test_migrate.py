from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from bot.errors import StoreRefused, StoreUnavailable
from bot.store.connections import Address, connected
from bot.store.migrate import LOCK_LIMIT_S, Migration, bring_up_to_date, migrate, pending, shipped
from bot.store.store import PostgresStore

ONE = Migration(1, "0001_one", "CREATE TABLE one (a integer)")
TWO = Migration(2, "0002_two", "CREATE TABLE two (a integer); INSERT INTO two VALUES (1)")
BROKEN = Migration(2, "0002_broken", "CREATE TABLE three (a integer); SELECT 1/0")


async def _migrate(url: str, *known: Migration) -> list[int]:
    address = Address.parse(url)
    async with connected(address) as connection:
        return [migration.version for migration in await migrate(connection, address, known=known)]


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {str(row[0]) for row in rows} - {"schema_migrations"}


async def test_what_is_missing_is_applied_once(empty_url: str) -> None:
    """A second run finds nothing to do; a later version adds its part."""
    assert await _migrate(empty_url, ONE) == [1]
    assert await _migrate(empty_url, ONE) == []
    assert await _migrate(empty_url, ONE, TWO) == [2]
    assert _tables(empty_url) == {"one", "two"}


async def test_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    """One migrates, the others wait and find it done."""
    done = await asyncio.gather(*(_migrate(empty_url, ONE, TWO) for _ in range(5)))
    assert sorted(done) == [[], [], [], [], [1, 2]]


async def test_a_migration_that_fails_leaves_nothing(empty_url: str) -> None:
    """All or nothing, also of the migrations before it."""
    with pytest.raises(StoreRefused):
        await _migrate(empty_url, ONE, BROKEN)
    assert _tables(empty_url) == set()
    assert await _migrate(empty_url, ONE, TWO) == [1, 2]


async def test_a_database_that_is_newer_is_refused(empty_url: str) -> None:
    """An old program does not write into tables it does not know."""
    await _migrate(empty_url, ONE, TWO)
    with pytest.raises(StoreRefused, match="newer than this program"):
        await _migrate(empty_url, ONE)


async def test_a_database_made_by_another_script_is_refused(empty_url: str) -> None:
    """Released migrations never change."""
    await _migrate(empty_url, ONE)
    with pytest.raises(StoreRefused, match="checksum"):
        await _migrate(empty_url, replace(ONE, script="CREATE TABLE one (a bigint)"))


async def test_a_store_refuses_a_newer_database(store_url: str) -> None:
    """The check happens whenever a store is opened."""
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_later', 'x')")
    with pytest.raises(StoreRefused, match="9999_later"):
        await PostgresStore.open(store_url)


async def test_a_role_that_may_not_make_tables_is_refused(empty_url: str, server_url: str) -> None:
    """Missing rights are named, they are not an outage, and who can help is said."""
    role = sql.Identifier("ragops_test_poor")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        try:
            with pytest.raises(StoreRefused, match="lacks 0001_one, and this role may not add it") as caught:
                await _migrate(f"{empty_url}{'&' if '?' in empty_url else '?'}options=-crole%3Dragops_test_poor", ONE)
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))
    assert "ragops migrate" in caught.value.advice


async def test_tables_that_are_in_use_do_not_hold_everybody_up(empty_url: str) -> None:
    """Whoever waits for a table makes all others wait: it gives up soon, changes nothing, and says what to look for."""
    change = Migration(2, "0002_change", "CREATE TABLE three (a integer); ALTER TABLE one ADD COLUMN b integer")
    await _migrate(empty_url, ONE)
    with psycopg.connect(empty_url) as backup:
        backup.execute("SELECT * FROM one")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="in use") as caught:
            await _migrate(empty_url, ONE, change)
        assert time.monotonic() - began < LOCK_LIMIT_S + 20
    assert not isinstance(caught.value, StoreRefused)
    assert _tables(empty_url) == {"one"}
    assert await _migrate(empty_url, ONE, change) == [2]


async def test_a_dry_run_names_what_is_missing_and_adds_nothing(empty_url: str) -> None:
    """Neither our tables nor the list of migrations."""
    names = tuple(migration.name for migration in shipped())
    assert await bring_up_to_date(empty_url, dry_run=True) == names
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert await bring_up_to_date(empty_url, dry_run=False) == names
    assert await bring_up_to_date(empty_url, dry_run=True) == ()
    assert await bring_up_to_date(empty_url, dry_run=False) == ()


@pytest.mark.parametrize("dry_run", [True, False])
async def test_bringing_up_to_date_refuses_a_newer_database(store_url: str, *, dry_run: bool) -> None:
    """A look refuses as the deed does."""
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_later', 'x')")
    with pytest.raises(StoreRefused, match="newer than this program"):
        await bring_up_to_date(store_url, dry_run=dry_run)


def test_the_shipped_migrations_are_numbered_without_gaps() -> None:
    """Their order is their number."""
    assert [migration.version for migration in shipped()] == list(range(1, len(shipped()) + 1))


def test_nothing_is_pending_when_all_is_applied() -> None:
    """Versions, not positions, are compared."""
    assert pending([(2, TWO.name, TWO.checksum), (1, ONE.name, ONE.checksum)], [ONE, TWO]) == ()
