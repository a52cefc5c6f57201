"""What controls of watching leave in the store, in the transaction that ends their request."""

from __future__ import annotations

from typing import assert_never

from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.watch.episodes import Silence
from bot.domain.watch.keeps import Acknowledge, AddSilence, EndSilence, Keep, PauseSchedule, ResumeSchedule
from bot.domain.watch.schedules import Pause
from bot.redaction import redact
from bot.store import episodes
from bot.store.connections import Session
from bot.store.watch_rows import LONGEST_PERSON, LONGEST_WORDS, aware, cut, key_of, place


async def keep(session: Session, kept: Keep) -> bool:
    """Carry an effect out; False when there is nothing (any more) that it could be about.

    That is an episode that is resolved, not there, or acknowledged by somebody else; a silence or a pause that is over,
    or would be over at once. The database's clock decides.
    """
    match kept:
        case PauseSchedule(pause):
            return await _pause(session, pause)
        case ResumeSchedule(name):
            return await session.fetch_one("schedule_resume", name=name) is not None
        case Acknowledge():
            return await _acknowledge(session, kept)
        case AddSilence(silence):
            return await _silence(session, silence)
        case EndSilence(silence_id):
            return await session.fetch_one("silence_end", id=silence_id) is not None
        case _:
            assert_never(kept)


async def _pause(session: Session, pause: Pause) -> bool:
    """Pause a schedule; of one that is paused already the newer pause holds."""
    row = await session.fetch_one(
        "schedule_pause",
        name=pause.name,
        by=cut(pause.by, LONGEST_PERSON),
        at=aware(pause.at),
        until=None if pause.until is None else aware(pause.until),
        why=cut(redact(pause.why), LONGEST_WORDS),
    )
    return row is not None


async def _silence(session: Session, silence: Silence) -> bool:
    row = await session.fetch_one(
        "silence_add",
        id=silence.id,
        what=key_of(silence.what),
        **place(silence.scope),
        by=cut(silence.by, LONGEST_PERSON),
        at=aware(silence.at),
        until=aware(silence.until),
        why=cut(redact(silence.why), LONGEST_WORDS),
    )
    return row is not None


async def _acknowledge(session: Session, kept: Acknowledge) -> bool:
    """Note who looks at an episode, under its scope's lock. Who says it again changes nothing, and may."""
    found = await session.fetch_one("episode_read", id=kept.episode_id)
    if found is None:
        return False
    await episodes.lock(session, Scope(ClusterName(found["cluster"]), Namespace(found["namespace"])))
    by = cut(kept.by, LONGEST_PERSON)
    if await session.fetch_one("episode_acknowledge", id=kept.episode_id, by=by) is not None:
        return True
    return await session.fetch_one("episode_acknowledged", id=kept.episode_id, by=by) is not None
