"""The store of a bot that starts before its database does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.main.waiting_store import WaitingStore
from bot.ports import Attempt, Episodes, History, OperationQuery, RevisionSeen, Slots, Store
from tests.support import watch_records as watched
from tests.support.clocks import SteppedClock
from tests.support.operations import API, SCOPE, approved, claimed, found, operation, run_to, tokens
from tests.support.waiting import in_background
from tests.support.watch_records import AT

SEEN = RevisionSeen(ref=API, workload_uid="w1", revision_uid="r1", number=1, version="v1", pods=1)


async def test_what_was_handed_on_before_the_database_works_afterwards(store_url: str, tmp_path: Path) -> None:
    """Whoever uses it before is refused in words; then every call arrives."""
    store = WaitingStore(store_url, tmp_path, SteppedClock())
    port: Store = store
    operations, record = port.operations, port.record
    history, episodes, slots = port.history, port.episodes, port.slots
    for early in (
        operations.find("op-1"),
        record.lasted(SCOPE, API),
        operations.due(limit=1),
        history.spans(SCOPE, since=AT),
        episodes.open(),
        slots.pauses(),
    ):
        with pytest.raises(StoreUnavailable, match="still starting"):
            await early
    async with in_background(store.run()):
        async with asyncio.timeout(60):
            await store.opened.wait()
        running = await run_to(store, operation(), approved, claimed)
        assert await operations.find(running.id) == await operations.blocking(running.plan.draft.target) == running
        assert await operations.search(OperationQuery()) == (running,)
        assert await operations.token(tokens(running)[0].hash) == tokens(running)[0]
        assert await operations.message("operation:1", "C1") == ""
        taken = await operations.take(lease_s=10, worker="w1")
        assert taken is not None
        assert await operations.renew(taken, lease_s=10)
        attempt = Attempt(operation_id=taken.id, fence=taken.fence, number=1, resource_version="1", generation=1)
        assert await operations.begin_attempt(attempt)
        await operations.end_attempt(attempt, "conflict")
        assert [each.outcome for each in await operations.attempts(taken.id)] == ["conflict"]
        await operations.release(taken)
        assert await operations.due(limit=1) == ()
        assert await operations.left_marks(SCOPE) == (running.id,)
        assert await operations.blocking_counts() == {running.state: 1}
        await record.note(SCOPE, [SEEN])
        assert [each.revision_uid for each in await record.worked(SCOPE, API)] == ["r1"]
        assert await record.lasted(SCOPE, API) == ()
        assert await found(store, running.id) == taken
        await _watch(store, history, episodes, slots)
    await store.close()


async def _watch(store: Store, history: History, episodes: Episodes, slots: Slots) -> None:
    """Use every call about watching."""
    await watched.record(store, 0, samples=[watched.sample()], problems=[watched.problem()])
    async with store.transaction() as transaction:
        await transaction.note(watched.note())
    assert len(await history.samples(SCOPE, since=AT)) == len(await history.spans(SCOPE, since=AT)) == 1
    assert len(await history.buckets(SCOPE, since=AT, until=watched.minute(1), step_s=60)) == 1
    assert await history.notes(SCOPE, since=AT) == (watched.note(),)
    assert await history.forget(days=1) == 0
    await watched.save(store, watched.episode())
    assert await episodes.open() == await episodes.since(SCOPE, AT) == (await episodes.find("e1"),)
    assert await episodes.unannounced(limit=1) == ("e1",)
    assert await episodes.silences() == ()
    claim = await slots.begin("digest", AT, lease_s=60)
    assert claim is not None
    await slots.release(claim)
    assert await slots.unfinished("digest", since=AT) == (AT,)
    assert await slots.newest("digest") == AT
    assert [run.due_at for run in (await slots.runs(["digest"]))["digest"]] == [AT]
    assert await slots.pauses() == {}


async def test_samples_are_kept_for_as_long_as_it_is_told(store_url: str, tmp_path: Path) -> None:
    """What is old is removed by the hour."""
    store = WaitingStore(store_url, tmp_path, SteppedClock(), history_days=3)
    async with in_background(store.run()):
        async with asyncio.timeout(60):
            await store.opened.wait()
        now = datetime.now(UTC)
        for days in (1, 4, 20):
            async with store.transaction() as transaction:
                await transaction.record(SCOPE, now - timedelta(days=days), [watched.sample()], None)
        async with asyncio.timeout(60):
            while len(await store.history.samples(SCOPE, since=now - timedelta(days=99))) != 1:  # noqa: ASYNC110  # rows
                await asyncio.sleep(0.01)
    await store.close()
