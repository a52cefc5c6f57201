"""`ragops migrate`: brings the database's tables to this version, or lists what that would be."""

from __future__ import annotations

from collections.abc import Sequence

from bot.cli.arguments import Migrate
from bot.main.database import database_address, embedded_folder
from bot.settings import Settings
from bot.store.keeper import DATABASE
from bot.store.migrate import bring_up_to_date, shipped


async def migrate(command: Migrate, settings: Settings) -> int:
    """Apply what is missing and say what was done; 0. A database that is newer is refused with `StoreRefused`."""
    where = "DATABASE_URL" if settings.database_url is not None else f"the embedded one in {settings.data_folder}"
    print(told(await _step(command, settings), dry_run=command.dry_run, where=where))
    return 0


async def _step(command: Migrate, settings: Settings) -> Sequence[str]:
    made = settings.database_url is not None or (embedded_folder(settings.data_folder) / DATABASE).exists()
    if command.dry_run and not made:
        # Looking must not make a database.
        return tuple(migration.name for migration in shipped())
    async with database_address(settings) as url:
        return await bring_up_to_date(url, dry_run=command.dry_run)


def told(names: Sequence[str], *, dry_run: bool, where: str) -> str:
    """Say what was applied to the database, or what would be."""
    if not names:
        return f"The database ({where}) is up to date; nothing to do."
    listed = "\n".join(f"  {name}" for name in names)
    if dry_run:
        return f"To be applied to the database ({where}), by `ragops migrate`:\n{listed}\nNothing was changed."
    return (
        f"Applied to the database ({where}):\n{listed}\n"
        "If the bot runs under a role of its own, run manifests/postgres/roles.sql again."
    )
