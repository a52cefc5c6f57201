"""What happens by itself while a request waits: reminders, and the end of its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.change_policy import Rota
from bot.domain.operations import Operation, State
from bot.domain.view import Mention, Paragraph
from bot.engine.timers import Timers, reminder_due
from bot.store.store import PostgresStore
from tests.support import operations as kept
from tests.support.clocks import ShiftedClock
from tests.support.engine import ANN, BOB, LEA, POLICY, Scene, buttons_of, scene_on

LIVES_S = kept.LIVES_S
FIRST, SECOND = 0.5 * LIVES_S + 5, 0.8 * LIVES_S + 5
ROTAS = tuple(
    Rota(people=(who,), starts=datetime(2020, 1, 1, tzinfo=UTC), tier=tier) for tier, who in ((1, BOB), (2, LEA))
)


@pytest.fixture
async def scene(store: PostgresStore, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_on(store, tmp_path, policy=replace(POLICY, rotas=ROTAS)) as set_up:
        yield set_up


async def waiting(scene: Scene, *, age_s: float, reminded: int = 0) -> Operation:
    """Keep a request that was made so long ago."""
    operation = kept.operation(age_s=age_s)
    await kept.add(scene.store, operation)
    if reminded:
        await kept.change(scene.store, operation.id, lambda found: replace(found, reminded=reminded))
    return operation


async def told(scene: Scene) -> list[tuple[str, ...]]:
    """Return whom each message in the thread calls."""
    await scene.deliver()
    lines = [
        [row for block in post.view.blocks if isinstance(block, Paragraph) for row in block.lines[2:]]
        for post in scene.posted
        if post.kind == "thread"
    ]
    return [tuple(part.user_id for row in rows for part in row if isinstance(part, Mention)) for rows in lines]


@pytest.mark.parametrize(
    ("age_s", "reminded", "people", "number"),
    [
        (FIRST - 10, 0, [], 0),
        (FIRST, 0, [(BOB,)], 1),
        (FIRST, 1, [], 1),
        (SECOND, 1, [(LEA,)], 2),
        (SECOND, 0, [(LEA,)], 2),
        (SECOND, 2, [], 2),
    ],
    ids=["early", "half", "half, again", "four fifths", "both late", "four fifths, again"],
)
async def test_who_is_on_call_is_reminded_and_then_the_second(
    scene: Scene, age_s: float, reminded: int, people: list[tuple[str, ...]], number: int
) -> None:
    """At half of the time, and at four fifths; what is late comes once."""
    operation = await waiting(scene, age_s=age_s, reminded=reminded)
    assert await Timers(scene.workshop).step() is bool(people)
    assert await told(scene) == people
    now = await scene.now(operation)
    assert (now.reminded, now.state, now.version) == (number, State.PENDING, 1)
    assert await Timers(scene.workshop).step() is False


async def test_a_reminder_says_who_is_missing_and_hangs_below_the_card(scene: Scene) -> None:
    """With nobody on call, it calls nobody."""
    operation = await waiting(scene, age_s=FIRST)
    await Timers(scene.fitted(policy=POLICY).workshop).step()
    await scene.deliver()
    [post] = scene.posted
    assert (post.kind, post.under, post.place) == ("thread", f"operation:{operation.id}", operation.place)
    assert post.view.summary == "Still waiting for 1 of the approvers: restart api"


async def test_the_requester_is_not_asked_to_approve(scene: Scene) -> None:
    """Not even when on call, under any account."""
    requester = (await waiting(scene, age_s=FIRST)).plan.requester.user_id
    rotas = tuple(replace(rota, people=(ANN,)) for rota in ROTAS)
    linked = replace(POLICY, rotas=rotas, humans={requester: "ann", ANN: "ann"})
    await Timers(scene.fitted(policy=linked).workshop).step()
    assert await told(scene) == [()]


async def test_a_request_that_nobody_answered_expires(scene: Scene) -> None:
    """Its card says so and has no decisions any more; everybody concerned is told, once, and never again."""
    operation = await waiting(scene, age_s=LIVES_S + 1)
    assert await Timers(scene.workshop).step()
    now = await scene.now(operation)
    assert (now.state, now.outcome) == (State.EXPIRED, "nobody answered in time")
    await scene.deliver()
    card, thread = scene.posted
    assert (card.subject, card.version) == (f"operation:{operation.id}", 2)
    assert [button.label for button in buttons_of(card.view)] == ["Ask again"]
    assert thread.under == card.subject
    [row] = await scene.audit()
    assert (row.action, row.actor, row.subject, row.detail["was"]) == ("expired", "ragops", operation.id, "PENDING")
    assert await Timers(scene.workshop).step() is False


async def test_what_was_approved_and_did_not_begin_in_time_expires(scene: Scene, store_url: str) -> None:
    """The time to begin is another."""
    operation = await scene.fitted(policy=replace(POLICY, execute_within_s=100)).request("restart api --risk low")
    assert await Timers(scene.workshop).step() is False
    with psycopg.connect(store_url, autocommit=True) as admin:
        admin.execute("UPDATE operations SET execute_by = execute_by - interval '100 s'")
    assert await Timers(scene.workshop).step()
    now = await scene.now(operation)
    assert (now.state, now.outcome) == (State.EXPIRED, "approved, but it could not begin in time")


async def test_what_runs_does_not_expire(scene: Scene) -> None:
    """However long it takes."""
    operation = await waiting(scene, age_s=LIVES_S - 60)
    for step in (kept.approved, kept.claimed):
        await kept.change(scene.store, operation.id, step)
    assert await Timers(scene.workshop).step() is False


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_t06_a_wrong_clock_ends_nothing_early_and_nothing_late(scene: Scene, minutes: int) -> None:
    """Of a replica: the database's decides."""
    clock = ShiftedClock()
    clock.shift(60 * minutes)
    late = await waiting(scene, age_s=LIVES_S + 1)
    early = kept.operation("op-second", name="worker", age_s=LIVES_S - 60)
    await kept.add(scene.store, replace(early, reminded=2))
    await Timers(scene.fitted(clock=clock).workshop).step()
    assert [(await scene.now(each)).state for each in (late, early)] == [State.EXPIRED, State.PENDING]


async def test_many_replicas_remind_and_expire_once(scene: Scene) -> None:
    """The row's lock decides which."""
    await waiting(scene, age_s=FIRST)
    await kept.add(scene.store, kept.operation("op-second", name="worker", age_s=LIVES_S + 1))
    worked = await asyncio.gather(*(Timers(scene.workshop).step() for _ in range(6)))
    assert any(worked)
    await scene.deliver()
    assert sorted(post.kind for post in scene.posted) == ["card", "thread", "thread"]
    assert len(await scene.audit("expired")) == 1


@given(seconds=st.integers(-10, 2000))
def test_reminders_come_in_order_and_only_while_it_waits(seconds: int) -> None:
    """None before half of the time, never more than two, none for what is approved."""
    operation = kept.operation()
    now = operation.created_at + timedelta(seconds=seconds)
    due = reminder_due(operation, now)
    assert due == (seconds >= 0.5 * LIVES_S) + (seconds >= 0.8 * LIVES_S)
    assert reminder_due(replace(operation, state=State.APPROVED), now) == 0
