"""Requests for changes in the hands of workers: taken by one at a time, proven by a fence, each write noted before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from bot.domain.operations import Operation, State, Verdict
from bot.errors import StoreRefused
from bot.ports import Attempt, OperationQuery
from bot.store.operation_rows import asked, operation_of, standing, votes_text
from bot.store.store import PostgresStore
from tests.support.operations import (
    EXECUTE_S,
    LIVES_S,
    add,
    approved,
    change,
    claimed,
    denied,
    found,
    lost,
    operation,
    run_to,
    succeeded,
    vote,
    written,
)

Admin = psycopg.Connection[DictRow]
LeasesEnd = Callable[[str], int]


async def take(store: PostgresStore, *, lease_s: float = 30, worker: str = "w1") -> str | None:
    taken = await store.operations.take(lease_s=lease_s, worker=worker)
    return None if taken is None else taken.id


def attempt(of: Operation, **fields: object) -> Attempt:
    first = Attempt(operation_id=of.id, fence=of.fence, number=1, resource_version="10", generation=4, prior_marker="x")
    return replace(first, **fields)  # type: ignore[arg-type]


# --- taking -----------------------------------------------------------------------------------------------------------


async def test_what_is_approved_or_runs_is_taken_by_one(store: PostgresStore) -> None:
    """The one that waits for longest first; nothing that waits for people, and nothing that has ended."""
    await run_to(store, operation("op-new", name="new", age_s=10), approved)
    await run_to(store, operation("op-old", name="old", age_s=100), approved, claimed)
    await add(store, operation("op-waits", name="waits", age_s=200))
    await run_to(store, operation("op-done", name="done", age_s=300), approved, claimed, written, succeeded)
    await run_to(store, operation("op-no", name="no", age_s=400), denied)
    await run_to(store, operation("op-lost", name="lost", age_s=500), approved, claimed, lost)
    assert [await take(store) for _ in range(3)] == ["op-old", "op-new", None]


async def test_what_is_taken_is_as_it_is_kept(store: PostgresStore, admin: Admin) -> None:
    """With the fence of this taking, its votes, and the worker's name beside it."""
    await run_to(store, operation(), approved, claimed)
    taken = await store.operations.take(lease_s=600, worker="w7")
    assert taken == await found(store)
    (row,) = admin.execute(
        "SELECT worker, extract(epoch FROM lease_until - clock_timestamp()) AS left_s FROM operations"
    ).fetchall()
    assert row["worker"] == "w7"
    assert 500 < row["left_s"] <= 600


async def test_the_fence_is_raised_when_one_that_runs_is_taken(store: PostgresStore) -> None:
    """By each who takes it; what has not begun keeps its own, which the claim raises."""
    ready = await run_to(store, operation(), approved)
    taken = await store.operations.take(lease_s=0, worker="w1")
    assert taken == ready
    running = await change(store, ready.id, claimed)
    assert (ready.fence, running.fence) == (0, 1)
    for fence in (2, 3):
        again = await store.operations.take(lease_s=0, worker="w2")
        assert again == replace(running, fence=fence)


async def test_a_lease_that_is_over_is_free_for_others(store: PostgresStore, leases_end: LeasesEnd) -> None:
    """And not before, nor when it was renewed; one that was let go at once."""
    running = await run_to(store, operation(), approved, claimed)
    first = await store.operations.take(lease_s=600, worker="w1")
    assert first is not None
    assert await take(store) is None
    assert leases_end("operations") == 1
    assert await store.operations.renew(first, lease_s=600)
    assert await take(store) is None
    assert leases_end("operations") == 1
    second = await store.operations.take(lease_s=600, worker="w2")
    assert second is not None
    await store.operations.release(second)
    assert await take(store) == running.id


async def test_who_lost_the_fence_neither_holds_nor_lets_go(store: PostgresStore, admin: Admin) -> None:
    """It is another's by then."""
    await run_to(store, operation(), approved, claimed)
    first = await store.operations.take(lease_s=0, worker="w1")
    second = await store.operations.take(lease_s=30, worker="w2")
    assert first is not None
    assert second is not None
    before = admin.execute("SELECT * FROM operations").fetchall()
    assert not await store.operations.renew(first, lease_s=60)
    await store.operations.release(first)
    assert not await store.operations.begin_attempt(attempt(first))
    assert admin.execute("SELECT * FROM operations").fetchall() == before
    assert await store.operations.attempts(first.id) == ()


async def test_what_has_ended_is_not_held_any_more(store: PostgresStore) -> None:
    """Nor may anything be written for it."""
    await run_to(store, operation(), approved, claimed, written)
    taken = await store.operations.take(lease_s=30, worker="w1")
    assert taken is not None
    await change(store, taken.id, succeeded)
    assert not await store.operations.renew(taken, lease_s=30)
    assert not await store.operations.begin_attempt(attempt(taken))


async def test_nothing_is_written_for_what_has_not_begun(store: PostgresStore) -> None:
    """The claim comes first."""
    ready = await run_to(store, operation(), approved)
    assert not await store.operations.begin_attempt(attempt(ready))


async def test_what_lost_its_approval_is_free_when_it_has_it_again(store: PostgresStore) -> None:
    """The lease of before ended with the approval."""
    ready = await run_to(store, operation(), approved)
    assert await take(store) == ready.id
    await change(store, ready.id, lambda of: replace(of, state=State.PENDING, approved_at=None, execute_by=None))
    await change(store, ready.id, lambda of: replace(ready, version=of.version + 1))
    assert await take(store) == ready.id


async def test_what_may_not_begin_any_more_is_not_handed_out(store: PostgresStore, admin: Admin) -> None:
    """It would be taken again and again; what runs already goes on."""
    await run_to(store, operation("op-late", name="late"), approved)
    await run_to(store, operation("op-runs", name="runs"), approved, claimed)
    admin.execute("UPDATE operations SET execute_by = clock_timestamp() - interval '1 second'")
    assert [await take(store) for _ in range(2)] == ["op-runs", None]


async def test_one_that_is_let_go_again_and_again_keeps_no_other_waiting(store: PostgresStore) -> None:
    """They take turns."""
    for number in range(3):
        age_s = 100 - number
        await run_to(store, operation(f"op-{number}", name=f"n{number}", age_s=age_s), approved)
    taken = []
    for _ in range(7):
        each = await store.operations.take(lease_s=30, worker="w1")
        assert each is not None
        taken.append(each.id)
        await store.operations.release(each)
    assert taken == ["op-0", "op-1", "op-2", "op-0", "op-1", "op-2", "op-0"]


async def test_of_eight_workers_each_takes_another(store_url: str) -> None:
    """Twenty requests, all at once, over connections of their own."""
    async with await PostgresStore.open(store_url, smallest_pool=8, largest_pool=8) as store:
        ids = [f"op-{number:02}" for number in range(20)]
        for each in ids:
            await run_to(store, operation(each, name=each), approved)

        async def work(number: int) -> list[str]:
            mine = []
            while (each := await take(store, worker=f"w{number}")) is not None:
                mine.append(each)
            return mine

        taken = await asyncio.gather(*(work(number) for number in range(8)))
    assert sorted(each for mine in taken for each in mine) == ids


async def test_of_eight_who_claim_what_all_of_them_took_one_begins(store_url: str) -> None:
    """Their leases were over: the fence and the lock decide."""
    async with await PostgresStore.open(store_url, smallest_pool=8, largest_pool=8) as store:
        ready = await run_to(store, operation(), approved)

        async def begin() -> bool:
            async with store.transaction() as transaction:
                here = await transaction.operation(ready.id)
                assert here is not None
                if here.state is not State.APPROVED:
                    return False
                return await transaction.save(claimed(here), fence=ready.fence)

        assert sorted(await asyncio.gather(*(begin() for _ in range(8)))) == [False] * 7 + [True]
        assert (await found(store)).fence == 1


# --- attempts ---------------------------------------------------------------------------------------------------------


async def test_attempts_are_read_as_they_were_noted(store: PostgresStore) -> None:
    """The oldest first, each with how it ended, or nothing while nobody knows."""
    running = await run_to(store, operation(), approved, claimed)
    first, second, third = (
        attempt(running),
        attempt(running, resource_version="11", prior_marker=""),
        attempt(running, number=2, resource_version="11"),
    )
    for each in (first, second, third):
        assert await store.operations.begin_attempt(each)
    await store.operations.end_attempt(first, "conflict")
    await store.operations.end_attempt(third, "applied")
    assert await store.operations.attempts(running.id) == (
        replace(first, outcome="conflict"),
        second,
        replace(third, outcome="applied"),
    )
    assert await store.operations.attempts("another") == ()


@pytest.mark.parametrize("outcome", ["", "conflict", "refused", "throttled", "unknown"])
async def test_the_same_write_may_be_tried_again(store: PostgresStore, outcome: str) -> None:
    """The object need not have moved meanwhile: its version is the same, and how it ends is open again."""
    running = await run_to(store, operation(), approved, claimed)
    for _ in range(2):
        assert await store.operations.begin_attempt(attempt(running))
        if outcome:
            await store.operations.end_attempt(attempt(running), outcome)
    assert await store.operations.begin_attempt(attempt(running))
    assert await store.operations.attempts(running.id) == (attempt(running),)


async def test_a_write_that_was_applied_is_not_begun_again(store: PostgresStore) -> None:
    """On that version it has happened."""
    running = await run_to(store, operation(), approved, claimed)
    assert await store.operations.begin_attempt(attempt(running))
    await store.operations.end_attempt(attempt(running), "applied")
    assert not await store.operations.begin_attempt(attempt(running))
    assert await store.operations.attempts(running.id) == (attempt(running, outcome="applied"),)


async def test_an_attempt_ends_in_a_known_way(store: PostgresStore) -> None:
    """What nobody would understand is not written down."""
    running = await run_to(store, operation(), approved, claimed)
    assert await store.operations.begin_attempt(attempt(running))
    with pytest.raises(StoreRefused, match="outcome"):
        await store.operations.end_attempt(attempt(running), "fine")


async def test_an_attempt_waits_for_whoever_is_just_taking_over(store: PostgresStore, admin: Admin) -> None:
    """Either it is there when the fence is raised, or it is refused: never noted later."""
    running = await run_to(store, operation(), approved, claimed)
    with admin.transaction():
        admin.execute("UPDATE operations SET fence = fence + 1")
        begun = asyncio.create_task(store.operations.begin_attempt(attempt(running)))
        await asyncio.sleep(0.1)
        assert not begun.done()
    assert await begun is False
    assert await store.operations.attempts(running.id) == ()


# --- what is due ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "reminded", "due"),
    [
        (0.0, 0, False),
        (0.49, 0, False),
        (0.51, 0, True),
        (0.51, 1, False),
        (0.79, 1, False),
        (0.81, 1, True),
        (0.81, 2, False),
        (0.99, 2, False),
        (1.01, 0, True),
        (1.01, 2, True),
    ],
)
async def test_reminders_and_the_end_of_the_time_to_answer_are_due(
    store: PostgresStore, share: float, reminded: int, *, due: bool
) -> None:
    """At half and at four fifths of it, each once; the end whatever was sent."""
    await add(store, replace(operation(age_s=LIVES_S * share), reminded=reminded))
    assert bool(await store.operations.due(limit=10)) == due


@pytest.mark.parametrize(("seconds", "due"), [(60, False), (-1, True)])
async def test_the_end_of_the_time_to_begin_is_due(
    store: PostgresStore, admin: Admin, seconds: int, *, due: bool
) -> None:
    """Whatever time there was to answer."""
    await run_to(store, operation(age_s=LIVES_S - EXECUTE_S), approved)
    admin.execute("UPDATE operations SET execute_by = clock_timestamp() + make_interval(secs => %s)", (seconds,))
    assert bool(await store.operations.due(limit=10)) == due


@pytest.mark.parametrize(("seconds", "due"), [(60, False), (-1, True)])
async def test_a_verdict_is_due_once(store: PostgresStore, seconds: int, *, due: bool) -> None:
    """When its time has come, until it is there."""
    done = await run_to(store, operation(), approved, claimed, written, succeeded)
    assert await store.operations.due(limit=10) == ()
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    await change(store, done.id, lambda of: replace(of, verdict_due=when))
    assert bool(await store.operations.due(limit=10)) == due
    await change(store, done.id, lambda of: replace(of, verdict=Verdict(), version=of.version + 1))
    assert await store.operations.due(limit=10) == ()


async def test_what_runs_or_has_ended_is_not_due(store: PostgresStore, admin: Admin) -> None:
    """Its times are over, and meant something else."""
    await run_to(store, operation("op-1", name="a"), approved, claimed)
    await run_to(store, operation("op-2", name="b"), denied)
    admin.execute("UPDATE operations SET execute_by = clock_timestamp() - interval '1 day'")
    assert await store.operations.due(limit=10) == ()


async def test_what_waits_for_people_is_due_before_verdicts(store: PostgresStore) -> None:
    """However many there are of these, a request ends in time."""
    for number in range(3):
        name = f"n{number}"
        done = await run_to(store, operation(f"op-{number}", name=name), approved, claimed, written, succeeded)
        due = datetime.now(UTC) - timedelta(hours=1)
        await change(store, done.id, lambda of, due=due: replace(of, verdict_due=due))
    await add(store, operation("op-late", name="late", age_s=LIVES_S + 1))
    assert (await store.operations.due(limit=10))[0] == "op-late"
    assert await store.operations.due(limit=1) == ("op-late",)


# --- what a newer version wrote ---------------------------------------------------------------------------------------

NEWER: dict[str, Callable[[Admin], object]] = {
    "another format": lambda admin: _rewrite(admin, '"v":1', '"v":2'),
    "a field that is not known": lambda admin: _rewrite(admin, '"v":1', '"colour":"red","v":1'),
    "a step that is not known": lambda admin: _rewrite(admin, '"is":"Restart"', '"is":"Drain"'),
    "a progress that is not known": lambda admin: admin.execute(
        'UPDATE operations SET progress = \'{"is":"Progress","colour":"red"}\' WHERE id = \'op-newer\''
    ),
}


def _rewrite(admin: Admin, old: str, new: str) -> None:
    """Write a plan of one request as a newer version would have."""
    admin.execute("ALTER TABLE operations DISABLE TRIGGER ALL")
    admin.execute(
        "UPDATE operations SET plan = replace(plan, %(old)s, %(new)s),"
        " digest = encode(sha256(convert_to(replace(plan, %(old)s, %(new)s), 'UTF8')), 'hex') WHERE id = 'op-newer'",
        {"old": old, "new": new},
    )
    admin.execute("ALTER TABLE operations ENABLE TRIGGER ALL")


@pytest.mark.parametrize("written_by", list(NEWER))
async def test_what_a_newer_version_wrote_holds_up_no_other(
    store: PostgresStore, admin: Admin, caplog: pytest.LogCaptureFixture, written_by: str
) -> None:
    """It is left as it is for that version, and the log tells once; whoever asks for it is told."""
    await run_to(store, operation("op-newer", name="newer", age_s=LIVES_S + 100), _still_approved, claimed)
    await run_to(store, operation("op-ours", name="ours"), approved)
    admin.execute("UPDATE operations SET verdict_due = clock_timestamp()")
    NEWER[written_by](admin)
    before = admin.execute("SELECT * FROM operations WHERE id = 'op-newer'").fetchall()
    assert [await take(store) for _ in range(2)] == ["op-ours", None]
    assert await store.operations.due(limit=1) == ("op-ours",)
    assert [each.id for each in await store.operations.search(OperationQuery(limit=1))] == ["op-ours"]
    assert [each.id for each in await store.operations.search(OperationQuery())] == ["op-ours"]
    ours = [record for record in caplog.records if record.name.startswith("bot.")]
    assert [getattr(record, "event", "") for record in ours] == ["operation_unreadable"]
    assert admin.execute("SELECT * FROM operations WHERE id = 'op-newer'").fetchall() == before

    target = operation(name="newer").plan.draft.target

    async def lock() -> None:
        async with store.transaction() as transaction:
            await transaction.operation("op-newer")

    for ask in (lock(), store.operations.find("op-newer"), store.operations.blocking(target)):
        with pytest.raises(StoreRefused, match="op-newer cannot be read"):
            await ask


def _still_approved(of: Operation) -> Operation:
    """Approve it although its time to answer is over."""
    now = datetime.now(UTC)
    return replace(
        of,
        state=State.APPROVED,
        votes=(vote(of),),
        approved_at=now,
        execute_by=now + timedelta(minutes=1),
        version=of.version + 1,
    )


TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


@settings(deadline=None)
@given(reason=TEXT, name=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_a_plan_is_read_as_it_was_written(reason: str, name: str) -> None:
    """Whatever people and clusters put into it."""
    first = operation(reason=reason, name=name)
    row = {**asked(first), **standing(first), "votes": None}
    assert operation_of(row) == first
    assert votes_text(first) == "[]"
