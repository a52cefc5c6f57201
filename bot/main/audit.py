"""`ragops audit verify`: tells whether the audit chain is whole."""

from __future__ import annotations

import json

from bot.cli.arguments import AuditVerify
from bot.main.database import database_address
from bot.settings import Settings
from bot.store.audit import verify_audit


async def verify(command: AuditVerify, settings: Settings) -> int:
    """Walk the chain and say what was found; 0 whole, 1 broken."""
    async with database_address(settings) as url:
        result = await verify_audit(url, command.head or None)
    if command.output == "json":
        print(
            json.dumps(
                {"ok": result.ok, "checked": result.checked, "head": str(result.head), "problem": result.problem}
            )
        )
    elif result.ok:
        print(f"The audit chain is whole: {result.checked} entries, head {result.head}.")
    else:
        print(f"The audit chain is BROKEN after {result.checked} good entries: {result.problem}")
    return 0 if result.ok else 1
