"""Marks in the cluster that the store knows nothing of are put on record and told, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psycopg
import pytest

from bot.domain.live import MARKER
from bot.domain.operations import State
from bot.domain.requests import Post
from bot.engine.marks import Marks
from bot.ports import AuditQuery, AuditRecord
from tests.support.carrying import Bench, approved
from tests.support.changing import VERBS, deploy, edit
from tests.support.clocks import SteppedClock

LOST = "0e8dfb0c-0000-4000-8000-000000000000"


async def unknown(bench: Bench) -> list[AuditRecord]:
    return list(await bench.store.audit_trail.search(AuditQuery(operation="unknown_effect")))


async def told(bench: Bench) -> list[Post]:
    return [post for post in await bench.posts() if post.kind == "notice"]


def mark(bench: Bench, name: str, operation_id: str) -> None:
    edit(
        bench.world,
        "deployments",
        name,
        lambda of: of["metadata"].setdefault("annotations", {}).update({MARKER: operation_id}),
    )


async def test_a_mark_without_a_request_is_told_once(bench: Bench) -> None:
    """The database fell back behind what it had done: on record and in the channel, by one of several replicas."""
    deploy(bench.world, "api")
    mark(bench, "api", LOST)

    await asyncio.gather(*(Marks(bench.workshop).step() for _ in range(3)))

    (entry,) = await unknown(bench)
    assert (entry.subject, entry.detail["target"]) == (LOST, "deployment/api in shop on demo")
    (post,) = await told(bench)
    assert post.place.channel == "C-ops"
    assert LOST in str(post.view.blocks)


async def test_what_was_carried_out_is_known(bench: Bench) -> None:
    """The mark of a change that has its row, and of one that is being written, is as it should be."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.run()
    looked = Marks(bench.workshop)

    async def look(point: str) -> None:
        if point == "written:after":
            assert await looked.step()

    assert (await bench.carried_out(operation, executor=bench.executor(at=look))).state is State.SUCCEEDED
    assert await Marks(bench.workshop).step()

    assert await unknown(bench) == []


async def test_an_effect_of_a_request_that_says_it_has_none_is_told(bench: Bench) -> None:
    """The row is there, but of before: it is still only approved, and the cluster says otherwise."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    mark(bench, "api", operation.id)

    assert await Marks(bench.workshop).step()

    assert [each.subject for each in await unknown(bench)] == [operation.id]


async def test_a_row_that_was_removed_by_its_age_is_remembered_by_the_audit(bench: Bench, store_url: str) -> None:
    """Rows end after a year; the audit keeps what they did."""
    operation = await approved(bench.store, VERBS["restart"](bench.world, "api"))
    bench.run()
    await bench.carried_out(operation)
    async with await psycopg.AsyncConnection.connect(store_url) as connection:
        await connection.execute("DELETE FROM operations")

    assert await Marks(bench.workshop).step()

    assert await unknown(bench) == []


async def test_an_autoscaler_carries_a_mark_too(bench: Bench) -> None:
    """Its bounds are changed like anything else."""
    VERBS["bounds"](bench.world, "api")
    edit(
        bench.world,
        "horizontalpodautoscalers",
        "api",
        lambda of: of["metadata"].setdefault("annotations", {}).update({MARKER: LOST}),
    )

    assert await Marks(bench.workshop).step()

    assert [each.detail["target"] for each in await unknown(bench)] == ["horizontalpodautoscaler/api in shop on demo"]


async def test_it_looks_at_the_start_and_each_hour(bench: Bench) -> None:
    """In between there is nothing to do."""
    clock = SteppedClock()
    marks = Marks(replace(bench.workshop, clock=clock))

    assert await marks.step()
    assert not await marks.step()
    clock.step(3599)
    assert not await marks.step()
    clock.step(1)
    assert await marks.step()


@pytest.mark.parametrize("channel", ["", "C-ops"])
async def test_without_a_channel_it_is_only_on_record(bench: Bench, channel: str) -> None:
    """There is nowhere to tell it."""
    deploy(bench.world, "api")
    mark(bench, "api", LOST)

    policy = replace(bench.workshop.policy, channel=channel)
    assert await Marks(replace(bench.workshop, policy=policy)).step()

    assert len(await unknown(bench)) == 1
    assert len(await told(bench)) == int(bool(channel))
