"""Due moments that are worked on under a lease: one at a time, done once, whatever is lost on the way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from psycopg.rows import DictRow

from bot.domain.requests import Post
from bot.domain.watch.schedules import SlotRun
from bot.ports import SlotClaim
from bot.store.store import PostgresStore

LeasesEnd = Callable[[str], int]
Admin = psycopg.Connection[DictRow]
MakePost = Callable[..., Post]

DUE = datetime(2030, 1, 1, 9, tzinfo=UTC)
OVER = "UPDATE slots SET lease_until = clock_timestamp() - interval '1 s' WHERE lease_until IS NOT NULL"

_numbers = itertools.count()


def day(number: int) -> datetime:
    return DUE + timedelta(days=number)


async def begin(
    store: PostgresStore, due_at: datetime = DUE, *, name: str = "digest", lease_s: float = 600
) -> SlotClaim:
    claim = await store.slots.begin(name, due_at, lease_s=lease_s)
    assert claim is not None
    return claim


async def finish(store: PostgresStore, claim: SlotClaim, outcome: str = "sent") -> bool:
    async with store.transaction() as transaction:
        return await transaction.finish_slot(claim, outcome=outcome)


async def claim_for_good(store: PostgresStore, name: str = "digest", due_at: datetime = DUE) -> bool:
    async with store.transaction() as transaction:
        return await transaction.claim_slot(name, due_at)


async def test_a_due_moment_is_begun_by_one(store: PostgresStore) -> None:
    """Another schedule and another moment are other slots; the time zone makes no difference."""
    claim = await begin(store)
    assert claim == SlotClaim("digest", DUE, claim.fence)
    assert await store.slots.begin("digest", DUE, lease_s=600) is None
    there = DUE.astimezone(timezone(timedelta(hours=-3)))
    assert await store.slots.begin("digest", there, lease_s=600) is None
    await begin(store, name="report")
    await begin(store, day(1))


async def test_what_is_done_is_never_begun_again(store: PostgresStore, admin: Admin) -> None:
    """Neither soon nor when any lease would be over; nor is it done twice."""
    claim = await begin(store)
    assert await finish(store, claim)
    assert admin.execute(OVER).rowcount == 0
    assert await store.slots.begin("digest", DUE, lease_s=600) is None
    assert not await finish(store, claim)
    assert await store.slots.unfinished("digest", since=DUE) == ()


async def test_a_lease_that_is_over_passes_on(store: PostgresStore, leases_end: LeasesEnd) -> None:
    """Whoever stood still then finishes nothing, and lets go of nothing."""
    first = await begin(store)
    leases_end("slots")
    second = await begin(store)
    assert second.fence > first.fence
    await store.slots.release(first)
    assert await store.slots.begin("digest", DUE, lease_s=600) is None
    assert not await finish(store, first)
    assert await finish(store, second)


async def test_a_lease_that_is_over_and_nobody_took_still_finishes(store: PostgresStore, leases_end: LeasesEnd) -> None:
    """The work was done, and nobody else began it."""
    claim = await begin(store)
    leases_end("slots")
    assert await finish(store, claim)
    assert await store.slots.begin("digest", DUE, lease_s=600) is None


async def test_what_is_let_go_is_free_at_once(store: PostgresStore) -> None:
    """And not for its old holder to finish."""
    claim = await begin(store, lease_s=600)
    await store.slots.release(claim)
    assert await store.slots.unfinished("digest", since=DUE) == (DUE,)
    assert not await finish(store, claim)
    again = await begin(store)
    assert not await finish(store, claim)
    assert await finish(store, again)
    await store.slots.release(again)
    assert await store.slots.begin("digest", DUE, lease_s=600) is None


async def test_the_work_and_its_end_are_one_commit(
    store: PostgresStore, make_post: MakePost, admin: Admin, leases_end: LeasesEnd
) -> None:
    """Who lost the lease sends nothing, even when it does not look at the answer."""
    lost = await begin(store)
    leases_end("slots")
    ours = await begin(store)
    for claim in (lost, ours):
        async with store.transaction() as transaction:
            await transaction.put(make_post(str(claim.fence)))
            await transaction.finish_slot(claim, outcome="sent")
    found = admin.execute("SELECT post FROM outbox").fetchall()
    assert len(found) == 1
    assert f'"summary":"{ours.fence}"' in found[0]["post"]


async def test_what_was_rolled_back_is_still_held(store: PostgresStore, admin: Admin) -> None:
    """Until its lease is over; then somebody else does it."""
    claim = await begin(store)

    async def fail() -> None:
        async with store.transaction() as transaction:
            assert await transaction.finish_slot(claim, outcome="sent")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await store.slots.begin("digest", DUE, lease_s=600) is None
    admin.execute(OVER)
    assert await finish(store, await begin(store))


async def test_who_begins_while_it_is_finished_waits_for_the_commit(store: PostgresStore, admin: Admin) -> None:
    """Also when the lease is over by then."""
    claim = await begin(store)
    admin.execute(OVER)
    async with asyncio.TaskGroup() as group, store.transaction() as transaction:
        assert await transaction.finish_slot(claim, outcome="sent")
        second = group.create_task(store.slots.begin("digest", DUE, lease_s=600))
        await asyncio.sleep(0.1)
        assert not second.done()
    assert second.result() is None


async def test_what_was_claimed_for_good_is_done(store: PostgresStore) -> None:
    """Nobody begins it; and what somebody works on is not claimed for good."""
    assert await claim_for_good(store)
    assert await store.slots.begin("digest", DUE, lease_s=600) is None
    await begin(store, day(1))
    assert not await claim_for_good(store, due_at=day(1))
    assert await store.slots.unfinished("digest", since=DUE) == ()


async def test_what_was_left_undone_is_found(store: PostgresStore, leases_end: LeasesEnd) -> None:
    """The oldest first, from a moment on; not what is held or done."""
    for number in (2, 1, 0):
        await begin(store, day(number))
    await begin(store, day(1), name="report")
    leases_end("slots")
    await begin(store, day(3))
    await finish(store, await begin(store, day(4)))
    assert await store.slots.unfinished("digest", since=day(1)) == (day(1), day(2))
    assert await store.slots.unfinished("digest", since=day(3)) == ()


async def test_the_newest_due_moment_is_known(store: PostgresStore) -> None:
    """Whether it was begun or done; not the one that was begun last."""
    assert await store.slots.newest("digest") is None
    for number in (1, 3, 2):
        await begin(store, day(number))
    await begin(store, day(9), name="report")
    newest = await store.slots.newest("digest")
    assert newest == day(3)
    assert newest.tzinfo is UTC


async def test_the_last_five_runs_tell_what_became_of_them(store: PostgresStore) -> None:
    """The newest first; nothing of a schedule that never ran."""
    for number in range(6):
        await finish(store, await begin(store, day(number)), "skipped" if number == 4 else "sent")
    await begin(store, day(6))
    runs = await store.slots.runs(["digest", "never", "digest"])
    assert list(runs) == ["digest", "never"]
    assert runs["never"] == ()
    assert [(run.due_at, run.outcome) for run in runs["digest"]] == [
        (day(6), ""), (day(5), "sent"), (day(4), "skipped"), (day(3), "sent"), (day(2), "sent"),
    ]  # fmt: skip
    at_work, done = runs["digest"][:2]
    assert at_work == SlotRun(name="digest", due_at=day(6), began_at=at_work.began_at)
    assert done.done_at is not None
    assert done.began_at <= done.done_at <= at_work.began_at


@pytest.mark.parametrize("what", ["begin", "release", "unfinished", "finish"])
async def test_a_moment_without_a_time_zone_is_refused(store: PostgresStore, what: str) -> None:
    """It would mean what the connection's time zone makes of it."""
    naive = DUE.replace(tzinfo=None)
    claim = SlotClaim("digest", naive, 1)
    calls: dict[str, Callable[[], object]] = {
        "begin": lambda: store.slots.begin("digest", naive, lease_s=1),
        "release": lambda: store.slots.release(claim),
        "unfinished": lambda: store.slots.unfinished("digest", since=naive),
        "finish": lambda: finish(store, claim),
    }
    with pytest.raises(ValueError, match="time zone"):
        await calls[what]()  # type: ignore[misc]  # each of them returns something else


async def test_what_is_done_has_an_outcome(store: PostgresStore) -> None:
    """Without one it would look as if somebody were at it."""
    claim = await begin(store)
    with pytest.raises(ValueError, match="outcome"):
        await finish(store, claim, "")


async def test_of_eight_who_work_at_once_each_slot_is_done_once(
    store_url: str, make_post: MakePost, admin: Admin
) -> None:
    """While leases run out in the middle of the work, and some let go."""
    slots = [DUE + timedelta(minutes=number) for number in range(40)]
    done: list[datetime] = []
    async with await PostgresStore.open(store_url, smallest_pool=8, largest_pool=8) as store:

        async def work(number: int) -> None:
            for turn, due_at in enumerate(slots * 3):
                fate = (turn * 7 + number) % 5
                claim = await store.slots.begin("digest", due_at, lease_s=0.001 if fate == 0 else 30)
                if claim is None:
                    continue
                if fate == 1:
                    await store.slots.release(claim)
                    continue
                if fate == 0:
                    await asyncio.sleep(0.005)
                async with store.transaction() as transaction:
                    await transaction.put(make_post(due_at.isoformat()))
                    finished = await transaction.finish_slot(claim, outcome="sent")
                if finished:
                    done.append(due_at)

        await asyncio.gather(*(work(number) for number in range(8)))
        for due_at in await store.slots.unfinished("digest", since=DUE):
            assert await finish(store, await begin(store, due_at))
            done.append(due_at)
    assert sorted(done) == slots
    (row,) = admin.execute("SELECT count(*) AS posts, count(DISTINCT post) AS slots FROM outbox").fetchall()
    assert row["posts"] == row["slots"]


class Slots(RuleBasedStateMachine):
    """Three workers and one due moment. `held` is what each believes to hold, right or wrong."""

    def __init__(self, loop: asyncio.Runner, store: PostgresStore, admin: Admin) -> None:
        super().__init__()
        self.loop, self.store, self.admin = loop, store, admin
        self.name = f"schedule-{next(_numbers)}"
        self.held: dict[int, SlotClaim] = {}
        self.holder: int | None = None
        self.leased = False
        self.done = 0

    @rule(worker=st.integers(0, 2))
    def begin(self, worker: int) -> None:
        free = not self.done and not self.leased
        claim = self.loop.run(self.store.slots.begin(self.name, DUE, lease_s=60))
        assert (claim is not None) is free
        if claim is not None:
            assert all(claim.fence > other.fence for other in self.held.values())
            self.held[worker], self.holder, self.leased = claim, worker, True

    @rule(worker=st.integers(0, 2))
    def finish(self, worker: int) -> None:
        if worker not in self.held:
            return
        finished = self.loop.run(finish(self.store, self.held[worker]))
        assert finished is (worker == self.holder)
        if finished:
            self.done, self.holder, self.leased = self.done + 1, None, False

    @rule(worker=st.integers(0, 2))
    def release(self, worker: int) -> None:
        if worker not in self.held:
            return
        self.loop.run(self.store.slots.release(self.held[worker]))
        if worker == self.holder:
            self.holder, self.leased = None, False

    @rule()
    def lease_is_over(self) -> None:
        self.admin.execute(OVER)
        self.leased = False

    @rule()
    def claimed_for_good(self) -> None:
        free = not self.held and not self.done
        assert self.loop.run(claim_for_good(self.store, self.name)) is free
        self.done += free

    @invariant()
    def it_is_done_once_at_most(self) -> None:
        assert self.done <= 1

    @invariant()
    def it_is_left_undone_when_nobody_holds_it(self) -> None:
        undone = bool(self.held) and not self.done and not self.leased
        found = self.loop.run(self.store.slots.unfinished(self.name, since=DUE))
        assert found == ((DUE,) if undone else ())

    @invariant()
    def the_runs_tell_whether_it_is_done(self) -> None:
        runs = self.loop.run(self.store.slots.runs([self.name]))[self.name]
        assert [run.done_at is not None for run in runs] == ([bool(self.done)] if self.held or self.done else [])


def test_whatever_happens_one_holds_a_slot_and_it_is_done_once(store_url: str, admin: Admin) -> None:
    """Workers begin, stand still, let go and finish in whatever order."""
    with asyncio.Runner() as loop:
        store = loop.run(PostgresStore.open(store_url))
        try:
            run_state_machine_as_test(
                lambda: Slots(loop, store, admin),
                settings=settings(max_examples=25, stateful_step_count=20, deadline=None),
            )
        finally:
            loop.run(store.close())
