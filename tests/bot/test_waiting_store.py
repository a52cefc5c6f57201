"""The store of a bot that starts before its database does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.main.waiting_store import WaitingStore
from bot.ports import Attempt, OperationQuery, RevisionSeen, Store
from tests.support.clocks import SteppedClock
from tests.support.operations import API, SCOPE, approved, claimed, found, operation, run_to, tokens
from tests.support.waiting import in_background

SEEN = RevisionSeen(ref=API, workload_uid="w1", revision_uid="r1", number=1, version="v1", pods=1)


async def test_what_was_handed_on_before_the_database_works_afterwards(store_url: str, tmp_path: Path) -> None:
    """Whoever uses it before is refused in words; then every call arrives."""
    store = WaitingStore(store_url, tmp_path, SteppedClock())
    port: Store = store
    operations, record = port.operations, port.record
    for early in (operations.find("op-1"), record.lasted(SCOPE, API), operations.due(limit=1)):
        with pytest.raises(StoreUnavailable, match="still starting"):
            await early
    async with in_background(store.run()):
        async with asyncio.timeout(10):
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
    await store.close()
