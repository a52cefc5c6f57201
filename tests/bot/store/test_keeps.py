"""Silences and pauses: what people decide about watching, by the database's clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.domain.watch.keeps import AddSilence, EndSilence, Keep, PauseSchedule, ResumeSchedule
from bot.domain.watch.schedules import Pause
from bot.errors import StoreRefused
from bot.store.store import PostgresStore
from tests.support.watch_records import silence

Admin = psycopg.Connection[DictRow]


async def keep(store: PostgresStore, kept: Keep) -> bool:
    async with store.transaction() as transaction:
        return await transaction.keep(kept)


def pause(name: str = "digest", *, for_s: float | None = 600) -> Pause:
    now = datetime.now(UTC)
    until = None if for_s is None else now + timedelta(seconds=for_s)
    return Pause(name=name, by="U-ann", at=now, until=until, why="We move.")


async def test_a_silence_holds_as_it_was_said(store: PostgresStore) -> None:
    """All of it comes back; there may be several of one thing."""
    first, second = silence(), silence(silence_id="s2")
    assert await keep(store, AddSilence(first))
    assert await keep(store, AddSilence(second))
    assert await store.episodes.silences() == (first, second)
    assert await keep(store, EndSilence("s1"))
    assert await store.episodes.silences() == (second,)


async def test_a_silence_that_is_over_cannot_begin_or_end(store: PostgresStore, admin: Admin) -> None:
    """Nor one that is not there, nor one twice."""
    over = replace(silence(), at=datetime.now(UTC) - timedelta(hours=2), until=datetime.now(UTC) - timedelta(hours=1))
    assert not await keep(store, AddSilence(over))
    assert not await keep(store, EndSilence("s1"))
    assert await keep(store, AddSilence(silence()))
    assert not await keep(store, AddSilence(silence()))
    admin.execute("UPDATE silences SET at = at - interval '1 day', until = until - interval '1 day'")
    assert not await keep(store, EndSilence("s1"))
    assert await keep(store, AddSilence(silence(silence_id="s2")))
    assert [await keep(store, EndSilence("s2")) for _ in range(2)] == [True, False]


async def test_a_silence_from_a_clock_that_is_ahead_can_be_ended_at_once(store: PostgresStore) -> None:
    """The replica's, of which the database knows nothing."""
    ahead = datetime.now(UTC) + timedelta(minutes=5)
    assert await keep(store, AddSilence(replace(silence(), at=ahead, until=ahead + timedelta(minutes=1))))
    assert await keep(store, EndSilence("s1"))
    assert await store.episodes.silences() == ()


async def test_a_silence_that_ends_before_it_begins_is_refused(store: PostgresStore) -> None:
    """It is nonsense, whatever the clock says."""
    now = datetime.now(UTC)
    with pytest.raises(StoreRefused):
        await keep(store, AddSilence(replace(silence(), at=now + timedelta(hours=2), until=now + timedelta(hours=1))))


async def test_a_pause_holds_until_its_end(store: PostgresStore, admin: Admin) -> None:
    """Or until somebody resumes; a schedule has one, the newest."""
    open_end, short = pause(for_s=None), pause("report")
    for each in (pause(), open_end, short):
        assert await keep(store, PauseSchedule(each))
    assert await store.slots.pauses() == {"digest": open_end, "report": short}
    admin.execute("UPDATE schedule_pauses SET at = at - interval '1 d' WHERE name = 'report'")
    admin.execute("UPDATE schedule_pauses SET until = until - interval '1 d' + interval '1 s' WHERE name = 'report'")
    assert await store.slots.pauses() == {"digest": open_end}
    assert [await keep(store, ResumeSchedule(name)) for name in ("digest", "digest", "report", "never")] == [
        True, False, False, False,
    ]  # fmt: skip
    assert await store.slots.pauses() == {}
    assert await keep(store, PauseSchedule(pause("report")))


async def test_a_pause_that_is_over_already_is_none(store: PostgresStore) -> None:
    """And takes no other one's place."""
    held = pause()
    assert await keep(store, PauseSchedule(held))
    long_ago = datetime.now(UTC) - timedelta(days=1)
    assert not await keep(store, PauseSchedule(replace(held, at=long_ago, until=long_ago + timedelta(hours=1))))
    assert await store.slots.pauses() == {"digest": held}


async def test_what_people_say_is_masked_and_cut(store: PostgresStore) -> None:
    """As everywhere in the store."""
    why = "password=hunter2hunter2 \x00" + "y" * 5000
    assert await keep(store, AddSilence(replace(silence(), why=why)))
    assert await keep(store, PauseSchedule(replace(pause(), why=why)))
    (held,) = await store.episodes.silences()
    for said in (held.why, (await store.slots.pauses())["digest"].why):
        assert "hunter2" not in said
        assert "\x00" not in said
        assert len(said) == 2000


async def test_an_effect_that_is_rolled_back_is_none(store: PostgresStore) -> None:
    """It belongs to the request that it ends."""

    async def fail() -> None:
        async with store.transaction() as transaction:
            assert await transaction.keep(AddSilence(silence()))
            assert await transaction.keep(PauseSchedule(pause()))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await store.episodes.silences() == ()
    assert await store.slots.pauses() == {}
