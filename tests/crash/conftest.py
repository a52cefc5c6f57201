"""What the crash tests share: a process that workers are forked from, and databases with every table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.crash.nursery import nursery
from tests.support.clones import with_database

LANES = 4


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of the process that workers are forked from."""
    with nursery(tmp_path_factory.mktemp("crash")) as path:
        yield path


@pytest.fixture(scope="session")
def lane_urls(server_url: str, template_database: str) -> list[str]:
    """The addresses of a few databases."""
    names = [f"{template_database}_lane{number}" for number in range(LANES)]
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in names:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(template_database)))
    return [with_database(server_url, name) for name in names]
