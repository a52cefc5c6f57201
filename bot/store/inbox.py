"""Requests that must not be lost, each once, worked on by one at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.people import Actor
from bot.domain.requests import Request
from bot.errors import StoreRefused
from bot.ports import AuditEntry, Claimed
from bot.store import audit
from bot.store.codec import decode, encode
from bot.store.connections import Connections, Row, Session

ACCEPT_S = 0.5
MOST_ATTEMPTS = 5
SYSTEM = "ragops"
# A request that this version cannot read is left for one that can: each try takes this long.
UNREADABLE_WAIT_S = 60.0

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
            row = await session.fetch_one(
                "inbox_accept",
                key=request.key,
                request=stored,
                reply_to=request.reply_to,
                user_id=request.actor.user_id,
                team_id=request.actor.team_id,
            )
        return row is not None

    async def claim(self, *, lease_s: float, key: str | None = None) -> Claimed | None:
        """Take the oldest request that nobody works on (or that of `key`) for `lease_s` seconds.

        A request that was taken five times and never finished is not handed out again: it stays, as `dead`, and the
        audit tells. One that cannot be read (a newer version wrote it) is put off in the same transaction; that counts
        as a try, and the next request is taken instead.
        """
        while True:
            async with self._connections.transaction() as session:
                row = await self._take(session, lease_s, key)
                claimed = None if row is None else await _read(session, row)
                # Last, because the audit's lock is held until the commit.
                for dead in await session.fetch("inbox_bury", most=MOST_ATTEMPTS):
                    await audit.append(session, _set_aside(dead))
                    log.error("request set aside", extra={"event": "request_dead", "key": dead["key"]})
            if row is None or claimed is not None:
                return claimed

    async def _take(self, session: Session, lease_s: float, key: str | None) -> Row | None:
        if key is None:
            return await session.fetch_one("inbox_claim", lease_s=lease_s, most=MOST_ATTEMPTS)
        return await session.fetch_one("inbox_claim_key", key=key, lease_s=lease_s, most=MOST_ATTEMPTS)

    async def waiting(self, actor: Actor) -> Sequence[Request]:
        """Return what this person asked for and is not done yet, the oldest first, without reply addresses.

        What cannot be read is left out: whoever claims it logs that. Raises `StoreUnavailable`.
        """
        async with self._connections.transaction() as session:
            rows = await session.fetch("inbox_waiting", user_id=actor.user_id, team_id=actor.team_id)
        requests = (_readable(row) for row in rows)
        return tuple(request for request in requests if request is not None and request.actor == actor)


async def _read(session: Session, row: Row) -> Claimed | None:
    """Return the request that was claimed; None when it cannot be read, and then it is put off."""
    try:
        request = decode(row["request"], Request)
    except StoreRefused as error:
        extra = {"event": "request_unreadable", "key": row["key"]}
        log.warning("a stored request cannot be read: %s", error.message, extra=extra)
        await session.run("inbox_put_off", id=row["id"], fence=row["fence"], delay_s=UNREADABLE_WAIT_S)
        return None
    return Claimed(replace(request, reply_to=row["reply_to"]), row["fence"])


def _readable(row: Row) -> Request | None:
    try:
        return decode(row["request"], Request)
    except StoreRefused:
        return None


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
