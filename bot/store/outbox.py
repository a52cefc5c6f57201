"""Messages that others are to see: delivered at least once, in order within a channel."""

from __future__ import annotations

import logging

from bot.domain.requests import Post
from bot.errors import StoreRefused
from bot.ports import AuditEntry, Outgoing
from bot.redaction import redact
from bot.store import audit, messages
from bot.store.codec import decode, encode
from bot.store.connections import Connections, Row, Session

SYSTEM = "ragops"
# A message that this version cannot read is left for one that can: it is looked at again after a minute, and given up
# when a message that cannot be delivered is.
UNREADABLE_WAIT_S = 60.0
UNREADABLE_DEADLINE_S = 6 * 3600.0

log = logging.getLogger(__name__)


class PostgresOutbox:
    """The table `outbox`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def claim(self, *, lease_s: float) -> Outgoing | None:
        """Take the next due message of a channel that nobody delivers to; `attempts` counts this one.

        When newer pictures of the same subject wait behind it in its channel, the newest is handed out in its place;
        but not while it is in doubt which of them was shown. A message that cannot be read (a newer version wrote it)
        is put off in the same transaction, and given up after six hours: it holds up its own channel, no other.
        """
        while True:
            async with self._connections.transaction() as session:
                row = await session.fetch_one("outbox_claim", lease_s=lease_s)
                if row is None:
                    return None
                try:
                    post = decode(row["post"], Post)
                except StoreRefused as error:
                    await _put_aside(session, row, error.message)
                    continue
                if post.subject and not row["unsure"]:
                    post = await _newest(session, post)
            return Outgoing(row["id"], post, row["fence"], row["attempts"], row["unsure"], row["created_at"])

    async def sending(self, outgoing: Outgoing) -> bool:
        """Record that the message is about to be handed over; False when the lease has run out or was lost."""
        async with self._connections.transaction() as session:
            return await session.run("outbox_sending", id=outgoing.id, fence=outgoing.fence) == 1

    async def delivered(self, outgoing: Outgoing, *, message_id: str) -> bool:
        """Record the delivery, and which message shows the post's subject now; False when the lease was lost meanwhile.

        Whoever took it over may have shown a newer picture by then, which is therefore shown once more.
        """
        post = outgoing.post
        async with self._connections.transaction() as session:
            touched = await session.run("outbox_delivered", id=outgoing.id, fence=outgoing.fence, message_id=message_id)
            if post.subject and touched:
                await messages.remember(session, post, message_id)
            elif post.subject:
                await messages.doubt(session, post)
        return touched == 1

    async def shown(self, outgoing: Outgoing) -> tuple[str, int]:
        """Return the message and the version in which an outgoing post's subject is shown in its channel.

        Both are empty while it is not shown.
        """
        async with self._connections.transaction() as session:
            return await messages.message_of(session, outgoing.post.subject, outgoing.post.place.channel)

    async def thread(self, outgoing: Outgoing) -> str | None:
        """Return the thread that a post belongs under; None while the message it hangs on was not posted.

        Within a channel that message comes first, so one that is not there when its turn is over was given up.
        """
        async with self._connections.transaction() as session:
            return await messages.thread_under(session, outgoing.post.under, outgoing.post.place.channel)

    async def postpone(self, outgoing: Outgoing, *, delay_s: float, reason: str, unsure: bool) -> None:
        """Try again later; the channel's other messages wait behind it. Does nothing when the lease was lost."""
        async with self._connections.transaction() as session:
            await _postpone(session, outgoing.id, outgoing.fence, reason, delay_s=delay_s, unsure=unsure)

    async def give_up(self, outgoing: Outgoing, *, reason: str, instead: Post | None = None) -> None:
        """Never deliver it; the reason stays in the store and in the audit, and `instead` is delivered in its place.

        Does nothing when the lease was lost.
        """
        async with self._connections.transaction() as session:
            if instead is not None and await session.fetch_one("outbox_held", id=outgoing.id, fence=outgoing.fence):
                await put(session, instead)
            await _bury(
                session, outgoing.id, outgoing.fence, reason, kind=outgoing.post.kind, attempts=outgoing.attempts
            )

    async def depth(self) -> int:
        """Return how many messages wait."""
        async with self._connections.transaction() as session:
            row = await session.fetch_one("outbox_depth")
        return 0 if row is None else int(row["depth"])


async def _postpone(session: Session, number: int, fence: int, reason: str, *, delay_s: float, unsure: bool) -> None:
    await session.run("outbox_postpone", id=number, fence=fence, delay_s=delay_s, reason=redact(reason), unsure=unsure)


async def _bury(session: Session, number: int, fence: int, reason: str, *, kind: str, attempts: int) -> None:
    row = await session.fetch_one("outbox_give_up", id=number, fence=fence, reason=redact(reason))
    if row is None:
        return
    entry = AuditEntry(
        actor=SYSTEM,
        action="delivery",
        subject=f"{row['channel']}/{number}",
        result="given up",
        detail={"kind": kind, "attempts": attempts, "reason": row["reason"]},
    )
    await audit.append(session, entry)


async def _put_aside(session: Session, row: Row, reason: str) -> None:
    """Put an unreadable message off, or give it up when it is stale. Its claim is in this transaction, too."""
    stale = row["age_s"] > UNREADABLE_DEADLINE_S
    extra = {"event": "delivery_unreadable", "outbox": row["id"], "given_up": stale}
    log.log(logging.ERROR if stale else logging.WARNING, "a stored message cannot be read: %s", reason, extra=extra)
    if stale:
        await _bury(session, row["id"], row["fence"], reason, kind="unreadable", attempts=row["attempts"])
    else:
        delay_s = UNREADABLE_WAIT_S
        await _postpone(session, row["id"], row["fence"], reason, delay_s=delay_s, unsure=row["unsure"])


async def _newest(session: Session, post: Post) -> Post:
    """Return the newest picture of a post's subject that waits in its channel, if this version can read it."""
    row = await session.fetch_one(
        "outbox_newest_picture", subject=post.subject, channel=post.place.channel, version=post.version
    )
    if row is None:
        return post
    try:
        return decode(row["post"], Post)
    except StoreRefused:
        return post


async def put(session: Session, post: Post) -> int:
    """Add a message to the outbox and return its id.

    A picture takes the place of an older one of its subject that waits in its channel, that nobody holds or began to
    send; where a newer one waits so, it is of no use and dropped. Both return that one's id.
    """
    if post.subject:
        place = {"subject": post.subject, "channel": post.place.channel}
        waiting = await session.fetch_one("outbox_waiting_picture", **place)
        if waiting is not None:
            if waiting["version"] < post.version:
                await session.run("outbox_repaint", id=waiting["id"], post=encode(post), version=post.version)
            return int(waiting["id"])
    row = await session.fetch_one(
        "outbox_put", channel=post.place.channel, post=encode(post), subject=post.subject, version=post.version
    )
    if row is None:
        raise AssertionError("outbox_put always returns the new id")
    return int(row["id"])
