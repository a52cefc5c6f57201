from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

import bot.worker.loop
from bot.backoff import backoff
from bot.domain.requests import Place, Post, Surface
from bot.domain.view import Headline, View
from bot.errors import DeliveryError, DeliveryRefused, DeliveryThrottled, DeliveryUnknown, StoreUnavailable
from bot.references import References
from bot.service import Service
from bot.store.store import PostgresStore
from bot.worker import AT_ONCE, DEADLINE_S, LEASE_S, WORK_S, Delivery, Intake, Loop
from tests.support.clocks import SteppedClock
from tests.support.service import Stage, asked, stage
from tests.support.twins import RecordingNotifier
from tests.support.waiting import in_background, turns, until

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def sql(store_url: str) -> Iterator[Sql]:
    """Look at the rows past the adapter, and let time pass for them."""
    with psycopg.connect(store_url, autocommit=True, row_factory=dict_row) as connection:

        def run(statement: str) -> list[dict[str, Any]]:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def scene() -> Stage:
    return stage()


@pytest.fixture
def notifier() -> RecordingNotifier:
    return RecordingNotifier()


@pytest.fixture
def clock() -> SteppedClock:
    """The age of a message is told by this clock and the database's: they begin together."""
    return SteppedClock(datetime.now(UTC))


@pytest.fixture
def delivery(store: PostgresStore, notifier: RecordingNotifier, clock: SteppedClock) -> Delivery:
    return Delivery(store, notifier, clock, random.Random(3))


async def put(store: PostgresStore, *texts: str, channel: str = "C1") -> None:
    async with store.transaction() as transaction:
        for text in texts:
            await transaction.put(Post(Place(channel), View(text, (Headline(text),))))


def outbox(sql: Sql) -> list[tuple[str, bool]]:
    return [(row["state"], row["unsure"]) for row in sql("SELECT state, unsure FROM outbox ORDER BY id")]


def database_time(sql: Sql) -> datetime:
    [row] = sql("SELECT clock_timestamp() AS at")
    return cast("datetime", row["at"])


def put_off(sql: Sql, since: datetime, *, s: tuple[float, float]) -> bool:
    """Tell whether the first message was put off by between two numbers of seconds, at some moment from `since` on."""
    [row] = sql("SELECT due_at FROM outbox ORDER BY id LIMIT 1")
    least, most = (timedelta(seconds=each) for each in s)
    return bool(since + least <= row["due_at"] <= database_time(sql) + most)


def be_due(sql: Sql) -> None:
    sql("UPDATE outbox SET due_at = clock_timestamp(), lease_until = NULL")


# --- intake -----------------------------------------------------------------------------------------------------------


def intake(store: PostgresStore, service: Service, notifier: RecordingNotifier, woken: list[str]) -> Intake:
    return Intake(store, service, notifier, References(random.Random(1)), wake=lambda: woken.append("delivery"))


async def test_nothing_waits(scene: Stage, store: PostgresStore, notifier: RecordingNotifier) -> None:
    """An empty inbox is no work, and wakes nobody."""
    woken: list[str] = []
    assert await intake(store, scene.service(store), notifier, woken).step() is False
    assert woken == []


async def test_a_request_is_carried_out_and_answered(
    scene: Stage, store: PostgresStore, notifier: RecordingNotifier
) -> None:
    """The person hears of it alone, and the message for the others is on its way."""
    woken: list[str] = []
    service = scene.service(store)
    await service.accept(asked("share status"))
    assert await intake(store, service, notifier, woken).step() is True
    [(request, view, replaces)] = notifier.replies
    assert (view.summary, replaces) == ("On its way to everybody here.", False)
    assert request.reply_to == "https://hooks.example/reply"
    assert woken == ["delivery"]
    assert await store.outbox.depth() == 1
    assert await intake(store, service, notifier, woken).step() is False


async def test_what_others_see_needs_no_private_answer(
    scene: Stage, store: PostgresStore, notifier: RecordingNotifier
) -> None:
    """A mention is answered once, for all."""
    service = scene.service(store)
    await service.accept(asked("status", surface=Surface.MENTION))
    assert await intake(store, service, notifier, []).step() is True
    assert notifier.replies == []


async def test_a_private_answer_that_is_lost_ends_nothing(
    scene: Stage, store: PostgresStore, notifier: RecordingNotifier, caplog: pytest.LogCaptureFixture
) -> None:
    """It is best effort: the request is done, and the log tells."""
    notifier.reply_failure = DeliveryUnknown()
    service = scene.service(store)
    await service.accept(asked("share status"))
    assert await intake(store, service, notifier, []).step() is True
    assert await store.inbox.claim(lease_s=1) is None
    assert "a private answer was not delivered" in caplog.text


async def test_a_request_that_somebody_else_took_over_is_left_to_them(
    scene: Stage, store: PostgresStore, notifier: RecordingNotifier, sql: Sql
) -> None:
    """Its effects are theirs; we say nothing."""
    service = scene.service(store)
    await service.accept(asked("share status"))
    # While we look at the cluster our lease ends and another worker takes the request.
    scene.cluster.on_look = lambda: sql("UPDATE inbox SET fence = fence + 1")
    assert await intake(store, service, notifier, []).step() is True
    assert notifier.replies == []
    assert await store.outbox.depth() == 0


# --- delivery ---------------------------------------------------------------------------------------------------------


async def test_nothing_is_due(delivery: Delivery) -> None:
    """An empty outbox is no work."""
    assert await delivery.step() is False


async def test_messages_arrive_in_order(
    store: PostgresStore, delivery: Delivery, notifier: RecordingNotifier, sql: Sql
) -> None:
    """Each once, with a tag by which it can be found again."""
    await put(store, "one", "two", "three")
    while await delivery.step():
        pass
    assert notifier.summaries == ["one", "two", "three"]
    assert len({message.tag for message in notifier.delivered}) == 3
    assert notifier.looked_for == []
    assert outbox(sql) == [("delivered", False)] * 3


async def test_a_throttled_message_waits_as_long_as_it_is_told(
    store: PostgresStore, delivery: Delivery, notifier: RecordingNotifier, sql: Sql
) -> None:
    """Those behind it wait, too; other channels do not."""
    await put(store, "one", "two")
    await put(store, "elsewhere", channel="C2")
    notifier.failures = [DeliveryThrottled(retry_after_s=30)]
    began = database_time(sql)
    while await delivery.step():
        pass
    assert notifier.summaries == ["elsewhere"]
    assert put_off(sql, began, s=(30, 30))
    be_due(sql)
    while await delivery.step():
        pass
    assert notifier.summaries == ["elsewhere", "one", "two"]
    assert notifier.looked_for == []


@pytest.mark.parametrize("arrived", [True, False], ids=["it had arrived", "it had not"])
async def test_what_is_not_known_is_looked_for_before_it_is_repeated(
    store: PostgresStore, delivery: Delivery, notifier: RecordingNotifier, sql: Sql, *, arrived: bool
) -> None:
    """So that nobody sees it twice, and nobody misses it."""
    await put(store, "one", "two")
    doubt = DeliveryUnknown("The connection broke.")
    notifier.failures = [doubt]
    notifier.arrived_anyway = {id(doubt)} if arrived else set()
    began = database_time(sql)
    await delivery.step()
    assert outbox(sql)[0] == ("waiting", True)
    assert put_off(sql, began, s=(0.1, 2))
    be_due(sql)
    while await delivery.step():
        pass
    assert notifier.summaries == ["one", "two"]
    assert notifier.looked_for == [notifier.delivered[0].tag]
    assert [state for state, _ in outbox(sql)] == ["delivered", "delivered"]


async def test_a_throttled_repeat_stays_in_doubt(
    store: PostgresStore, delivery: Delivery, notifier: RecordingNotifier, sql: Sql
) -> None:
    """Being asked to wait does not settle whether the first try arrived."""
    await put(store, "one")
    notifier.failures = [DeliveryUnknown(), DeliveryThrottled(retry_after_s=5)]
    await delivery.step()
    be_due(sql)
    await delivery.step()
    assert outbox(sql) == [("waiting", True)]


async def test_a_refused_message_is_given_up(
    store: PostgresStore, delivery: Delivery, notifier: RecordingNotifier, sql: Sql
) -> None:
    """It would be refused again; the audit keeps that it was, and those behind it go on."""
    await put(store, "one", "two")
    notifier.failures = [DeliveryRefused("The channel is archived.")]
    while await delivery.step():
        pass
    assert notifier.summaries == ["two"]
    assert [state for state, _ in outbox(sql)] == ["dead", "delivered"]
    [entry] = sql("SELECT action, result, detail FROM audit")
    assert (entry["action"], entry["result"]) == ("delivery", "given up")
    assert "The channel is archived." in entry["detail"]


async def test_who_asked_for_a_message_hears_that_it_was_refused(
    store: PostgresStore, delivery: Delivery, notifier: RecordingNotifier
) -> None:
    """In a message of their own, once; when that cannot be delivered either, nobody is told twice."""
    asked_for = Post(Place("C1"), View("the status", ()), asked_by="U-ann")
    async with store.transaction() as transaction:
        await transaction.put(asked_for)
    notifier.failures = [DeliveryRefused("I am not in that channel: invite me to the channel.")]
    while await delivery.step():
        pass
    [told] = notifier.delivered
    assert told.post.place == Place("U-ann")
    assert "not posted" in told.post.view.summary
    assert "invite me" in repr(told.post.view)

    async with store.transaction() as transaction:
        await transaction.put(asked_for)
    notifier.failures = [DeliveryRefused("no"), DeliveryRefused("neither")]
    while await delivery.step():
        pass
    assert len(notifier.delivered) == 1


@pytest.mark.parametrize("failure", [DeliveryUnknown, DeliveryThrottled], ids=["in doubt", "throttled"])
async def test_a_message_that_is_stale_is_given_up(
    store: PostgresStore,
    delivery: Delivery,
    notifier: RecordingNotifier,
    clock: SteppedClock,
    sql: Sql,
    *,
    failure: type[DeliveryError],
) -> None:
    """After hours it would only confuse, whatever it waited for; those behind it go on."""
    await put(store, "one", "two")
    notifier.failures = [failure()]
    await delivery.step()
    assert outbox(sql)[0] == ("waiting", failure is DeliveryUnknown)
    be_due(sql)
    clock.step(DEADLINE_S + 60)
    sql("UPDATE outbox SET created_at = created_at + interval '1 hour' WHERE id = 2")
    while await delivery.step():
        pass
    assert [state for state, _ in outbox(sql)] == ["dead", "delivered"]
    assert notifier.summaries == ["two"]


async def test_a_bug_concerns_one_message_alone(
    store: PostgresStore,
    delivery: Delivery,
    notifier: RecordingNotifier,
    clock: SteppedClock,
    sql: Sql,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged with a reference and tried again, ever later, until it is stale; other channels go on."""

    async def fail_for_the_first() -> None:
        if sql("SELECT state FROM outbox WHERE id = 1")[0]["state"] == "sending":
            raise ValueError("a bug")

    await put(store, "one")
    await put(store, "elsewhere", channel="C2")
    notifier.on_post = fail_for_the_first
    began = database_time(sql)
    assert await delivery.step()
    [record] = [record for record in caplog.records if getattr(record, "event", "") == "delivery_failed"]
    assert record.exc_info
    [row] = sql("SELECT state, unsure, reason FROM outbox WHERE id = 1")
    assert row == {"state": "waiting", "unsure": True, "reason": f"a bug, reference {getattr(record, 'reference', '')}"}
    assert put_off(sql, began, s=(0.1, 2))
    assert await delivery.step()
    assert notifier.summaries == ["elsewhere"]
    be_due(sql)
    clock.step(DEADLINE_S + 60)
    assert await delivery.step()
    assert [state for state, _ in outbox(sql)] == ["dead", "delivered"]


@pytest.mark.parametrize("slow", ["find", "post"])
async def test_a_delivery_ends_before_its_lease(store: PostgresStore, clock: SteppedClock, sql: Sql, slow: str) -> None:
    """Looking back counts, too; what took too long leaves doubt and comes again."""

    class Slow(RecordingNotifier):
        async def find(self, place: Place, *, tag: str) -> str | None:
            await asyncio.sleep(60 if slow == "find" else 0)
            return await RecordingNotifier.find(self, place, tag=tag)

        async def post(self, post: Post, *, tag: str) -> str:
            await asyncio.sleep(60 if slow == "post" else 0)
            return await RecordingNotifier.post(self, post, tag=tag)

    await put(store, "one")
    sql("UPDATE outbox SET unsure = true")
    notifier, began = Slow(), database_time(sql)
    async with asyncio.timeout(50):
        assert await Delivery(store, notifier, clock, random.Random(1), work_s=0.3).step()
    assert notifier.delivered == []
    assert outbox(sql) == [("waiting", True)]
    assert sql("SELECT reason FROM outbox")[0]["reason"] == "not delivered within 0.3 s"
    assert put_off(sql, began, s=(0.1, 2))
    assert WORK_S < LEASE_S


async def test_a_database_that_is_away_is_no_fault_of_the_message(
    store: PostgresStore, delivery: Delivery, notifier: RecordingNotifier, sql: Sql
) -> None:
    """The loop waits for it; nothing is counted against the message."""

    async def lose_the_database() -> None:
        raise StoreUnavailable

    await put(store, "one")
    notifier.on_post = lose_the_database
    with pytest.raises(StoreUnavailable):
        await delivery.step()
    assert sql("SELECT reason FROM outbox")[0]["reason"] == ""


@pytest.mark.parametrize("arrived", [True, False], ids=["after it arrived", "before it arrived"])
async def test_a_crash_while_sending_leaves_doubt(
    store: PostgresStore, delivery: Delivery, notifier: RecordingNotifier, sql: Sql, *, arrived: bool
) -> None:
    """Whoever takes over looks back before it repeats."""

    class Killed(BaseException):
        """What a process does not survive."""

    async def kill() -> None:
        raise Killed

    await put(store, "one")
    if arrived:
        outgoing = await store.outbox.claim(lease_s=LEASE_S)
        assert outgoing is not None
        await store.outbox.sending(outgoing)
        await notifier.post(outgoing.post, tag=f"outbox-{outgoing.id}")
    else:
        notifier.on_post = kill
        with pytest.raises(Killed):
            await delivery.step()
        notifier.on_post = None
    assert await delivery.step() is False
    assert outbox(sql) == [("sending", False)]
    be_due(sql)
    assert await delivery.step() is True
    assert notifier.summaries == ["one"]
    assert len(notifier.looked_for) == 1
    assert [state for state, _ in outbox(sql)] == ["delivered"]


async def test_a_delivery_that_lost_its_lease_does_not_send(
    store: PostgresStore, notifier: RecordingNotifier, clock: SteppedClock, sql: Sql
) -> None:
    """Somebody else may be sending it at this moment."""

    @dataclass(frozen=True, slots=True)
    class Overtaken:
        """The store as seen by a worker that was asleep between its claim and its sending."""

        outbox: Any
        inbox: Any = None

        def transaction(self) -> Any:
            raise AssertionError("not used")

    class SlowOutbox:
        async def claim(self, *, lease_s: float) -> Any:
            outgoing = await store.outbox.claim(lease_s=lease_s)
            sql("UPDATE outbox SET fence = fence + 1")
            return outgoing

        sending = staticmethod(store.outbox.sending)

    await put(store, "one")
    assert await Delivery(Overtaken(SlowOutbox()), notifier, clock, random.Random(1)).step() is True
    assert notifier.delivered == []


# --- the loop ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Steps:
    """A step that does what it is told, in turn; then there is no work."""

    script: list[Exception | bool] = field(default_factory=list)
    calls: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self) -> bool:
        self.calls += 1
        await asyncio.sleep(0)
        if not self.script:
            self.ended.set()
            return False
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def loop(steps: Steps, clock: SteppedClock, *, at_once: int = AT_ONCE) -> Loop:
    return Loop("test", steps.step, clock, References(random.Random(1)), random.Random(1), at_once=at_once)


async def test_the_loop_works_as_long_as_there_is_work(clock: SteppedClock) -> None:
    """Without pausing in between."""
    steps = Steps([True] * 50)
    async with in_background(loop(steps, clock).run()):
        await steps.ended.wait()
    assert clock.slept == []


async def test_the_loop_survives_a_bug(clock: SteppedClock, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with a reference, and after a pause the work goes on."""
    steps = Steps([ValueError("a bug"), KeyError("another"), True, True])
    async with in_background(loop(steps, clock).run()):
        await steps.ended.wait()
    failed = [record for record in caplog.records if getattr(record, "event", "") == "worker_failed"]
    assert len(failed) == 2
    assert all(len(getattr(record, "reference", "")) == 4 and record.exc_info for record in failed)
    assert len(clock.slept) == 2


async def test_the_loop_waits_for_the_store(clock: SteppedClock, caplog: pytest.LogCaptureFixture) -> None:
    """It says so once, pauses longer each time, and goes on when the store is back."""
    steps = Steps([*(StoreUnavailable() for _ in range(AT_ONCE)), True])
    subject = loop(steps, clock)
    async with in_background(subject.run()):
        await until(lambda: asyncio.sleep(0, len(clock.slept)), lambda pauses: pauses == AT_ONCE)
        subject.wake()
        await steps.ended.wait()
    waits = [record for record in caplog.records if getattr(record, "event", "") == "store_unavailable"]
    assert 1 <= len(waits) <= AT_ONCE
    assert len(clock.slept) == AT_ONCE
    assert all(0.1 <= pause <= 10 for pause in clock.slept)


async def test_a_database_that_stays_away_is_told_once_a_minute(
    clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Also of a loop that finds nothing to do in between: a step that asked for nothing is no sign of life."""
    steps = Steps([StoreUnavailable(), False, StoreUnavailable(), False] * 10)
    subject = loop(steps, clock, at_once=1)
    async with in_background(subject.run()):
        while not steps.ended.is_set():
            subject.wake()
            await asyncio.sleep(0)
    waits = [record for record in caplog.records if getattr(record, "event", "") == "store_unavailable"]
    assert (len(clock.slept), len(waits)) == (20, 1)
    assert sum(clock.slept) < 60


async def test_the_loop_wakes_at_once(clock: SteppedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wake-up does not wait for the interval, and is one look for each."""
    monkeypatch.setattr(bot.worker.loop, "POLL_S", 3600.0)
    steps = Steps()
    subject = loop(steps, clock)
    async with in_background(subject.run()):
        await steps.ended.wait()
        await turns(50)
        before = steps.calls
        subject.wake()
        await turns(50)
        assert before < steps.calls <= before + AT_ONCE


async def test_the_loop_looks_by_itself(clock: SteppedClock) -> None:
    """A lost wake-up costs a second, nothing else."""
    assert bot.worker.loop.POLL_S == 1.0
    steps = Steps()
    async with in_background(loop(steps, clock).run()):
        await steps.ended.wait()
        before = steps.calls + AT_ONCE  # more than the first look of each
        await until(lambda: asyncio.sleep(0, steps.calls), lambda calls: calls > before)


async def test_several_are_worked_on_at_once(clock: SteppedClock) -> None:
    """One slow request does not hold up the others."""
    inside, together = 0, asyncio.Event()

    async def step() -> bool:
        nonlocal inside
        inside += 1
        if inside == AT_ONCE:
            together.set()
        await asyncio.sleep(60)
        return True

    subject = Loop("test", step, clock, References(random.Random(1)), random.Random(1))
    async with in_background(subject.run()):
        await together.wait()


# --- waiting before the next try --------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 2**32), st.floats(0.1, 10), st.floats(1, 1000))
def test_the_wait_is_bounded(attempts: int, seed: int, base_s: float, longest_s: float) -> None:
    """Never nothing, never more than the longest."""
    wait = backoff(attempts, random.Random(seed), base_s=base_s, longest_s=longest_s)
    assert 0.1 <= wait <= max(0.1, min(longest_s, base_s * 2 ** min(attempts, 16)))


def test_the_wait_grows_with_the_attempts() -> None:
    """On average: each wait is drawn anew, so that many waiters spread."""
    source = random.Random(5)
    means = [sum(backoff(n, source) for _ in range(400)) / 400 for n in (1, 3, 5, 7)]
    assert means == sorted(means)
    assert len({backoff(5, source) for _ in range(20)}) == 20


async def test_a_loop_ends_though_a_library_swallowed_its_cancellation() -> None:
    """The database's client may do so; the program must stop all the same."""
    began = asyncio.Event()

    async def step() -> bool:
        began.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return False

    subject = Loop("test", step, SteppedClock(), References(random.Random(1)), random.Random(1))
    running = asyncio.create_task(subject.run())
    await began.wait()
    running.cancel()
    async with asyncio.timeout(50):
        with contextlib.suppress(asyncio.CancelledError):
            await running
