"""Fixtures that every test may use: a scrubbed environment and a database of its own for each test that wants one."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from bot.store.embedded import EmbeddedServer
from bot.store.store import PostgresStore
from tests.support.clones import Clones, with_database

_PREFIXES = ("RAGOPS_", "SLACK_")
_NAMES = ("DATABASE_URL", "KUBECONFIG")
_KEPT = "RAGOPS_TEST_"
_TRUSTED = Path(__file__).with_name("fixtures") / "nobody.pem"

# No property is about how fast this machine is. A run of the tests takes the same examples each time, so that what is
# red is red for the change; `make search` takes others each time.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _UNTIMED, derandomize=True)
settings.register_profile("search", _UNTIMED, database=None, print_blob=True)
settings.load_profile("steady")


def pytest_configure() -> None:
    """Forget the settings of whoever runs the tests, in child processes too, and that Ctrl-C is ignored there.

    A shell starts what it does not wait for with SIGINT ignored, and every child would inherit that. And where Python
    is told to keep nothing of what it compiles, every child would compile the bot anew, and every run all tests.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # Whom this machine trusts plays no part, and reading the 150 it knows takes every client of every bot a while.
    os.environ["SSL_CERT_FILE"] = str(_TRUSTED)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in list(os.environ):
        if (name.startswith(_PREFIXES) or name in _NAMES) and not name.startswith(_KEPT):
            del os.environ[name]


@pytest.fixture(autouse=True)
def log_settings() -> Iterator[None]:
    """Leave the log as it was: a program that is run in this process sets where it goes, and how much of it."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)


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


@pytest.fixture(scope="session")
def clones(server_url: str, template_database: str) -> Iterator[Clones]:
    """What hands out databases with every table and no rows."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        them = Clones(connection, server_url, template_database, prefix=template_database)
        yield them
        them.close()


@pytest.fixture
def store_url(clones: Clones) -> Iterator[str]:
    """The address of a database with every table and no rows."""
    with clones.one() as url:
        yield url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[PostgresStore]:
    """An open store on a fresh database; it waits for longer than any machine takes: limits have tests of their own."""
    async with await PostgresStore.open(store_url, wait_s=60, statement_limit_s=60, accept_s=60) as opened:
        yield opened
