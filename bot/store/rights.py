"""What the running bot may do to its tables, and must be able to do: less than the role that migrates them.

`manifests/postgres/roles.sql` grants exactly this.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from bot.errors import StoreRefused
from bot.store.connections import Address, transaction_on

LIMIT_S = 5.0
NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "inbox": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "outbox": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "seen": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "slots": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "schedule_pauses": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "samples": ("SELECT", "INSERT", "DELETE"),
        "problem_spans": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "notes": ("SELECT", "INSERT", "DELETE"),
        "episodes": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "silences": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "operations": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "votes": ("SELECT", "INSERT", "UPDATE"),
        "tokens": ("SELECT", "INSERT", "DELETE"),
        "attempts": ("SELECT", "INSERT", "UPDATE"),
        "message_refs": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "worked_revisions": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "audit": ("SELECT", "INSERT"),
        "schema_migrations": ("SELECT",),
    }
)


async def check_rights(connection: AsyncConnection[DictRow], address: Address) -> None:
    """Look, before any work, whether the role may do what is needed with the tables that are there.

    Raises `StoreRefused` naming what is missing.
    """
    wanted = [(name, privilege) for name, privileges in NEEDED.items() for privilege in privileges]
    names, privileges = zip(*wanted, strict=True)
    async with transaction_on(connection, address, limit_s=LIMIT_S) as session:
        rows = await session.fetch("rights_missing", names=list(names), privileges=list(privileges))
    if rows:
        missing = ", ".join(f"{row['privilege']} on {row['name']}" for row in rows)
        raise StoreRefused(
            f"The database at {address.label} does not let this role do what is needed: it lacks {missing}.",
            advice="Run manifests/postgres/roles.sql again, as after each `ragops migrate` that applied something.",
        )
