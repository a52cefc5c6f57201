"""Messages that show something which changes: one message each, edited to the newest picture; replies in its thread."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bot.domain.requests import Place, Post
from bot.domain.view import Headline, View
from bot.errors import DeliveryError, DeliveryRefused, DeliveryThrottled, DeliveryUnknown
from bot.store.store import PostgresStore
from bot.worker import LEASE_S, Delivery
from tests.support.clocks import SteppedClock
from tests.support.twins import RecordingNotifier

Sql = Callable[..., list[dict[str, Any]]]

CHANNEL = Place("C1")


@dataclass(slots=True)
class Screen(RecordingNotifier):
    """A notifier whose messages can be edited, and deleted by people: `shown` is what stands where, by message.

    `edit_failures` are raised by the next edits, one each; one in `arrived_anyway` after the edit took place.
    """

    edits: list[str] = field(default_factory=list)
    edit_failures: list[DeliveryError | None] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    async def post(self, post: Post, *, tag: str) -> str:
        before = len(self.delivered)
        try:
            return await RecordingNotifier.post(self, post, tag=tag)
        finally:
            for message in self.delivered[before:]:
                self.texts[message.id] = message.post.view.summary

    async def edit(self, post: Post, *, message_id: str, tag: str) -> bool:
        failure = self.edit_failures.pop(0) if self.edit_failures else None
        if failure is not None and id(failure) not in self.arrived_anyway:
            raise failure
        if message_id in self.deleted:
            return False
        self.edits.append(post.view.summary)
        self.texts[message_id], self.tags[message_id] = post.view.summary, tag
        if failure is not None:
            raise failure
        return True

    async def find(self, place: Place, *, tag: str) -> str | None:
        found = await RecordingNotifier.find(self, place, tag=tag)
        return found or next((message for message, other in self.tags.items() if other == tag), None)

    @property
    def shown(self) -> dict[str, str]:
        """What people see, by message."""
        return {message: text for message, text in self.texts.items() if message not in self.deleted}


@pytest.fixture
def sql(store_url: str) -> Iterator[Sql]:
    """Look at the rows past the adapter, and let time pass for them."""
    with psycopg.connect(store_url, autocommit=True, row_factory=dict_row) as connection:

        def run(statement: str) -> list[dict[str, Any]]:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def delivery(store: PostgresStore, screen: Screen) -> Delivery:
    return Delivery(store, screen, SteppedClock(datetime.now(UTC)), random.Random(3))


def card(version: int, *, subject: str = "operation:1", place: Place = CHANNEL) -> Post:
    text = f"card {version}"
    return Post(place, View(text, (Headline(text),)), kind="card", asked_by="U-ann", subject=subject, version=version)


def reply(text: str, *, under: str = "operation:1", place: Place = CHANNEL) -> Post:
    return Post(place, View(text, (Headline(text),)), kind="thread", under=under)


async def put(store: PostgresStore, *posts: Post) -> None:
    async with store.transaction() as transaction:
        for post in posts:
            await transaction.put(post)


async def deliver(delivery: Delivery) -> None:
    while await delivery.step():
        pass


def be_due(sql: Sql) -> None:
    sql("UPDATE outbox SET due_at = clock_timestamp(), lease_until = NULL")


def states(sql: Sql) -> list[str]:
    return [row["state"] for row in sql("SELECT state FROM outbox ORDER BY id")]


async def test_a_card_is_posted_once_and_edited_afterwards(
    store: PostgresStore, delivery: Delivery, screen: Screen
) -> None:
    """Whatever changes, there is one message, and it shows the newest."""
    for version in (1, 2, 3):
        await put(store, card(version))
        await deliver(delivery)
    assert screen.summaries == ["card 1"]
    assert screen.edits == ["card 2", "card 3"]
    assert list(screen.shown.values()) == ["card 3"]


async def test_t27_what_is_shown_already_is_not_sent(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql
) -> None:
    """An older picture that comes late, or the same once more, changes nothing and counts as delivered."""
    for version in (3, 2, 3):
        await put(store, card(version))
        await deliver(delivery)
    assert (screen.summaries, screen.edits) == (["card 3"], [])
    assert states(sql) == ["delivered"] * 3


async def test_pictures_that_wait_are_skipped_to_the_newest(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql
) -> None:
    """While the platform was away a request may have ended: nobody is asked to approve it any more."""
    await put(store, *(card(version) for version in range(1, 6)))
    screen.failures = [DeliveryThrottled(retry_after_s=30)]
    await deliver(delivery)
    await put(store, card(6))
    be_due(sql)
    await deliver(delivery)
    assert (screen.summaries, screen.edits) == (["card 6"], [])
    await put(store, card(7), card(8), card(9))
    await deliver(delivery)
    assert screen.edits == ["card 9"]
    assert states(sql) == ["delivered"] * 2


async def test_t26_a_card_that_people_deleted_is_posted_anew(
    store: PostgresStore, delivery: Delivery, screen: Screen
) -> None:
    """The new message is the one that is edited, and hung on, from then on."""
    await put(store, card(1))
    await deliver(delivery)
    old = screen.delivered[0].id
    screen.deleted.add(old)
    await put(store, card(2), card(2), reply("approved"), card(3))
    await deliver(delivery)
    assert screen.summaries == ["card 1", "card 3", "approved"]
    new = screen.delivered[1].id
    assert await store.operations.message("operation:1", "C1") == new
    assert screen.delivered[2].post.place == Place("C1", new)
    assert screen.shown[new] == "card 3"


@pytest.mark.parametrize(("place", "in_thread"), [(CHANNEL, False), (Place("C1", "16.5"), True)])
async def test_replies_go_into_the_cards_thread(
    store: PostgresStore, delivery: Delivery, screen: Screen, *, place: Place, in_thread: bool
) -> None:
    """A card that stands in a thread is answered in that one; other cards and posts are left alone."""
    await put(store, card(1, place=place), card(1, subject="operation:2"), reply("said", place=place))
    await deliver(delivery)
    first, _, said = screen.delivered
    assert said.post.place == Place("C1", "16.5" if in_thread else first.id)
    assert said.post == replace(reply("said"), place=said.post.place)


async def test_replies_wait_for_the_card(store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql) -> None:
    """They are not seen before it, wherever that would be."""
    await put(store, card(1), reply("said"))
    screen.failures = [DeliveryThrottled(retry_after_s=30)]
    await deliver(delivery)
    assert screen.delivered == []
    be_due(sql)
    await deliver(delivery)
    assert screen.summaries == ["card 1", "said"]
    assert screen.delivered[1].post.place.thread == screen.delivered[0].id


async def test_replies_to_a_card_that_was_given_up_stand_for_themselves(
    store: PostgresStore, delivery: Delivery, screen: Screen
) -> None:
    """In the place where it would have been."""
    screen.failures = [DeliveryRefused("It says too much.")]
    await put(store, card(1), reply("said"))
    await deliver(delivery)
    said = next(message for message in screen.delivered if message.post.kind == "thread")
    assert said.post.place == CHANNEL


@pytest.mark.parametrize("arrived", [True, False], ids=["it had arrived", "it had not"])
async def test_t26_a_card_whose_answer_was_lost_is_there_once(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql, *, arrived: bool
) -> None:
    """It is looked for by its tag, and the newer picture is edited into it."""
    doubt = DeliveryUnknown("The connection broke.")
    screen.failures = [doubt]
    screen.arrived_anyway = {id(doubt)} if arrived else set()
    await put(store, card(1))
    await deliver(delivery)
    await put(store, card(2), reply("said"))
    be_due(sql)
    await deliver(delivery)
    assert screen.summaries == ["card 1", "said"]
    assert screen.edits == ["card 2"]
    assert screen.delivered[1].post.place.thread == screen.delivered[0].id


@pytest.mark.parametrize("arrived", [True, False], ids=["it had arrived", "it had not"])
async def test_t26_an_edit_whose_answer_was_lost_is_repeated(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql, *, arrived: bool
) -> None:
    """To repeat it does no harm, and never makes another message."""
    await put(store, card(1))
    await deliver(delivery)
    doubt = DeliveryUnknown("The connection broke.")
    screen.edit_failures = [doubt]
    screen.arrived_anyway = {id(doubt)} if arrived else set()
    await put(store, card(2))
    await deliver(delivery)
    assert states(sql) == ["delivered", "waiting"]
    be_due(sql)
    await deliver(delivery)
    assert screen.summaries == ["card 1"]
    assert set(screen.edits) == {"card 2"}
    assert list(screen.shown.values()) == ["card 2"]
    assert states(sql) == ["delivered"] * 2


async def test_t26_a_card_posted_anew_whose_answer_was_lost_is_there_once(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql
) -> None:
    """The message before it is gone, so that it cannot be told by an edit."""
    await put(store, card(1))
    await deliver(delivery)
    screen.deleted.add(screen.delivered[0].id)
    doubt = DeliveryUnknown("The connection broke.")
    screen.failures, screen.arrived_anyway = [doubt], {id(doubt)}
    await put(store, card(2))
    await deliver(delivery)
    be_due(sql)
    await deliver(delivery)
    assert screen.summaries == ["card 1", "card 2"]
    assert await store.operations.message("operation:1", "C1") == screen.delivered[1].id


async def test_a_reply_whose_answer_was_lost_is_looked_for_in_its_thread(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql
) -> None:
    """Where it was put, not where it was asked for."""
    doubt = DeliveryUnknown("The connection broke.")
    screen.failures, screen.arrived_anyway = [None, doubt], {id(doubt)}
    await put(store, card(1), reply("said"))
    await deliver(delivery)
    be_due(sql)
    await deliver(delivery)
    assert screen.summaries == ["card 1", "said"]
    assert states(sql) == ["delivered"] * 2


async def test_a_throttled_edit_waits_as_long_as_it_is_told(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql
) -> None:
    """Then the newest is shown, whatever came meanwhile."""
    await put(store, card(1))
    await deliver(delivery)
    screen.edit_failures = [DeliveryThrottled(retry_after_s=20)]
    await put(store, card(2))
    [began] = sql("SELECT clock_timestamp() AS at")
    await deliver(delivery)
    [row] = sql("SELECT due_at, clock_timestamp() AS at FROM outbox WHERE state = 'waiting'")
    assert began["at"] + timedelta(seconds=20) <= row["due_at"] <= row["at"] + timedelta(seconds=20)
    await put(store, card(3), card(4))
    await deliver(delivery)
    assert screen.edits == []
    be_due(sql)
    await deliver(delivery)
    assert screen.edits == ["card 4"]


async def test_t26_an_edit_that_is_refused_is_given_up(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql
) -> None:
    """The channel was archived, say: who asked hears of it, and what comes later is tried again."""
    await put(store, card(1))
    await deliver(delivery)
    screen.edit_failures = [DeliveryRefused("The channel is archived.")]
    await put(store, card(2))
    await deliver(delivery)
    assert states(sql)[:2] == ["delivered", "dead"]
    assert [message.post.place.channel for message in screen.delivered] == ["C1", "U-ann"]
    await put(store, card(3))
    await deliver(delivery)
    assert screen.edits == ["card 3"]


async def test_t27_a_process_that_stood_still_over_its_edit_leaves_the_newest_picture(
    store: PostgresStore, screen: Screen, sql: Sql
) -> None:
    """Its edit arrives after the newer one of whoever took over; that one is shown again."""
    clock = SteppedClock(datetime.now(UTC))

    class Still(Screen):
        async def edit(self, post: Post, *, message_id: str, tag: str) -> bool:
            # While we stand still, our lease ends, and others deliver this picture and the next.
            be_due(sql)
            await put(store, card(3))
            await deliver(Delivery(store, screen, clock, random.Random(5)))
            assert screen.shown[message_id] == "card 3"
            return await screen.edit(post, message_id=message_id, tag=tag)

    await put(store, card(1))
    await deliver(Delivery(store, screen, clock, random.Random(5)))
    await put(store, card(2))
    assert await Delivery(store, Still(), clock, random.Random(7)).step()
    assert list(screen.shown.values()) == ["card 2"]
    await deliver(Delivery(store, screen, clock, random.Random(5)))
    assert list(screen.shown.values()) == ["card 3"]
    assert screen.summaries == ["card 1"]


async def test_a_crash_between_the_message_and_its_record_makes_no_second_message(
    store: PostgresStore, delivery: Delivery, screen: Screen, sql: Sql
) -> None:
    """Whoever takes over finds it and links it."""
    await put(store, card(1), reply("said"))
    outgoing = await store.outbox.claim(lease_s=LEASE_S)
    assert outgoing is not None
    assert await store.outbox.sending(outgoing)
    message_id = await screen.post(outgoing.post, tag=f"outbox-{outgoing.id}")
    assert await store.operations.message("operation:1", "C1") == ""
    be_due(sql)
    await deliver(delivery)
    assert screen.summaries == ["card 1", "said"]
    assert await store.operations.message("operation:1", "C1") == message_id
    assert screen.delivered[1].post.place.thread == message_id
