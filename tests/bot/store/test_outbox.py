from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.domain.requests import Post
from bot.ports import Outgoing
from bot.store.store import PostgresStore

LeasesEnd = Callable[[str], int]
MakePost = Callable[..., Post]
Admin = psycopg.Connection[DictRow]


async def _put(store: PostgresStore, *posts: Post) -> list[int]:
    async with store.transaction() as transaction:
        return [await transaction.put(post) for post in posts]


async def _claim(store: PostgresStore, lease_s: float = 600) -> Outgoing:
    outgoing = await store.outbox.claim(lease_s=lease_s)
    assert outgoing is not None
    return outgoing


async def test_a_message_is_claimed_as_it_was_put(store: PostgresStore, make_post: MakePost) -> None:
    """The first claim is sure and is the first attempt."""
    (number,) = await _put(store, make_post())
    outgoing = await _claim(store)
    assert (outgoing.id, outgoing.post) == (number, make_post())
    assert (outgoing.attempts, outgoing.unsure) == (1, False)
    assert outgoing.created_at.tzinfo is not None


async def test_a_message_waits_behind_the_one_before_it(store: PostgresStore, make_post: MakePost) -> None:
    """Within a channel a message is claimable only when nothing older is open."""
    first, second = await _put(store, make_post("1"), make_post("2"))
    outgoing = await _claim(store)
    assert outgoing.id == first
    assert await store.outbox.claim(lease_s=600) is None
    assert await store.outbox.delivered(outgoing, message_id="1.1")
    assert (await _claim(store)).id == second


async def test_a_postponed_message_holds_its_channel_and_no_other(store: PostgresStore, make_post: MakePost) -> None:
    """Order is kept within a channel; other channels go on."""
    await _put(store, make_post("1", "C1"), make_post("2", "C1"), make_post("3", "C2"))
    await store.outbox.postpone(await _claim(store), delay_s=60, reason="throttled", unsure=False)
    assert (await _claim(store)).post == make_post("3", "C2")
    assert await store.outbox.claim(lease_s=600) is None
    assert await store.outbox.depth() == 3


async def test_a_postponed_message_comes_again_when_due(store: PostgresStore, make_post: MakePost) -> None:
    """It keeps its doubt and counts the attempt."""
    await _put(store, make_post())
    await store.outbox.postpone(await _claim(store), delay_s=0.01, reason="timed out", unsure=True)
    await asyncio.sleep(0.02)
    again = await _claim(store)
    assert (again.attempts, again.unsure) == (2, True)


async def test_a_crash_before_handing_over_leaves_no_doubt(
    store: PostgresStore, make_post: MakePost, leases_end: LeasesEnd
) -> None:
    """Nobody can have got the message yet."""
    await _put(store, make_post())
    await _claim(store)
    leases_end("outbox")
    assert not (await _claim(store)).unsure


async def test_a_crash_while_handing_over_leaves_doubt(
    store: PostgresStore, make_post: MakePost, leases_end: LeasesEnd
) -> None:
    """The next to claim it is told to look first."""
    await _put(store, make_post())
    outgoing = await _claim(store)
    assert await store.outbox.sending(outgoing)
    leases_end("outbox")
    again = await _claim(store)
    assert again.unsure
    leases_end("outbox")
    assert (await _claim(store)).unsure


async def test_who_lost_the_lease_changes_nothing(
    store: PostgresStore, make_post: MakePost, admin: Admin, leases_end: LeasesEnd
) -> None:
    """Neither sending, delivering, postponing nor giving up works with an old fence."""
    await _put(store, make_post())
    lost = await _claim(store)
    leases_end("outbox")
    await _claim(store)
    before = admin.execute("SELECT * FROM outbox").fetchall()
    assert not await store.outbox.sending(lost)
    assert not await store.outbox.delivered(lost, message_id="1.1")
    await store.outbox.postpone(lost, delay_s=5, reason="r", unsure=True)
    await store.outbox.give_up(lost, reason="r")
    assert admin.execute("SELECT * FROM outbox").fetchall() == before
    assert admin.execute("SELECT * FROM audit").fetchall() == []


async def test_nobody_begins_to_send_after_the_lease_ran_out(
    store: PostgresStore, make_post: MakePost, leases_end: LeasesEnd
) -> None:
    """Another may take the message at any moment, so it would be sent twice."""
    await _put(store, make_post())
    outgoing = await _claim(store)
    leases_end("outbox")
    assert not await store.outbox.sending(outgoing)


async def test_a_message_given_up_leaves_its_reason_in_store_and_audit(
    store: PostgresStore, make_post: MakePost, admin: Admin
) -> None:
    """It is never delivered, the channel goes on, and no secret is kept with the reason."""
    await _put(store, make_post("1"), make_post("2"))
    await store.outbox.give_up(await _claim(store), reason="refused: token=abcdef123456")
    (row,) = admin.execute("SELECT reason FROM outbox WHERE state = 'dead'").fetchall()
    (entry,) = admin.execute("SELECT action, result, detail FROM audit").fetchall()
    assert row["reason"] == "refused: token=[masked]"
    assert (entry["action"], entry["result"]) == ("delivery", "given up")
    assert "refused: token=[masked]" in entry["detail"]
    assert (await _claim(store)).post == make_post("2")
    assert await store.outbox.depth() == 1


async def test_what_the_last_try_met_stays_with_the_reason(
    store: PostgresStore, make_post: MakePost, admin: Admin
) -> None:
    """Whoever looks why a message was given up finds what it waited for."""
    await _put(store, make_post())
    await store.outbox.postpone(await _claim(store), delay_s=0, reason="throttled", unsure=False)
    await store.outbox.give_up(await _claim(store), reason="too old")
    (row,) = admin.execute("SELECT reason FROM outbox").fetchall()
    (entry,) = admin.execute("SELECT detail FROM audit").fetchall()
    assert row["reason"] == "too old; before: throttled"
    assert "too old; before: throttled" in entry["detail"]


NEWER = """UPDATE outbox SET post = '{"v":2}' WHERE id = %s"""


async def test_a_message_of_a_newer_version_holds_up_its_own_channel_only(
    store: PostgresStore, make_post: MakePost, admin: Admin, caplog: pytest.LogCaptureFixture
) -> None:
    """It is put off by a minute, with its doubt as it was, and the log tells; other channels go on."""
    first, *_ = await _put(store, make_post("1", "C1"), make_post("2", "C1"), make_post("3", "C2"))
    admin.execute(NEWER, (first,))
    (began,) = admin.execute("SELECT clock_timestamp() AS now").fetchall()
    assert (await _claim(store)).post == make_post("3", "C2")
    assert await store.outbox.claim(lease_s=600) is None
    (row,) = admin.execute(
        "SELECT state, unsure, lease_until, reason, due_at, clock_timestamp() AS now FROM outbox WHERE id = %s",
        (first,),
    ).fetchall()
    assert (row["state"], row["unsure"], row["lease_until"]) == ("waiting", False, None)
    minute = timedelta(seconds=60)
    assert began["now"] + minute <= row["due_at"] <= row["now"] + minute
    assert "format 2" in row["reason"]
    ours = [record for record in caplog.records if record.name.startswith("bot.")]
    assert [getattr(record, "event", "") for record in ours] == ["delivery_unreadable"]


async def test_a_message_of_a_newer_version_is_given_up_when_it_is_stale(
    store: PostgresStore, make_post: MakePost, admin: Admin
) -> None:
    """Its channel goes on at once, and the audit tells."""
    first, _ = await _put(store, make_post("1"), make_post("2"))
    admin.execute(NEWER, (first,))
    admin.execute("UPDATE outbox SET created_at = created_at - interval '6 hours 1 second' WHERE id = %s", (first,))
    assert (await _claim(store)).post == make_post("2")
    (row,) = admin.execute("SELECT state FROM outbox WHERE id = %s", (first,)).fetchall()
    (entry,) = admin.execute("SELECT subject, result, detail FROM audit").fetchall()
    assert row["state"] == "dead"
    assert (entry["subject"], entry["result"]) == (f"C1/{first}", "given up")
    assert "format 2" in entry["detail"]


async def test_eight_claimers_keep_every_message_once_and_in_order(store_url: str, make_post: MakePost) -> None:
    """Channels go in parallel; within one nothing overtakes and nothing is doubled."""
    channels = ("C1", "C2", "C3")
    posts = [make_post(f"{number:02}", channel) for number in range(12) for channel in channels]
    delivered: list[tuple[str, str]] = []
    async with await PostgresStore.open(store_url, largest_pool=8) as store:
        await _put(store, *posts)

        async def deliver() -> None:
            while await store.outbox.depth():
                outgoing = await store.outbox.claim(lease_s=60)
                if outgoing is None:
                    continue
                assert await store.outbox.sending(outgoing)
                delivered.append((outgoing.post.place.channel, outgoing.post.view.summary))
                assert await store.outbox.delivered(outgoing, message_id="1.1")

        await asyncio.gather(*(deliver() for _ in range(8)))
    for channel in channels:
        assert [text for where, text in delivered if where == channel] == [f"{number:02}" for number in range(12)]
