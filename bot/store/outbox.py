"""Messages that others are to see: delivered at least once, in order within a channel."""

from __future__ import annotations

from bot.domain.requests import Post
from bot.ports import AuditEntry, Outgoing
from bot.redaction import redact
from bot.store import audit
from bot.store.codec import decode, encode
from bot.store.connections import Connections, Session

SYSTEM = "ragops"


class PostgresOutbox:
    """The table `outbox`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def claim(self, *, lease_s: float) -> Outgoing | None:
        """Take the next due message of a channel that nobody delivers to; `attempts` counts this one."""
        async with self._connections.transaction() as session:
            row = await session.fetch_one("outbox_claim", lease_s=lease_s)
        if row is None:
            return None
        post = decode(row["post"], Post)
        return Outgoing(row["id"], post, row["fence"], row["attempts"], row["unsure"], row["created_at"])

    async def sending(self, outgoing: Outgoing) -> bool:
        """Record that the message is about to be handed over; False when the lease has run out or was lost."""
        async with self._connections.transaction() as session:
            return await session.run("outbox_sending", id=outgoing.id, fence=outgoing.fence) == 1

    async def delivered(self, outgoing: Outgoing, *, message_id: str) -> bool:
        """Record the delivery; False when the lease was lost meanwhile."""
        async with self._connections.transaction() as session:
            touched = await session.run("outbox_delivered", id=outgoing.id, fence=outgoing.fence, message_id=message_id)
        return touched == 1

    async def postpone(self, outgoing: Outgoing, *, delay_s: float, reason: str, unsure: bool) -> None:
        """Try again later; the channel's other messages wait behind it. Does nothing when the lease was lost."""
        async with self._connections.transaction() as session:
            await session.run(
                "outbox_postpone",
                id=outgoing.id,
                fence=outgoing.fence,
                delay_s=delay_s,
                reason=redact(reason),
                unsure=unsure,
            )

    async def give_up(self, outgoing: Outgoing, *, reason: str) -> None:
        """Never deliver it; the reason stays in the store and in the audit. Does nothing when the lease was lost."""
        async with self._connections.transaction() as session:
            row = await session.fetch_one("outbox_give_up", id=outgoing.id, fence=outgoing.fence, reason=redact(reason))
            if row is None:
                return
            entry = AuditEntry(
                actor=SYSTEM,
                action="delivery",
                subject=f"{row['channel']}/{outgoing.id}",
                result="given up",
                detail={"kind": outgoing.post.kind, "attempts": outgoing.attempts, "reason": reason},
            )
            await audit.append(session, entry)

    async def depth(self) -> int:
        """Return how many messages wait."""
        async with self._connections.transaction() as session:
            row = await session.fetch_one("outbox_depth")
        return 0 if row is None else int(row["depth"])


async def put(session: Session, post: Post) -> int:
    """Add a message to the outbox and return its id."""
    row = await session.fetch_one("outbox_put", channel=post.place.channel, post=encode(post))
    if row is None:
        raise AssertionError("outbox_put always returns the new id")
    return int(row["id"])
