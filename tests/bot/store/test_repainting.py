"""A picture takes the place of an older one that waits: a storm is one message, however often it changes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from bot.domain.requests import Place, Post
from bot.domain.view import Headline, View
from bot.ports import Outgoing
from bot.store.codec import decode
from bot.store.store import PostgresStore

LeasesEnd = Callable[[str], int]
Admin = psycopg.Connection[DictRow]

_numbers = itertools.count()


def card(version: int, *, subject: str = "episode:1", channel: str = "C1") -> Post:
    text = f"{subject} v{version}"
    return Post(Place(channel), View(text, (Headline(text),)), kind="card", subject=subject, version=version)


async def put(store: PostgresStore, *posts: Post) -> list[int]:
    async with store.transaction() as transaction:
        return [await transaction.put(post) for post in posts]


async def claim(store: PostgresStore, lease_s: float = 600) -> Outgoing:
    outgoing = await store.outbox.claim(lease_s=lease_s)
    assert outgoing is not None
    return outgoing


def rows(admin: Admin) -> list[tuple[int, int]]:
    """Return ids and versions of what is not delivered; the post is always of the version beside it."""
    found = admin.execute("SELECT id, version, post FROM outbox WHERE state <> 'delivered' ORDER BY id").fetchall()
    assert [decode(row["post"], Post).version for row in found] == [row["version"] for row in found]
    return [(row["id"], row["version"]) for row in found]


async def test_a_newer_picture_takes_the_place_of_the_one_that_waits(store: PostgresStore, admin: Admin) -> None:
    """It keeps its place in its channel; in one transaction or in several."""
    first, _, again = await put(store, card(1), card(7, subject="episode:2"), card(2))
    (last,) = await put(store, card(3))
    assert first == again == last
    assert rows(admin) == [(first, 3), (first + 1, 7)]
    assert (await claim(store)).post == card(3)


async def test_an_older_picture_never_takes_a_newer_ones_place(store: PostgresStore, admin: Admin) -> None:
    """It would not be shown after that one; nor is the same version twice."""
    (first,) = await put(store, card(5))
    assert await put(store, card(4), card(5), card(1)) == [first] * 3
    assert rows(admin) == [(first, 5)]


async def test_other_channels_and_subjects_are_left_alone(store: PostgresStore, admin: Admin) -> None:
    """And what is no picture is never replaced."""
    plain = Post(Place("C1"), View("said", ()))
    await put(store, card(1), card(2, channel="C2"), card(3, subject="episode:2"), plain, plain)
    assert [version for _, version in rows(admin)] == [1, 2, 3, 0, 0]


async def test_a_picture_that_somebody_holds_is_left_to_him(store: PostgresStore, admin: Admin) -> None:
    """He may begin to send it at any moment; the newer one waits behind it."""
    (first,) = await put(store, card(1))
    held = await claim(store)
    (second,) = await put(store, card(2))
    assert rows(admin) == [(first, 1), (second, 2)]
    assert await store.outbox.sending(held)
    await put(store, card(3))
    assert rows(admin) == [(first, 1), (second, 3)]
    assert await store.outbox.delivered(held, message_id="17.1")
    assert (await claim(store)).post == card(3)


async def test_a_picture_in_doubt_is_left_as_it_was(store: PostgresStore, admin: Admin) -> None:
    """What arrived of it is told by its own version."""
    await put(store, card(1))
    await store.outbox.postpone(await claim(store), delay_s=60, reason="no answer", unsure=True)
    await put(store, card(2))
    assert [version for _, version in rows(admin)] == [1, 2]


async def test_a_picture_whose_sender_was_lost_is_left_as_it_was(
    store: PostgresStore, admin: Admin, leases_end: LeasesEnd
) -> None:
    """It was about to be handed over, so it may have arrived."""
    await put(store, card(1))
    assert await store.outbox.sending(await claim(store))
    leases_end("outbox")
    await put(store, card(2))
    assert [version for _, version in rows(admin)] == [1, 2]


async def test_who_stood_still_over_a_picture_cannot_end_the_newer_one(
    store: PostgresStore, admin: Admin, leases_end: LeasesEnd
) -> None:
    """Neither send it, nor say that it was delivered, nor put it off."""
    await put(store, card(1))
    stood_still = await claim(store)
    leases_end("outbox")
    (first,) = await put(store, card(2))
    assert not await store.outbox.sending(stood_still)
    assert not await store.outbox.delivered(stood_still, message_id="17.1")
    await store.outbox.postpone(stood_still, delay_s=60, reason="late", unsure=True)
    await store.outbox.give_up(stood_still, reason="late")
    assert rows(admin) == [(first, 2)]
    assert (await claim(store)).post == card(2)


async def test_a_picture_that_was_put_off_stays_put_off(store: PostgresStore, admin: Admin) -> None:
    """The platform said how long to wait, whatever there is to say; the tries count on, but its age begins anew."""
    await put(store, card(1))
    await store.outbox.postpone(await claim(store), delay_s=600, reason="throttled", unsure=False)
    admin.execute("UPDATE outbox SET created_at = created_at - interval '5 hours'")
    await put(store, card(2))
    assert await store.outbox.claim(lease_s=600) is None
    (row,) = admin.execute(
        "SELECT attempts, reason, extract(epoch FROM due_at - clock_timestamp()) AS wait_s,"
        " extract(epoch FROM clock_timestamp() - created_at) AS age_s FROM outbox"
    ).fetchall()
    assert (row["attempts"], row["reason"]) == (1, "throttled")
    assert 500 < row["wait_s"] <= 600
    assert row["age_s"] < 60
    admin.execute("UPDATE outbox SET due_at = clock_timestamp()")
    outgoing = await claim(store)
    assert (outgoing.post, outgoing.attempts) == (card(2), 2)


async def test_what_hangs_under_a_picture_waits_for_the_newest(store: PostgresStore) -> None:
    """It was put in after an older one: the picture keeps its place before it, and so has a thread by then."""
    told = View("It ended.", (Headline("It ended."),))
    await put(store, card(1), Post(Place("C1"), told, kind="thread", under="episode:1"))
    await put(store, card(2))
    first = await claim(store)
    assert first.post == card(2)
    assert await store.outbox.claim(lease_s=600) is None
    assert await store.outbox.delivered(first, message_id="1.1")
    second = await claim(store)
    assert (second.post.view, await store.outbox.thread(second)) == (told, "1.1")


async def test_a_picture_that_is_rolled_back_replaced_nothing(store: PostgresStore, admin: Admin) -> None:
    """What waited waits."""
    (first,) = await put(store, card(1))

    async def fail() -> None:
        async with store.transaction() as transaction:
            await transaction.put(card(2))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert rows(admin) == [(first, 1)]


async def test_a_picture_is_not_handed_out_while_it_is_replaced(store: PostgresStore) -> None:
    """Its channel waits for the commit; others go on."""
    await put(store, card(1), card(1, channel="C2"))
    async with store.transaction() as transaction:
        await transaction.put(card(2))
        assert (await claim(store)).post == card(1, channel="C2")
        assert await store.outbox.claim(lease_s=600) is None
    assert (await claim(store)).post == card(2)


@pytest.mark.parametrize("newer_first", [True, False])
async def test_of_two_at_once_the_newer_is_shown(store: PostgresStore, admin: Admin, *, newer_first: bool) -> None:
    """Who comes second waits for the first, and then looks at what that one left."""
    (first,) = await put(store, card(1))
    mine, other = (3, 2) if newer_first else (2, 3)
    async with asyncio.TaskGroup() as group, store.transaction() as transaction:
        await transaction.put(card(mine))
        second = group.create_task(put(store, card(other)))
        await asyncio.sleep(0.1)
        assert not second.done()
    assert second.result() == [first]
    assert rows(admin) == [(first, 3)]


async def test_a_storm_is_one_message(store_url: str, admin: Admin) -> None:
    """Eight write, each the pictures of all subjects, while nobody is delivered to."""
    async with await PostgresStore.open(store_url, largest_pool=8) as store:
        await put(store, *(card(1, subject=f"episode:{number}") for number in range(5)))

        async def write(versions: list[int]) -> None:
            for version in versions:
                for number in range(5):
                    await put(store, card(version, subject=f"episode:{number}"))

        await asyncio.gather(*(write(list(range(start, 34, 8))) for start in range(2, 10)))
    assert [version for _, version in rows(admin)] == [33] * 5


# Each run has a subject of its own.
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.integers(0, 9) | st.just("claim") | st.just("deliver"), max_size=12))
def test_the_newest_picture_is_what_is_shown_last(store_url: str, steps: list[int | str]) -> None:
    """Whatever is put in whatever order, between claims and deliveries: no version follows a newer one."""
    asyncio.run(_shown(store_url, steps))


async def _shown(store_url: str, steps: list[int | str]) -> None:
    async with await PostgresStore.open(store_url, largest_pool=2) as store:
        subject = f"episode:{next(_numbers)}"
        given_out: list[int] = []
        held: Outgoing | None = None
        for step in [*steps, "deliver", *(["claim", "deliver"] * 12)]:
            if isinstance(step, int):
                await put(store, card(step, subject=subject, channel=subject))
            elif step == "claim" and held is None:
                held = await store.outbox.claim(lease_s=60)
            elif step == "deliver" and held is not None:
                _, version = await store.outbox.shown(held)
                if held.post.version > version or not given_out:
                    given_out.append(held.post.version)
                assert await store.outbox.delivered(held, message_id="17.1")
                held = None
        versions = [step for step in steps if isinstance(step, int)]
        assert given_out == sorted(given_out)
        assert given_out[-1:] == ([max(versions)] if versions else [])
