"""Requests that must not be lost, each once, worked on by one at a time."""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.domain.requests import Request
from bot.ports import AuditEntry, Claimed
from bot.store import audit
from bot.store.codec import decode, encode
from bot.store.connections import Connections, Row, Session

ACCEPT_S = 0.5
MOST_ATTEMPTS = 5
SYSTEM = "ragops"

log = logging.getLogger(__name__)


class PostgresInbox:
    """The table `inbox`."""

    def __init__(self, connections: Connections, *, accept_s: float = ACCEPT_S) -> None:
        self._connections = connections
        self._accept_s = accept_s

    async def accept(self, request: Request) -> bool:
        """Keep a request; False when the same delivery was kept before.

        Answers within half a second: whoever acknowledges to the chat platform has three. Raises `StoreUnavailable`.
        """
        stored = encode(replace(request, reply_to=""))
        async with self._connections.transaction(budget_s=self._accept_s) as session:
            row = await session.fetch_one("inbox_accept", key=request.key, request=stored, reply_to=request.reply_to)
        return row is not None

    async def claim(self, *, lease_s: float, key: str | None = None) -> Claimed | None:
        """Take the oldest request that nobody works on (or that of `key`) for `lease_s` seconds.

        A request that was taken five times and never finished is not handed out again: it stays, as `dead`, and the
        audit tells.
        """
        async with self._connections.transaction() as session:
            if key is None:
                row = await session.fetch_one("inbox_claim", lease_s=lease_s, most=MOST_ATTEMPTS)
            else:
                row = await session.fetch_one("inbox_claim_key", key=key, lease_s=lease_s, most=MOST_ATTEMPTS)
            # Last, because the audit's lock is held until the commit.
            for dead in await session.fetch("inbox_bury", most=MOST_ATTEMPTS):
                await audit.append(session, _set_aside(dead))
                log.error("request set aside", extra={"event": "request_dead", "key": dead["key"]})
        return None if row is None else _claimed(row)


def _claimed(row: Row) -> Claimed:
    request = replace(decode(row["request"], Request), reply_to=row["reply_to"])
    return Claimed(request, row["fence"])


def _set_aside(row: Row) -> AuditEntry:
    return AuditEntry(
        actor=SYSTEM,
        action="request",
        subject=row["key"],
        result="set aside",
        detail={"attempts": row["attempts"]},
    )


async def finish(session: Session, claimed: Claimed) -> bool:
    """Mark a request done and wipe its reply address; False when somebody took it over meanwhile."""
    return await session.fetch_one("inbox_finish", key=claimed.request.key, fence=claimed.fence) is not None
