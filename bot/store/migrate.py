"""Brings the database's tables to this version: forward only, recorded with checksums, one process at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from bot.errors import StoreRefused, StoreUnavailable
from bot.store.connections import Address, Session, connected, transaction_on

OLDEST_SERVER = 130000
LIMIT_S = 60.0
# The tables are in use while they are changed: who waits for one of them holds up the bot that runs.
LOCK_LIMIT_S = 2.0
# Without the right to look into a schema, PostgreSQL says that none was selected.
_NO_RIGHT = ("42501", "3F000")
_LOCKED = "55P03"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`: its number, its name, what it does."""

    version: int
    name: str
    script: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the script."""
        return hashlib.sha256(self.script.encode()).hexdigest()


def shipped() -> tuple[Migration, ...]:
    """Return the migrations of this version, in order."""
    folder = resources.files("bot.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(
        Migration(int(file.name.split("_", 1)[0]), file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file in files
    )


def pending(applied: Sequence[tuple[int, str, str]], known: Sequence[Migration]) -> tuple[Migration, ...]:
    """Return what is still to be applied to a database with `applied` (version, name, checksum).

    Raises `StoreRefused` when the database is newer than this program, or was made by other scripts than these.
    """
    by_version = {migration.version: migration for migration in known}
    for version, name, checksum in applied:
        ours = by_version.get(version)
        if ours is None:
            raise StoreRefused(
                f"The database is newer than this program: it has the migration {name}, which is not known here.",
                advice="Start the newer version of ragops, or restore a backup from before the update.",
            )
        if ours.checksum != checksum:
            raise StoreRefused(
                f"The database was made by another {name}: its checksum is {checksum[:12]}, ours {ours.checksum[:12]}.",
                advice="Start the version of ragops that made this database; released migrations never change.",
            )
    done = {version for version, _, _ in applied}
    return tuple(migration for migration in known if migration.version not in done)


async def bring_up_to_date(url: str, *, dry_run: bool) -> Sequence[str]:
    """Apply what is missing to the database at `url` and return the names; with `dry_run` only return them.

    Raises `StoreUnavailable`, and `StoreRefused` for a database that is newer than this program.
    """
    address = Address.parse(url)
    async with connected(address) as connection:
        step = missing_from if dry_run else migrate
        return tuple(migration.name for migration in await step(connection, address))


async def missing_from(connection: AsyncConnection[DictRow], address: Address) -> tuple[Migration, ...]:
    """Return what is still to be applied; only reads."""
    async with transaction_on(connection, address, limit_s=LIMIT_S) as session:
        await session.run("only_read")
        await _check_server(session)
        return pending(await _applied(session), shipped())


async def migrate(
    connection: AsyncConnection[DictRow], address: Address, *, known: Sequence[Migration] | None = None
) -> tuple[Migration, ...]:
    """Apply what is missing, all or nothing, and return it. Others who migrate at the same time wait for us.

    When nothing is missing, the right to read `schema_migrations` is enough.
    """
    migrations = shipped() if known is None else known
    async with transaction_on(connection, address, limit_s=LIMIT_S) as session:
        await _check_server(session)
        missing = pending(await _applied(session), migrations)
        if not missing:
            return ()
        with _explained(missing):
            return await _apply(session, migrations)


async def _apply(session: Session, known: Sequence[Migration]) -> tuple[Migration, ...]:
    await session.fetch("migration_lock")
    await session.fetch("limit_locks", limit_ms=int(LOCK_LIMIT_S * 1000))
    # Made before it is read: only opening the table shows what another process committed while we waited.
    await session.run("migration_table")
    missing = pending(await _recorded(session), known)
    for migration in missing:
        await session.script(migration.script)
        await session.run(
            "migration_record", version=migration.version, name=migration.name, checksum=migration.checksum
        )
    return missing


@contextmanager
def _explained(missing: Sequence[Migration]) -> Iterator[None]:
    """Say what to do about the two troubles that an operator can end: no right to make tables, and tables in use."""
    names = ", ".join(migration.name for migration in missing)
    try:
        yield
    except StoreUnavailable as error:
        state = getattr(error.__cause__, "sqlstate", None)
        if state in _NO_RIGHT:
            raise StoreRefused(
                f"The database lacks {names}, and this role may not add it: {error.message}",
                advice="Run `ragops migrate` with the role that owns the tables, then start again.",
            ) from error
        if state == _LOCKED:
            raise StoreUnavailable(
                f"The database lacks {names}, and its tables are in use: {error.message}",
                advice="Try again; if it stays, look for a backup or a long transaction on the tables.",
            ) from error
        raise


async def _check_server(session: Session) -> None:
    row = await session.fetch_one("server_version")
    if row is None or row["number"] < OLDEST_SERVER:
        version = "unknown" if row is None else row["version"]
        raise StoreRefused(
            f"The database server is PostgreSQL {version}; 13 is the oldest that works.", advice="Update the server."
        )


async def _applied(session: Session) -> list[tuple[int, str, str]]:
    there = await session.fetch_one("migration_table_exists")
    if there is None or not there["there"]:
        return []
    return await _recorded(session)


async def _recorded(session: Session) -> list[tuple[int, str, str]]:
    rows = await session.fetch("migrations_applied")
    return [(row["version"], row["name"], row["checksum"]) for row in rows]
