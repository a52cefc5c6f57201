"""The database that a command of the terminal means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.settings import Settings
from bot.store.embedded import embedded


def embedded_folder(data_folder: Path) -> Path:
    """Return where the embedded server keeps its database."""
    return data_folder / "postgres"


@asynccontextmanager
async def database_address(settings: Settings) -> AsyncIterator[str]:
    """Yield the address in the settings, else that of the embedded server, which runs meanwhile."""
    if settings.database_url is not None:
        yield settings.database_url.reveal()
        return
    async with embedded(embedded_folder(settings.data_folder)) as url:
        yield url
