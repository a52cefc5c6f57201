"""Requests for changes: kept as they were asked for, changed under their lock, never against their rules."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.domain import transitions as states
from bot.domain.approval import Rule
from bot.domain.operations import CardCopy, Effect, Operation, Progress, Resolution, State, Verdict
from bot.domain.requests import Place, Post
from bot.domain.view import Headline, View
from bot.errors import StoreRefused
from bot.ports import AuditEntry, OperationQuery
from bot.store.store import PostgresStore
from tests.support.operations import (
    API,
    SCOPE,
    Change,
    add,
    approved,
    change,
    claimed,
    denied,
    failed,
    found,
    lost,
    operation,
    run_to,
    succeeded,
    tokens,
    vote,
    written,
)

Admin = psycopg.Connection[DictRow]

ENTRY = AuditEntry(actor="U-ann", action="requested", subject="op", result="PENDING", detail={})
VIEW = View("s", (Headline("s"),))
NOW = datetime.now(UTC)


# --- as it was kept ---------------------------------------------------------------------------------------------------


async def test_a_request_comes_back_as_it_was_asked_for(store: PostgresStore) -> None:
    """The plan, its digest, the place of its card; whatever people wrote as the reason."""
    asked = operation(reason='say \x00 \ud800 "é"\n', place=Place("C1", "17.1"))
    await add(store, asked)
    assert await found(store) == asked


async def test_a_request_comes_back_with_who_got_a_copy(store: PostgresStore) -> None:
    """Each with the conversation; whoever saves it later changes none of it."""
    asked = replace(operation(), copies=(CardCopy("U-bob", "D1"), CardCopy("U-lea", "D2")))
    await add(store, asked)
    assert await found(store) == asked
    ended = await change(store, asked.id, lambda of: states.cancel(replace(of, copies=()), "ann", "U-ann", now=NOW))
    assert (await found(store)).copies == asked.copies
    assert ended.state is State.CANCELLED


async def test_a_request_comes_back_as_it_was_last_saved(store: PostgresStore) -> None:
    """Every field that changes, votes in the order of the clicks, times to the microsecond."""
    running = await run_to(store, operation(), approved, claimed)
    changed = replace(
        running,
        state=State.UNKNOWN,
        effect=Effect.UNKNOWN,
        votes=(*running.votes, vote(running, "max", void="withdrawn"), vote(running, "kim")),
        approved_at=NOW,
        execute_by=NOW + timedelta(seconds=1),
        began_at=NOW + timedelta(seconds=2),
        written_at=NOW + timedelta(seconds=3),
        ended_at=NOW + timedelta(seconds=4),
        fence=7,
        version=9,
        generation=2**40,
        outcome="nobody can tell",
        closed_by="U-lea",
        resolution=Resolution.UNDONE,
        progress=Progress(ready=1, wanted=3, note="waits"),
        verdict=Verdict(gone=("CrashLoop",), stayed=("OOM",), new=("Pending",), not_checked="no"),
        verdict_due=NOW + timedelta(seconds=5),
        reminded=2,
    )
    await change(store, running.id, lambda _: changed)
    assert await found(store) == changed


async def test_votes_are_added_and_voided_and_stay(store: PostgresStore, admin: Admin) -> None:
    """A vote that was taken back is marked, and the same person may vote again."""
    asked = operation(rule=replace(operation().plan.rule, humans=2))
    await add(store, asked)
    first = await change(store, asked.id, approved)
    taken_back = await change(store, asked.id, lambda of: states.withdraw(of, "lea", now=NOW))
    again = await change(store, asked.id, approved)
    assert (len(first.votes), taken_back.counted, len(again.votes)) == (1, (), 2)
    assert await found(store) == again
    rows = admin.execute("SELECT human, void FROM votes ORDER BY number").fetchall()
    assert [tuple(row.values()) for row in rows] == [("lea", "withdrawn"), ("lea", "")]


async def test_a_vote_that_was_cast_is_not_written_again(store: PostgresStore) -> None:
    """Neither another person's name nor another time can take its place, and void is for good."""
    asked = operation(rule=replace(operation().plan.rule, humans=2))
    cast = await run_to(store, asked, approved)
    (mine,) = cast.votes
    await change(store, asked.id, lambda of: replace(of, votes=(replace(mine, void="no longer in the group"),)))
    forged = replace(mine, human="eve", user_id="U-eve", cast_at=NOW)
    await change(store, asked.id, lambda of: replace(of, votes=(forged,)))
    assert (await found(store)).votes == (replace(mine, void="no longer in the group"),)


async def test_what_people_said_is_masked(store: PostgresStore) -> None:
    """No control characters, no secrets: the words of a denial are shown to others."""
    asked = operation()
    await add(store, asked)
    await change(store, asked.id, lambda of: states.deny(of, "U-lea", "no\x00 token=abcdef123456", now=NOW))
    assert (await found(store)).outcome == "no token=[masked]"


async def test_the_time_is_the_databases(store: PostgresStore, admin: Admin) -> None:
    """It goes on within a transaction."""
    async with store.transaction() as transaction:
        first = await transaction.now()
        (row,) = admin.execute("SELECT clock_timestamp() AS now").fetchall()
        assert first < row["now"] < await transaction.now()
    assert first.tzinfo is UTC


async def test_without_anybody_to_ask_it_is_approved_at_once(store: PostgresStore) -> None:
    """The rule that asks nobody is met by the request."""
    asked = operation(rule=Rule())
    await add(store, asked)
    assert (await found(store)).state is State.APPROVED
    assert (await found(store)).quorum.met


# --- one for a target -------------------------------------------------------------------------------------------------


async def test_one_request_blocks_its_target_and_no_other(store: PostgresStore) -> None:
    """The transaction goes on after a refusal: what else is put into it is kept."""
    await add(store, operation("op-1"))
    async with store.transaction() as transaction:
        assert not await transaction.add_operation(operation("op-2"), tokens(operation("op-2")))
        await transaction.put(Post(Place("C1"), VIEW))
        await transaction.audit(ENTRY)
    assert await store.operations.find("op-2") is None
    assert await store.outbox.depth() == 1
    await add(store, operation("op-3", name="web"))
    blocking = await store.operations.blocking(operation().plan.draft.target)
    assert blocking is not None
    assert blocking.id == "op-1"
    assert await store.operations.blocking(operation(name="other").plan.draft.target) is None


@pytest.mark.parametrize("state", list(State))
async def test_what_is_open_or_in_doubt_blocks(store: PostgresStore, state: State) -> None:
    """All else does not."""
    asked = operation("op-1")
    steps: tuple[Change, ...] = {
        State.PENDING: (),
        State.APPROVED: (approved,),
        State.EXECUTING: (approved, claimed),
        State.SUCCEEDED: (approved, claimed, written, succeeded),
        State.FAILED: (approved, claimed, failed),
        State.UNKNOWN: (approved, claimed, lost),
        State.DENIED: (denied,),
        State.EXPIRED: (lambda of: states.expire(of, now=NOW + timedelta(hours=1)),),
        State.CANCELLED: (lambda of: states.cancel(of, "ann", "U-ann", now=NOW),),
        State.SUPERSEDED: (lambda of: states.supersede(of, "drift", now=NOW),),
    }[state]
    now = await run_to(store, asked, *steps)
    assert now.state is state
    assert now == await found(store, "op-1")
    blocking = await store.operations.blocking(asked.plan.draft.target)
    assert (blocking is not None) == now.blocks
    async with store.transaction() as transaction:
        assert await transaction.add_operation(operation("op-2"), ()) != now.blocks


async def test_a_doubt_that_a_person_resolved_blocks_no_longer(store: PostgresStore) -> None:
    """And not before."""
    doubtful = await run_to(store, operation("op-1"), approved, claimed, lost)
    assert await store.operations.blocking(doubtful.plan.draft.target) is not None
    await change(store, "op-1", lambda of: states.resolve(of, Resolution.HAPPENED, "U-lea"))
    assert await store.operations.blocking(doubtful.plan.draft.target) is None
    await add(store, operation("op-2"))


async def test_of_eight_who_ask_for_one_target_at_once_one_is_kept(store_url: str) -> None:
    """Over connections of their own; the others learn of it without an error."""
    async with await PostgresStore.open(store_url, smallest_pool=8, largest_pool=8) as store:

        async def ask(number: int) -> bool:
            asked = operation(f"op-{number}")
            async with store.transaction() as transaction:
                added = await transaction.add_operation(asked, tokens(asked))
                await asyncio.sleep(0.02)
                await transaction.audit(ENTRY)
            return added

        for _ in range(5):
            assert sorted(await asyncio.gather(*(ask(number) for number in range(8)))) == [False] * 7 + [True]
            kept = await store.operations.blocking(operation().plan.draft.target)
            assert kept is not None
            async with store.transaction() as transaction:
                assert await transaction.save(states.supersede(kept, "again", now=NOW))
            with psycopg.connect(store_url, autocommit=True) as connection:
                connection.execute("DELETE FROM operations")


async def test_who_comes_second_gets_the_target_when_the_first_rolls_back(store: PostgresStore) -> None:
    """It waits for the first to end."""
    added = asyncio.Event()

    class Fault(Exception):
        pass

    async def first() -> None:
        async with store.transaction() as transaction:
            assert await transaction.add_operation(operation("op-1"), ())
            added.set()
            await asyncio.sleep(0.1)
            raise Fault

    async def second() -> bool:
        await added.wait()
        async with store.transaction() as transaction:
            return await transaction.add_operation(operation("op-2"), ())

    failed, kept = await asyncio.gather(first(), second(), return_exceptions=True)
    assert isinstance(failed, Fault)
    assert kept is True


async def test_a_newer_request_takes_the_place_of_one_that_waits(store: PostgresStore) -> None:
    """In one transaction: never two, never none."""
    await add(store, operation("op-1"))
    async with store.transaction() as transaction:
        waits = await transaction.operation("op-1")
        assert waits is not None
        assert await transaction.save(states.supersede(waits, "replaced", now=await transaction.now()))
        assert await transaction.add_operation(operation("op-2"), tokens(operation("op-2")))
    assert (await found(store, "op-1")).state is State.SUPERSEDED
    assert (await found(store, "op-2")).state is State.PENDING


# --- under the lock ---------------------------------------------------------------------------------------------------


async def test_whoever_waits_for_the_lock_sees_the_votes_of_whom_it_waited_for(store: PostgresStore) -> None:
    """So that each decides on what is, not on what was."""
    asked = operation(rule=replace(operation().plan.rule, humans=2))
    await add(store, asked)
    locked = asyncio.Event()

    async def first() -> None:
        async with store.transaction() as transaction:
            here = await transaction.operation(asked.id)
            assert here is not None
            locked.set()
            await asyncio.sleep(0.1)
            await transaction.save(approved(here))

    async def second() -> Operation:
        await locked.wait()
        async with store.transaction() as transaction:
            here = await transaction.operation(asked.id)
            assert here is not None
            return here

    _, seen = await asyncio.gather(first(), second())
    assert [each.human for each in seen.counted] == ["lea"]
    assert seen.version == 2


async def test_of_eight_who_vote_at_once_each_vote_counts_once(store_url: str) -> None:
    """The lock orders them: exactly one of them makes the quorum."""
    asked = operation(rule=replace(operation().plan.rule, humans=4))
    made: list[str] = []
    async with await PostgresStore.open(store_url, smallest_pool=8, largest_pool=8) as store:
        await add(store, asked)

        async def click(human: str) -> None:
            async with store.transaction() as transaction:
                here = await transaction.operation(asked.id)
                assert here is not None
                try:
                    changed = states.approve(here, vote(here, human), now=await transaction.now(), execute_within_s=60)
                except states.NotPossible:
                    return
                assert await transaction.save(changed)
                if changed.state is State.APPROVED:
                    made.append(human)

        await asyncio.gather(*(click(f"h{number % 5}") for number in range(8)))
        kept = await found(store)
    assert len(made) == 1
    assert len({each.human for each in kept.counted}) == len(kept.votes) == 4


async def test_the_database_knows_one_vote_of_each_person_alone(store: PostgresStore) -> None:
    """A second bar, should the rule above it fail."""
    asked = operation()
    await add(store, asked)
    twice = replace(asked, votes=(vote(asked), replace(vote(asked), user_id="U-lea2")), version=2)
    with pytest.raises(StoreRefused, match="votes_one_of_each"):
        await change(store, asked.id, lambda _: twice)
    assert (await found(store)).votes == ()


async def test_a_vote_on_another_plan_is_not_kept(store: PostgresStore) -> None:
    """Nor an address of another plan."""
    asked = operation()
    await add(store, asked)
    other = replace(vote(asked), digest="b" * 64)
    with pytest.raises(StoreRefused, match="foreign key"):
        await change(store, asked.id, lambda of: replace(of, votes=(other,), version=2))
    elsewhere = replace(tokens(operation("op-2", name="web"))[0], digest="b" * 64)

    async def keep() -> None:
        async with store.transaction() as transaction:
            await transaction.add_operation(operation("op-2", name="web"), [elsewhere])

    with pytest.raises(StoreRefused, match="foreign key"):
        await keep()
    assert await store.operations.find("op-2") is None


async def test_with_a_fence_that_is_lost_nothing_is_written(store: PostgresStore) -> None:
    """Neither the change nor what else was put into the transaction."""
    running = await run_to(store, operation(), approved, claimed)
    taken = await store.operations.take(lease_s=30, worker="second")
    assert taken is not None
    assert taken.fence == running.fence + 1
    async with store.transaction() as transaction:
        assert not await transaction.save(written(running), fence=running.fence)
        await transaction.put(Post(Place("C1"), VIEW))
        await transaction.audit(ENTRY)
    assert await found(store) == taken
    assert await store.outbox.depth() == 0
    async with store.transaction() as transaction:
        assert await transaction.save(written(taken), fence=taken.fence)
    assert (await found(store)).effect is Effect.APPLIED


async def test_a_request_that_is_not_there_is_neither_locked_nor_saved(store: PostgresStore) -> None:
    """It was never kept."""
    async with store.transaction() as transaction:
        assert await transaction.operation("op-7f3a9c1e") is None
        assert not await transaction.save(operation())


# --- finding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "which"),
    [
        ("7f3a9c1e0000", "7f3a9c1e0000"),
        ("7f3a9c1e", "7f3a9c1e0000"),
        ("7f3a9c", None),
        ("7f3a9", None),
        ("7f3a9c2", "7f3a9c2000"),
        ("8f3a9c", None),
        ("7f3a9c1e0000ff", None),
        ("7f3a9%", None),
        ("______", None),
        ("", None),
        ("short", "short"),
    ],
)
async def test_a_request_is_found_by_the_beginning_of_its_id(
    store: PostgresStore, said: str, which: str | None
) -> None:
    """At least six letters, and only when no other begins so; a whole id is always enough."""
    ids = ("7f3a9c1e0000", "7f3a9c2000", "short", "6f3a9c1e")
    await add(store, *(operation(each, name=each) for each in ids))
    kept = await store.operations.find(said)
    assert (kept and kept.id) == which


async def test_a_whole_id_is_meant_though_longer_ones_begin_so(store: PostgresStore) -> None:
    """Whoever copied it from the card meant it."""
    await add(store, operation("abcdef", name="a"), operation("abcdef1", name="b"))
    assert (await found(store, "abcdef")).id == "abcdef"


async def test_requests_are_searched_by_state_target_scope_and_time(store: PostgresStore) -> None:
    """The newest first; what waits is within any time."""
    elsewhere = replace(SCOPE, namespace="web")
    await add(
        store,
        operation("op-old", age_s=300),
        operation("op-web", name="web", age_s=200),
        operation("op-there", scope=elsewhere, age_s=100),
    )
    await change(store, "op-old", denied)
    await add(store, operation("op-new"))

    async def search(**fields: object) -> list[str]:
        return [each.id for each in await store.operations.search(OperationQuery(**fields))]  # type: ignore[arg-type]

    assert await search() == ["op-new", "op-there", "op-web", "op-old"]
    assert await search(limit=2) == ["op-new", "op-there"]
    assert await search(states=frozenset({State.DENIED})) == ["op-old"]
    assert await search(target=API) == ["op-new", "op-old"]
    assert await search(scope=elsewhere) == ["op-there"]
    assert await search(target=API, scope=replace(SCOPE, cluster="test")) == []
    assert await search(within_s=60) == ["op-new", "op-there", "op-web", "op-old"]
    assert await search(within_s=0) == ["op-new", "op-there", "op-web"]


async def test_what_was_applied_is_known_by_scope(store: PostgresStore) -> None:
    """Also what may have been applied, or is being; not what never was."""
    await run_to(store, operation("op-done", name="a"), approved, claimed, written, succeeded)
    await run_to(store, operation("op-runs", name="b"), approved, claimed)
    await run_to(store, operation("op-lost", name="c"), approved, claimed, lost)
    await run_to(store, operation("op-none", name="d"), approved, claimed, failed)
    await run_to(store, operation("op-waits", name="e"), approved)
    await run_to(store, operation("op-there", scope=replace(SCOPE, cluster="test")), approved, claimed, written)
    assert sorted(await store.operations.left_marks(SCOPE)) == ["op-done", "op-lost", "op-runs"]
