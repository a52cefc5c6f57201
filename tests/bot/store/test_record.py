"""What was seen to work, and how long roll-outs took."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import DictRow

from bot.domain import transitions as states
from bot.domain.operations import Operation
from bot.domain.steps import AnyStep, Scale, SetImage
from bot.domain.targets import ObjectRef
from bot.ports import RevisionSeen
from bot.store.store import PostgresStore
from tests.support.operations import API, SCOPE, approved, claimed, failed, operation, run_to, succeeded, written

Admin = psycopg.Connection[DictRow]

V1 = RevisionSeen(ref=API, workload_uid="w1", revision_uid="r1", number=1, version="v1", pods=3)
V2 = replace(V1, revision_uid="r2", number=2, version="v2")


async def test_each_minute_that_a_revision_is_seen_to_work_counts(store: PostgresStore, admin: Admin) -> None:
    """Its number and its version are those that were seen last; the latest revision is the first."""
    await store.record.note(SCOPE, [V1])
    await store.record.note(SCOPE, [replace(V1, number=3, version="v1-b", pods=4)])
    await store.record.note(SCOPE, [V2])
    admin.execute("UPDATE worked_revisions SET first_at = first_at - interval '1 hour' WHERE revision_uid = 'r1'")
    latest, earlier = await store.record.worked(SCOPE, API)
    assert (latest.revision_uid, latest.number, latest.version, latest.minutes) == ("r2", 2, "v2", 1)
    assert {latest.workload_uid, earlier.workload_uid} == {"w1"}
    assert (earlier.revision_uid, earlier.number, earlier.version, earlier.minutes) == ("r1", 3, "v1-b", 2)
    assert timedelta(minutes=59) < earlier.last_at - earlier.first_at < timedelta(minutes=61)
    assert earlier.first_at.tzinfo is UTC
    assert earlier.last_at <= latest.last_at <= datetime.now(UTC)


async def test_many_are_noted_at_once_each_where_it_is(store: PostgresStore) -> None:
    """By cluster, namespace, kind and name; nothing is noted of nothing."""
    other = ObjectRef("StatefulSet", "payments", "api")
    await store.record.note(SCOPE, [V1, V2, replace(V1, ref=other)])
    await store.record.note(replace(SCOPE, namespace="web"), [replace(V1, revision_uid="r9")])
    await store.record.note(SCOPE, [])
    assert {each.revision_uid for each in await store.record.worked(SCOPE, API)} == {"r1", "r2"}
    assert [each.revision_uid for each in await store.record.worked(SCOPE, other)] == ["r1"]
    assert await store.record.worked(SCOPE, ObjectRef("Deployment", "payments", "none")) == ()


async def test_a_version_may_be_any_text(store: PostgresStore) -> None:
    """Whoever may make a workload writes it; it must not keep others from being noted."""
    await store.record.note(SCOPE, [replace(V1, version="v1\x00\ud800é"), V2])
    assert {each.version for each in await store.record.worked(SCOPE, API)} == {"v1é", "v2"}


async def test_notes_of_many_at_once_all_count(store_url: str) -> None:
    """In whatever order they name the revisions."""
    async with await PostgresStore.open(store_url, smallest_pool=8, largest_pool=8) as store:
        orders = ([V1, V2], [V2, V1])
        await asyncio.gather(*(store.record.note(SCOPE, orders[number % 2]) for number in range(16)))
        assert [each.minutes for each in await store.record.worked(SCOPE, API)] == [16, 16]


async def test_what_works_no_longer_goes_after_ninety_days(store: PostgresStore, admin: Admin) -> None:
    """Counted from when it was last seen."""
    await store.record.note(SCOPE, [V1, V2])
    admin.execute(
        "UPDATE worked_revisions SET first_at = now() - interval '200 d',"
        " last_at = now() - CASE revision_uid WHEN 'r1' THEN interval '91 d' ELSE interval '89 d' END"
    )
    assert (await store.purge()).revisions == 1
    assert [each.revision_uid for each in await store.record.worked(SCOPE, API)] == ["r2"]


async def _took(store: PostgresStore, number: int, seconds: float, *, step: AnyStep | None = None) -> None:
    """Carry a change out whose roll-out took so long."""
    now = datetime.now(UTC)

    def took(of: Operation) -> Operation:
        return states.succeed(of, now=now + timedelta(minutes=number, seconds=seconds))

    asked = operation(f"op-{number}") if step is None else operation(f"op-{number}", step=step)
    writing = lambda of: states.written(of, now=now + timedelta(minutes=number), generation=1)  # noqa: E731  # a step
    await run_to(store, asked, approved, claimed, writing, took)


async def test_the_last_roll_outs_are_told_by_their_length(store: PostgresStore) -> None:
    """Up to five, the latest first, of the workload that is asked about."""
    for number in range(7):
        await _took(store, number, 10 + number)
    assert await store.record.lasted(SCOPE, API) == (16.0, 15.0, 14.0, 13.0, 12.0)
    assert await store.record.lasted(replace(SCOPE, cluster="test"), API) == ()
    assert await store.record.lasted(SCOPE, replace(API, name="web")) == ()


async def test_what_gave_no_new_template_or_went_wrong_is_no_roll_out(store: PostgresStore) -> None:
    """To scale takes another time, and what failed took as long as we waited."""
    await _took(store, 0, 5, step=Scale(kind="Deployment", was=1, replicas=2))
    await run_to(store, operation("op-1"), approved, claimed, written, failed)
    image = SetImage(kind="Deployment", template="a", to_template="b", container="api", was="api:1", image="api:2")
    await _took(store, 2, 42.5, step=image)
    assert await store.record.lasted(SCOPE, API) == (pytest.approx(42.5),)


async def test_a_roll_out_that_runs_has_no_length_yet(store: PostgresStore) -> None:
    """Nor had one that never was written."""
    running = await run_to(store, operation(), approved, claimed, written)
    assert await store.record.lasted(SCOPE, API) == ()
    async with store.transaction() as transaction:
        assert await transaction.save(succeeded(running))
    (seconds,) = await store.record.lasted(SCOPE, API)
    assert 0 <= seconds < 60
