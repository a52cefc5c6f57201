"""Databases of tests that are emptied and used again: nothing of one test reaches the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests.support.clones import Clones

ASKED = "INSERT INTO inbox (key, request) VALUES ('one', 'status') RETURNING id"
AUDITED = "INSERT INTO audit VALUES (1, now(), 'ann', 'did', 'this', 'done', '', '', '') RETURNING seq"
OID = "SELECT oid FROM pg_database WHERE datname = current_database()"


@pytest.fixture
def few(server_url: str, template_database: str) -> Iterator[Clones]:
    """Clones of our own."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        them = Clones(connection, server_url, template_database, prefix=f"{template_database}_few")
        yield them
        them.close()


def value(url: str, query: str) -> object:
    """Return the one value that a query has."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


@contextmanager
def handed_out_again(clones: Clones, oid: object) -> Iterator[str | None]:
    """Yield the address of a database that was used when its turn comes, None when it does not come."""
    for _ in range(5):
        with clones.one() as url:
            if value(url, OID) == oid:
                yield url
                return
    yield None


def test_one_that_was_used_is_as_new(few: Clones) -> None:
    """No row is left, not even of the audit, which refuses to forget; numbers begin anew."""
    with few.one() as url:
        oid = value(url, OID)
        assert (value(url, ASKED), value(url, AUDITED)) == (1, 1)

    with handed_out_again(few, oid) as again:
        assert again is not None
        assert value(again, "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM audit)") == 0
        assert value(again, ASKED) == 1


def test_a_number_that_was_drawn_and_not_kept_is_drawn_again(few: Clones) -> None:
    """A table without a row may still have counted."""
    with few.one() as url, psycopg.connect(url) as connection:
        oid = value(url, OID)
        connection.execute(ASKED)
        connection.rollback()

    with handed_out_again(few, oid) as again:
        assert again is not None
        assert value(again, ASKED) == 1


def test_who_is_still_connected_reaches_nobody(few: Clones) -> None:
    """The session ends, and its address leads nowhere any more."""
    with few.one() as url:
        oid = value(url, OID)
    with psycopg.connect(url, autocommit=True) as straggler, handed_out_again(few, oid) as again:
        assert again is not None
        with pytest.raises(psycopg.OperationalError):
            straggler.execute(ASKED)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)


@pytest.mark.parametrize(
    "words",
    [
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "ALTER TABLE operations DROP CONSTRAINT the_digest_is_of_the_plan",
        "ALTER TABLE inbox ADD COLUMN more integer",
        "ALTER TABLE inbox ALTER COLUMN state SET DEFAULT 'done'",
        "CREATE TABLE more (a integer)",
        "DROP INDEX inbox_waiting",
        "ALTER FUNCTION audit_is_append_only() COST 7",
        "CREATE FUNCTION more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "DROP SCHEMA public CASCADE",
        "DROP TABLE audit",
        "GRANT SELECT ON audit TO public",
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO public",
        "GRANT CREATE ON SCHEMA public TO public",
        "UPDATE schema_migrations SET checksum = 'other'",
        "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_newer', 'other')",
        "ANALYZE inbox",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = Japan', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 5', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM public', current_database()); END $$",
    ],
)
def test_one_that_was_altered_is_not_used_again(few: Clones, words: str) -> None:
    """Whatever belongs to it: tables, rules, rights, settings, what the planner knows, what is there from the start."""
    with few.one() as url, psycopg.connect(url, autocommit=True) as connection:
        oid = value(url, OID)
        connection.execute(ASKED)
        connection.execute(sql.SQL(words))  # type: ignore[arg-type]

    with handed_out_again(few, oid) as again:
        assert again is None
