"""Databases for tests: each has every table and no row; whatever a test leaves in its own, the next one finds nothing.

Making a database takes a server a tenth of a second, emptying one a hundredth. So one that was used is emptied and
handed out again, under another name: who still writes to the old one reaches nobody. Where a test altered tables,
rights or settings, it is dropped instead: what the server's own catalogs say is compared with what they say of the
template.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import Connection, sql

# So many lie about before one is used again: by then its last session is over, and nobody waits for that.
_RESTING = 3
_FILES_ARE_COPIED = 150000
# What the catalogs say of tables and whatever belongs to them, without what changes while rows come and go.
_FACTS = """
WITH facts (fact) AS (
    SELECT (to_jsonb(t) - '{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid}'::text[]
           )::text
      FROM pg_class t WHERE oid >= 16384 OR relacl IS NOT NULL
    UNION ALL SELECT t::text FROM pg_proc t WHERE oid >= 16384 OR proacl IS NOT NULL
    UNION ALL SELECT t::text FROM pg_namespace t WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT t::text FROM pg_type t WHERE oid >= 16384
    UNION ALL SELECT t::text FROM pg_attribute t WHERE attrelid >= 16384
    UNION ALL SELECT t::text FROM pg_attrdef t
    UNION ALL SELECT t::text FROM pg_constraint t
    UNION ALL SELECT t::text FROM pg_index t WHERE indexrelid >= 16384
    UNION ALL SELECT t::text FROM pg_trigger t
    UNION ALL SELECT t::text FROM pg_policy t
    UNION ALL SELECT t::text FROM pg_event_trigger t
    UNION ALL SELECT t::text FROM pg_extension t
    UNION ALL SELECT t::text FROM pg_rewrite t WHERE oid >= 16384
    UNION ALL SELECT t::text FROM pg_default_acl t
    UNION ALL SELECT t::text FROM pg_statistic_ext t
    UNION ALL SELECT concat_ws(' ', 'statistic', starelid, staattnum) FROM pg_statistic WHERE starelid >= 16384
    UNION ALL SELECT concat_ws(' ', 'database', datdba, datallowconn, datconnlimit, datistemplate, datacl)
      FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT concat_ws(' ', 'setting', setrole, setconfig)
      FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()
)
SELECT md5(string_agg(fact, ' ' ORDER BY fact)) FROM facts
"""
_USED = """
SELECT relname FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0 ORDER BY relname
"""
_RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
  FROM pg_sequences WHERE last_value IS NOT NULL
"""
_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


def with_database(url: str, database: str) -> str:
    """Return `url` with another database."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@dataclass(slots=True)
class Clones:
    """Hands out clones of a template to one test after the other; `connection` is of somebody who may do anything.

    Nobody may be connected to the template, nor change it. The clones are called `prefix` and a number.
    """

    connection: Connection[Any]
    url: str
    template: str
    prefix: str
    _facts: tuple[str, ...] = ()
    _kept: tuple[str, ...] = ()
    _resting: deque[str] = field(default_factory=deque)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        """Look at what a clone has to be like."""
        with psycopg.connect(with_database(self.url, self.template), autocommit=True) as template:
            self._kept = _used(template)
            self._facts = _facts(template, self._kept)

    @contextmanager
    def one(self) -> Iterator[str]:
        """Yield the address of a database that is as new, for the block."""
        name = self._emptied() or self._made()
        try:
            yield with_database(self.url, name)
        finally:
            self._resting.append(name)

    def close(self) -> None:
        """Drop them all."""
        while self._resting:
            self._drop(self._resting.popleft())

    def _made(self) -> str:
        name = self._next()
        copied = self.connection.info.server_version >= _FILES_ARE_COPIED  # half the work of logging every page
        create = "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy" if copied else "CREATE DATABASE {} TEMPLATE {}"
        self.connection.execute(_named(create, name, self.template))
        return name

    def _emptied(self) -> str | None:
        """Return one that was used and is as new again, None if there is none."""
        while len(self._resting) >= _RESTING:
            old, name = self._resting.popleft(), self._next()
            try:
                self.connection.execute(_END_SESSIONS, (old,))
                self.connection.execute(_named("ALTER DATABASE {} RENAME TO {}", old, name))
            except psycopg.Error:
                self._drop(old)
                continue
            if self._is_emptied(name):
                return name
            self._drop(name)
        return None

    def _is_emptied(self, name: str) -> bool:
        """Empty it and tell whether it is as new then."""
        try:
            with psycopg.connect(with_database(self.url, name), autocommit=True) as connection:
                connection.execute("SET session_replication_role = replica")  # tables that keep what they have, too
                used = [table for table in _used(connection) if table not in self._kept]
                if used:
                    tables = sql.SQL(", ").join(map(sql.Identifier, used))
                    connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables))
                connection.execute(_RESTART)
                return _facts(connection, self._kept) == self._facts
        except psycopg.Error:
            return False

    def _drop(self, name: str) -> None:
        self.connection.execute(_named("DROP DATABASE {} WITH (FORCE)", name))

    def _next(self) -> str:
        return f"{self.prefix}_{next(self._numbers)}"


def _named(statement: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def _used(connection: Connection[Any]) -> tuple[str, ...]:
    """Return the tables that have, or had, rows."""
    return tuple(name for (name,) in connection.execute(_USED))


def _facts(connection: Connection[Any], kept: tuple[str, ...]) -> tuple[str, ...]:
    """Return what must be as in the template: the catalogs, and the rows of tables that are not empty there."""
    rows = [
        str(row) for table in kept for row in connection.execute(_named("SELECT t::text FROM {} t ORDER BY 1", table))
    ]
    return (*(str(row) for row in connection.execute(_FACTS)), *rows)
