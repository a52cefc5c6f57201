from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from bot.cli.arguments import Migrate
from bot.errors import StoreRefused
from bot.main.migrating import migrate, told
from bot.settings import Settings
from bot.store.embedded import EmbeddedServer
from bot.store.migrate import shipped
from tests.support.processes import environment, ragops

NAMES = [migration.name for migration in shipped()]


def _settings(folder: Path, **more: str) -> Settings:
    return Settings.from_env({"RAGOPS_DATA": str(folder), **more})


@pytest.fixture
def empty_url(store_url: str) -> str:
    """A database without any table."""
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return store_url


def _tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row is not None
    return int(row[0])


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_what_is_missing_is_applied_and_told(
    empty_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time there is nothing to do."""
    settings = _settings(tmp_path, DATABASE_URL=empty_url)
    assert await migrate(Migrate(), settings) == 0
    out = capsys.readouterr().out
    assert out.startswith("Applied to the database (DATABASE_URL):\n")
    assert [line.strip() for line in out.splitlines()[1:-1]] == NAMES
    assert _tables(empty_url) > len(NAMES)
    assert await migrate(Migrate(), settings) == 0
    assert capsys.readouterr().out == "The database (DATABASE_URL) is up to date; nothing to do.\n"
    assert _names(tmp_path) == []


async def test_a_dry_run_lists_and_changes_nothing(
    empty_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says so."""
    assert await migrate(Migrate(dry_run=True), _settings(tmp_path, DATABASE_URL=empty_url)) == 0
    out = capsys.readouterr().out
    assert [line.strip() for line in out.splitlines()[1:-1]] == NAMES
    assert out.endswith("Nothing was changed.\n")
    assert _tables(empty_url) == 0


async def test_a_dry_run_does_not_make_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no embedded one yet, all is to be applied."""
    assert await migrate(Migrate(dry_run=True), _settings(tmp_path)) == 0
    assert NAMES[-1] in capsys.readouterr().out
    assert _names(tmp_path) == []


async def test_the_embedded_database_is_migrated_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is stopped afterwards, and is up to date when it is started again."""
    assert await migrate(Migrate(), _settings(tmp_path)) == 0
    assert f"the embedded one in {tmp_path}" in capsys.readouterr().out
    assert not (tmp_path / "postgres" / "database" / "postmaster.pid").exists()
    assert await migrate(Migrate(dry_run=True), _settings(tmp_path)) == 0
    assert "nothing to do" in capsys.readouterr().out


async def test_an_embedded_database_in_use_is_shared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bot that runs goes on."""
    server = await EmbeddedServer.start(tmp_path / "postgres", settings={"fsync": "off"})
    try:
        assert await migrate(Migrate(), _settings(tmp_path)) == 0
        assert NAMES[-1] in capsys.readouterr().out
        assert _tables(server.url) > len(NAMES)
    finally:
        await server.stop()


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_newer_database_is_refused(store_url: str, tmp_path: Path, *, dry_run: bool) -> None:
    """With the words that `ragops run` has for it."""
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_later', 'x')")
    with pytest.raises(StoreRefused, match="newer than this program: it has the migration 9999_later") as caught:
        await migrate(Migrate(dry_run=dry_run), _settings(tmp_path, DATABASE_URL=store_url))
    assert (caught.value.unchanged, "newer version" in caught.value.advice) == ("Nothing was changed.", True)


async def test_the_command_exits_with_2_where_the_database_is_newer(store_url: str, tmp_path: Path) -> None:
    """A deployment that rolls back too far stops here."""
    environ = environment(tmp_path, DATABASE_URL=store_url)
    assert (await ragops("migrate", environ=environ, folder=tmp_path)).code == 0
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_later', 'x')")
    ended = await ragops("migrate", "--dry-run", environ=environ, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "newer than this program" in ended.err
    assert "restore a backup" in ended.err


def test_who_runs_the_bot_under_another_role_is_reminded() -> None:
    """A new table is nobody's but the owner's."""
    assert "manifests/postgres/roles.sql" in told(["0002_x"], dry_run=False, where="DATABASE_URL")
