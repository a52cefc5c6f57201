"""However many publish the head of the audit: one post for each due moment, and none for one that passed unseen."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bot.configuration import AuditPublishing
from bot.domain.requests import Post
from bot.domain.view import Code
from bot.main.publishing import SCHEDULE, HeadPublisher, due
from bot.ports import AuditEntry
from bot.store.store import PostgresStore
from tests.support.clocks import SteppedClock
from tests.support.processes import environment, ragops
from tests.support.shared_world import NO_LIMITS, Shape, shared_world
from tests.support.waiting import until
from tests.support.watched import words_of

START = datetime(2026, 11, 24, 22, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = AuditPublishing(channel="C0AUDIT000", every_hours=1)
ROOM = "C00ROOM00"

pytestmark = pytest.mark.timeout(300)


async def test_four_publishers_post_one_head_for_each_due_moment(store_url: str) -> None:
    """They look at the same moment, again and again, while hours pass and entries come."""
    clock = SteppedClock(START)
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(await PostgresStore.open(store_url)) for _ in range(4)]
        publishers = [HeadPublisher(HOURLY, store, clock) for store in stores]
        moments: list[datetime] = []
        heads: list[str] = []
        for look in range(15):
            await note(stores[look % 4], look)
            published = sum(await asyncio.gather(*(publisher.step() for publisher in publishers)))
            assert published == (due(clock.now(), HOUR) not in moments)
            if published:
                moments.append(due(clock.now(), HOUR))
                heads.append(await stores[0].audit_trail.head())
            clock.step(20 * 60)

        posts = await delivered(stores[0])
        assert len(moments) == 5
        assert [head_in(post) for post in posts] == heads
        assert {post.place.channel for post in posts} == {HOURLY.channel}


async def test_a_head_that_comes_late_says_when_it_was_read(store_url: str) -> None:
    """Not when it was due: rows that came since are in it."""
    async with await PostgresStore.open(store_url) as store:
        assert await HeadPublisher(HOURLY, store, SteppedClock(START)).step()
        [post] = await delivered(store)
        assert post.view.summary == "The audit has 0 entries at 2026-11-24 22:10 UTC."


async def test_a_moment_that_nobody_saw_is_not_made_up_for(store_url: str) -> None:
    """Whoever comes late publishes the newest only, and a newcomer finds it published."""
    clock = SteppedClock(START)
    async with await PostgresStore.open(store_url) as store:
        await note(store, 0)
        assert await HeadPublisher(HOURLY, store, clock).step()
        clock.step(5 * 3600)

        looks = [await HeadPublisher(HOURLY, store, clock).step() for _ in range(3)]

        assert looks == [True, False, False]
        assert len(await delivered(store)) == 2


async def test_replicas_publish_one_head_between_them(tmp_path: Path, store_url: str) -> None:
    """Two workers, one of them started anew: one post for the hour, and it fits the chain."""
    async with await PostgresStore.open(store_url) as store:
        await note(store, 0)
    settings = f'{NO_LIMITS}\n[audit]\nchannel = "{ROOM}"\nevery_hours = 1'
    shape = Shape(members=2, guests=0, channels=1, settings=settings)
    async with shared_world(tmp_path, store_url, shape) as world:
        workspace = world.crowd.workspace
        assert workspace.channels["room0"].id == ROOM
        began = datetime.now(UTC)
        await world.replicas.start_all("one", "two", role="worker")
        await world.replicas.stop("two")
        await world.replicas.start("two", role="worker")

        async def posted() -> list[str]:
            return [words_of(message) for message in workspace.public]

        await until(posted, bool)
        assert await world.replicas.stop_all() == [0, 0]

        # An hour may end while this runs: then the new one has a head of its own.
        hours = {due(began, HOUR), due(datetime.now(UTC), HOUR)}
        taken = slots(store_url)
        assert 1 <= len(taken) == len(await posted())
        assert set(taken) <= hours
        head = re.findall(r"\d+:[0-9a-f]{64}", (await posted())[0])[0]
        environ = environment(tmp_path) | {"DATABASE_URL": store_url}
        verified = await ragops("audit", "verify", "--head", head, environ=environ, folder=tmp_path)
        assert verified.code == 0, verified.out + verified.err


async def note(store: PostgresStore, number: int) -> None:
    """Put something on record."""
    async with store.transaction() as transaction:
        entry = AuditEntry(actor="U0ANN", action="share", subject="C1", result="done", detail={"number": number})
        await transaction.audit(entry)


async def delivered(store: PostgresStore) -> list[Post]:
    """Deliver everything in the outbox to nobody, and return it in order."""
    posts = []
    while (outgoing := await store.outbox.claim(lease_s=30)) is not None:
        posts.append(outgoing.post)
        assert await store.outbox.delivered(outgoing, message_id=f"1.{outgoing.id}")
    return posts


def head_in(post: Post) -> str:
    """Return the head that a post carries."""
    (head,) = [block.text for block in post.view.blocks if isinstance(block, Code)]
    return str(head)


def slots(url: str) -> list[datetime]:
    """Return the moments at which a head was due and that were taken."""
    with psycopg.connect(url) as connection:
        return [
            row[0] for row in connection.execute("SELECT due_at FROM slots WHERE name = %s", (SCHEDULE,)).fetchall()
        ]
