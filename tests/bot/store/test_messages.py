"""Messages that are pictures of something: which one shows it, in which version, and what hangs on it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.domain.requests import Place, Post
from bot.domain.view import Headline, View
from bot.ports import Outgoing
from bot.store.codec import encode
from bot.store.store import PostgresStore

LeasesEnd = Callable[[str], int]
Admin = psycopg.Connection[DictRow]


def card(version: int, *, subject: str = "operation:1", place: Place = Place("C1")) -> Post:  # noqa: B008  # frozen
    text = f"{subject} v{version}"
    return Post(place, View(text, (Headline(text),)), kind="card", subject=subject, version=version)


def under(subject: str = "operation:1", *, place: Place = Place("C1")) -> Post:  # noqa: B008  # frozen
    return Post(place, View("said", (Headline("said"),)), kind="thread", under=subject)


async def put(store: PostgresStore, *posts: Post) -> None:
    async with store.transaction() as transaction:
        for post in posts:
            await transaction.put(post)


def put_beside(admin: Admin, *posts: Post) -> None:
    """Put messages as the version before does: each into a row of its own."""
    for post in posts:
        admin.execute(
            "INSERT INTO outbox (channel, post, subject, version) VALUES (%s, %s, %s, %s)",
            (post.place.channel, encode(post), post.subject, post.version),
        )


async def claim(store: PostgresStore, lease_s: float = 600) -> Outgoing:
    outgoing = await store.outbox.claim(lease_s=lease_s)
    assert outgoing is not None
    return outgoing


async def deliver(store: PostgresStore, message_id: str) -> Outgoing:
    outgoing = await claim(store)
    assert await store.outbox.delivered(outgoing, message_id=message_id)
    return outgoing


async def test_a_delivered_picture_is_known_by_its_message(store: PostgresStore) -> None:
    """In its channel and no other; before, there is none."""
    await put(store, card(1))
    outgoing = await claim(store)
    assert await store.outbox.shown(outgoing) == ("", 0)
    assert await store.operations.message("operation:1", "C1") == ""
    assert await store.outbox.delivered(outgoing, message_id="17.1")
    assert await store.outbox.shown(outgoing) == ("17.1", 1)
    assert await store.operations.message("operation:1", "C1") == "17.1"
    assert await store.operations.message("operation:1", "C2") == ""
    assert await store.operations.message("operation:2", "C1") == ""


async def test_each_channel_has_a_message_of_its_own(store: PostgresStore) -> None:
    """Copies of one card are told apart."""
    await put(store, card(1), card(1, place=Place("C2")))
    await deliver(store, "17.1")
    await deliver(store, "18.1")
    assert [await store.operations.message("operation:1", channel) for channel in ("C1", "C2")] == ["17.1", "18.1"]


async def test_what_is_no_picture_leaves_no_trace(store: PostgresStore, admin: Admin) -> None:
    """Answers are posted and done with."""
    await put(store, under())
    await deliver(store, "17.1")
    assert admin.execute("SELECT * FROM message_refs").fetchall() == []


async def test_t27_a_newer_picture_takes_the_place_of_an_older_one(store: PostgresStore) -> None:
    """Also in another message, when the old one was deleted."""
    await put(store, card(1))
    await deliver(store, "17.1")
    await put(store, card(3))
    await deliver(store, "17.9")
    assert await store.operations.message("operation:1", "C1") == "17.9"
    await put(store, card(2))
    late = await deliver(store, "17.1")
    assert await store.outbox.shown(late) == ("17.9", 3)


async def test_who_lost_the_lease_leaves_no_message_behind(
    store: PostgresStore, admin: Admin, leases_end: LeasesEnd
) -> None:
    """Whoever has the post by then says where it is."""
    await put(store, card(1))
    lost = await claim(store)
    leases_end("outbox")
    ours = await claim(store)
    assert not await store.outbox.delivered(lost, message_id="17.1")
    assert admin.execute("SELECT * FROM message_refs").fetchall() == []
    assert await store.outbox.delivered(ours, message_id="17.2")
    assert await store.operations.message("operation:1", "C1") == "17.2"


async def test_t27_a_picture_that_came_late_is_painted_over_again(store: PostgresStore, leases_end: LeasesEnd) -> None:
    """Who stood still with an old picture in its hand may have put it over a newer one."""
    await put(store, card(1))
    await deliver(store, "17.1")
    await put(store, card(2))
    stood_still = await claim(store)
    assert await store.outbox.sending(stood_still)
    leases_end("outbox")
    await put(store, card(3))
    for _ in range(2):
        await deliver(store, "17.1")
    assert await store.outbox.claim(lease_s=600) is None
    assert await store.outbox.shown(stood_still) == ("17.1", 3)
    assert not await store.outbox.delivered(stood_still, message_id="17.1")
    again = await claim(store)
    assert again.post == card(3)
    assert (await store.outbox.shown(again))[1] < 3
    assert await store.outbox.delivered(again, message_id="17.1")
    assert await store.outbox.shown(again) == ("17.1", 3)
    assert await store.outbox.depth() == 0


async def test_the_newest_picture_is_handed_out_in_the_first_ones_place(store: PostgresStore, admin: Admin) -> None:
    """So that what hangs below it keeps its order, and nobody sees what is not so any more."""
    put_beside(admin, card(1), under(), card(2), card(4), card(3), card(9, subject="operation:2"))
    first = await claim(store)
    assert first.post == card(4)
    assert await store.outbox.delivered(first, message_id="17.1")
    assert await store.outbox.shown(first) == ("17.1", 4)
    said = await claim(store)
    assert said.post == under()
    assert await store.outbox.thread(said) == "17.1"
    assert await store.outbox.delivered(said, message_id="17.2")
    for post in (card(4), card(4), card(3), card(9, subject="operation:2")):
        assert (await deliver(store, "17.1")).post == post
    assert await store.outbox.shown(first) == ("17.1", 4)


async def test_a_picture_in_doubt_is_handed_out_as_it_was(store: PostgresStore) -> None:
    """What arrived is then told by its own version, and the newer one still follows."""
    await put(store, card(1))
    await store.outbox.postpone(await claim(store), delay_s=0, reason="no answer", unsure=True)
    await put(store, card(2))
    in_doubt = await claim(store)
    assert (in_doubt.post, in_doubt.unsure) == (card(1), True)
    assert await store.outbox.delivered(in_doubt, message_id="17.1")
    assert (await deliver(store, "17.1")).post == card(2)


async def test_a_newer_picture_that_cannot_be_read_leaves_the_older_one_to_be_shown(
    store: PostgresStore, admin: Admin
) -> None:
    """A newer version of the program will show it."""
    put_beside(admin, card(1), card(2))
    admin.execute("""UPDATE outbox SET post = '{"v":2}' WHERE version = 2""")
    assert (await deliver(store, "17.1")).post == card(1)


@pytest.mark.parametrize(("place", "thread"), [(Place("C1"), "17.1"), (Place("C1", "16.5"), "16.5")])
async def test_what_hangs_on_a_picture_goes_into_its_thread(store: PostgresStore, place: Place, thread: str) -> None:
    """Into the thread that it stands in, when it does."""
    await put(store, card(1, place=place), under(place=place))
    await deliver(store, "17.1")
    assert await store.outbox.thread(await claim(store)) == thread


async def test_what_hangs_on_nothing_has_no_thread(store: PostgresStore) -> None:
    """The picture was given up, or is in another channel."""
    await put(store, card(1), under(), under(place=Place("C2")))
    await store.outbox.give_up(await claim(store), reason="refused")
    for _ in range(2):
        outgoing = await claim(store)
        assert await store.outbox.thread(outgoing) is None
        assert await store.outbox.delivered(outgoing, message_id="17.1")


async def test_where_things_are_shown_is_forgotten_with_the_requests(store: PostgresStore, admin: Admin) -> None:
    """After as long a time, counted from the last picture."""
    await put(store, card(1), card(1, place=Place("C2")))
    await deliver(store, "17.1")
    await deliver(store, "18.1")
    admin.execute(
        "UPDATE message_refs SET shown_at = now() - interval '1 d' * CASE channel WHEN 'C1' THEN 401 ELSE 399 END"
    )
    assert (await store.purge()).messages == 1
    assert [await store.operations.message("operation:1", channel) for channel in ("C1", "C2")] == ["", "18.1"]
