"""Fixtures that every test may use: a scrubbed environment and a database of its own for each test that wants one."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from bot.store.embedded import EmbeddedServer
from bot.store.store import PostgresStore

_PREFIXES = ("RAGOPS_", "SLACK_")
_NAMES = ("DATABASE_URL", "KUBECONFIG")
_KEPT = "RAGOPS_TEST_"
_numbers = itertools.count()

# No property is about how fast this machine is. A run of the tests takes the same examples each time, so that what is
# red is red for the change; `make search` takes others each time.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _UNTIMED, derandomize=True)
settings.register_profile("search", _UNTIMED, database=None, print_blob=True)
settings.load_profile("steady")


def pytest_configure() -> None:
    """Forget the settings of whoever runs the tests, in child processes too, and that Ctrl-C is ignored there.

    A shell starts what it does not wait for with SIGINT ignored, and every child would inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in list(os.environ):
        if (name.startswith(_PREFIXES) or name in _NAMES) and not name.startswith(_KEPT):
            del os.environ[name]


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Leave the log as it was: a program that is run in this process sets how much is logged."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


def with_database(url: str, database: str) -> str:
    """Return `url` with another database."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server that may be filled with databases; one for all workers of a run."""
    given = os.environ.get("RAGOPS_TEST_DATABASE_URL")
    if given:
        yield given
        return
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    server = asyncio.run(EmbeddedServer.start(shared / "postgres", settings={"fsync": "off", "max_connections": "300"}))
    yield server.url
    asyncio.run(server.stop())


@pytest.fixture(scope="session")
def template_database(server_url: str) -> Iterator[str]:
    """A database with every table and no rows, to be cloned; its name is this worker's own."""
    name = f"ragops_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        asyncio.run(_migrate(with_database(server_url, name)))
        yield name
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def _migrate(url: str) -> None:
    async with await PostgresStore.open(url):
        pass


@contextmanager
def cloned_database(server_url: str, template_database: str) -> Iterator[str]:
    """Make a fresh database with every table for the block; its address is yielded."""
    name = f"{template_database}_{next(_numbers)}"
    clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template_database))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(clone)
        yield with_database(server_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def store_url(server_url: str, template_database: str) -> Iterator[str]:
    """The address of a fresh database with every table."""
    with cloned_database(server_url, template_database) as url:
        yield url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[PostgresStore]:
    """An open store on a fresh database."""
    async with await PostgresStore.open(store_url) as opened:
        yield opened
