"""Which message shows a subject in a channel, and in which version. The database's rows are what it is a picture of."""

from __future__ import annotations

from bot.domain.requests import Post
from bot.store.connections import Session


async def message_of(session: Session, subject: str, channel: str) -> tuple[str, int]:
    """Return the message and the version in which a subject is shown in a channel; an empty id while it is not."""
    row = await session.fetch_one("message_shown", subject=subject, channel=channel)
    return ("", 0) if row is None else (row["message_id"], row["version"])


async def thread_under(session: Session, subject: str, channel: str) -> str | None:
    """Return the thread of the message that shows a subject in a channel; None while there is no such message."""
    row = await session.fetch_one("message_thread", subject=subject, channel=channel)
    return None if row is None else str(row["thread"])


async def remember(session: Session, post: Post, message_id: str) -> None:
    """Note the message that a post became, unless a newer version is known to be shown already."""
    await session.run(
        "message_remember",
        subject=post.subject,
        channel=post.place.channel,
        message_id=message_id,
        thread=post.place.thread,
        version=post.version,
    )


async def doubt(session: Session, post: Post) -> None:
    """See to it that the newest picture is shown again after somebody may have put an older one over it.

    That is who lost the lease after the message was handed over: a process that stood still, then went on.
    """
    of = {"subject": post.subject, "channel": post.place.channel, "version": post.version}
    if await session.fetch_one("message_doubt", **of) is not None:
        await session.run("outbox_show_again", **of)
