"""From a real database and a cluster to a digest's messages; what hangs or is away costs its part and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from bot.domain.findings import Severity
from bot.domain.requests import Post
from bot.domain.snapshot import Part, Snapshot
from bot.domain.targets import Namespace, ObjectRef, Scope
from bot.domain.text import Redacted
from bot.domain.view import Headline, Mark, Picture
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.samples import Note, Problem, Sample
from bot.errors import ClusterUnreachable, StoreUnavailable, UsageError
from bot.ports import Store
from bot.schedule.calendar import CronCalendar
from bot.store.store import PostgresStore
from bot.watching.digest_chart import STEP_S
from bot.watching.digesting import DigestMaker
from bot.watching.scheduling import Runner
from bot.worker import Delivery
from tests.support import digests as made
from tests.support.answers import rows
from tests.support.builders import NOW as CLUSTER_NOW
from tests.support.builders import SCOPE
from tests.support.clocks import SteppedClock
from tests.support.digests import MORNING, PLAN
from tests.support.service import CATALOGUE, healthy
from tests.support.twins import RecordingNotifier, SnapshotCluster, TableLogs
from tests.support.watch_records import save

API = ObjectRef("Deployment", SCOPE.namespace, "api")
POLICY = WatchPolicy(digests=(replace(PLAN, scopes=(SCOPE,)),))


class Broken(SnapshotCluster):
    """A cluster that answers with an error, or never."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(healthy())
        self._error = error

    async def snapshot(self, scope: Scope, parts: frozenset[Part]) -> Snapshot:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()
        return await SnapshotCluster.snapshot(self, scope, parts)


def maker(
    store: Store, *, cluster: SnapshotCluster | None = None, clock: SteppedClock | None = None, **more: Any
) -> DigestMaker:
    return DigestMaker(
        policy=more.pop("policy", POLICY),
        store=store,
        cluster=cluster or SnapshotCluster(healthy()),
        logs=TableLogs({}),
        clock=clock or SteppedClock(CLUSTER_NOW),
        catalogue_at=lambda _: CATALOGUE,
        words_to=lambda _: "-n shop",
        **more,
    )


async def a_day(store: PostgresStore) -> None:
    """Record a day in which api was short of a pod for a while, an alert about it, and a release."""
    start = CLUSTER_NOW - timedelta(hours=23)
    async with store.transaction() as transaction:
        for step in range(0, 23 * 60, 30):
            at = start + timedelta(minutes=step)
            sample = Sample(ref=API, desired=2, ready=1 if 300 <= step < 400 else 2, restarts=step // 300, warnings=2)
            crash = Problem(key="crash", severity=Severity.CRITICAL, title="search: crash", words=Redacted("exit 1"))
            await transaction.record(SCOPE, at, [sample], [crash] if 300 <= step < 400 else [])
        words, at = Redacted("search v1.1 → v1.2"), start + timedelta(hours=5)
        note = Note(key="release:7", kind="release", scope=SCOPE, ref=API, words=words, at=at)
        assert await transaction.note(note)


def pictures(post: Post) -> list[Picture]:
    return [block for block in post.view.blocks if isinstance(block, Picture)]


async def test_a_digest_tells_what_was_recorded(store: PostgresStore) -> None:
    """The check's verdict, what is over, what changed, the warnings, and the day as a picture."""
    await a_day(store)
    view = await maker(store).preview("morning")
    shown = "\n".join(rows(view))
    assert view.summary == "Tue 24 Nov, 23:00 — shop is healthy"
    for words in ("Resolved  search: crash", "05:00 search v1.1 → v1.2", "Warnings  92 events in 24 hours"):
        assert words in shown
    (picture,) = (block for block in view.blocks if isinstance(block, Picture))
    assert picture.chart.step_s == STEP_S
    assert picture.chart.title.startswith("search was down to 50 % from 05:00")
    assert [moment.label for moment in picture.chart.moments] == ["search v1.1 → v1.2"]


async def test_alerts_of_a_cluster_are_told_once(store: PostgresStore) -> None:
    """With the first of its namespaces, whichever a digest is about."""
    other = Scope(SCOPE.cluster, Namespace("other"))
    found = made.episode("node n1 is full", service="", source="ragops", fired=3, resolved=2)
    whole = replace(found, scope=SCOPE.whole, version=1, resolved_at=CLUSTER_NOW, began_at=CLUSTER_NOW)
    await save(store, replace(whole, fired_at=CLUSTER_NOW))
    for scopes in ((SCOPE, other), (other, SCOPE)):
        plan = replace(POLICY.digests[0], scopes=scopes)
        view = await maker(store, policy=replace(POLICY, digests=(plan,))).preview("morning")
        assert [len(place["resolved"]) for place in view.data["places"]].count(1) == 1  # type: ignore[index]  # JSON


async def test_every_channel_gets_it_with_its_details_below(store: PostgresStore) -> None:
    """By the subject of its due moment; one that somebody asked for has a subject of its own, and says who."""
    await a_day(store)
    due = CLUSTER_NOW - timedelta(hours=2)
    posts = await maker(store).posts("morning", due=due, late=timedelta(hours=2))
    assert [(post.place.channel, post.kind) for post in posts] == [
        ("C1", "digest"),
        ("C1", "digest details"),
        ("C2", "digest"),
        ("C2", "digest details"),
    ]
    assert posts[0].subject == posts[1].under == "digest:morning:2026-11-24T20:00:00Z"
    assert "Sent 2 h late" in "\n".join(rows(posts[0].view))
    (now, *_) = await maker(store).posts("morning", asked_by="U-ann")
    assert (now.subject, now.asked_by) == ("digest:morning:now:2026-11-24T22:00:00Z", "U-ann")
    assert "Asked for by @U-ann" in "\n".join(rows(now.view))
    assert len(pictures(now)) == 1


async def test_it_compares_with_the_last_one_that_was_sent(store: PostgresStore) -> None:
    """What was over before is not told again."""
    await a_day(store)
    claim = await store.slots.begin("morning", CLUSTER_NOW - timedelta(hours=4), lease_s=30)
    assert claim is not None
    async with store.transaction() as transaction:
        assert await transaction.finish_slot(claim, outcome="sent")
    shown = "\n".join(rows(await maker(store, clock=SteppedClock(datetime.now(UTC))).preview("morning")))
    assert "· the last 24 hours ·" not in shown
    assert "what came since the digest of" in shown
    assert "Resolved" not in shown


@pytest.mark.parametrize("error", [ClusterUnreachable("No answer."), None], ids=["unreachable", "hanging"])
async def test_a_cluster_that_is_away_is_never_healthy(store: PostgresStore, error: Exception | None) -> None:
    """The verdict says so, in time; what was recorded is told all the same."""
    await a_day(store)
    view = await maker(store, cluster=Broken(error), check_s=0.2).preview("morning")
    assert isinstance(view.blocks[0], Headline)
    assert view.blocks[0].mark is Mark.UNKNOWN
    assert view.exit_code == 2
    assert any(isinstance(block, Picture) for block in view.blocks)


class Away:
    """The part of a store whose every call fails, or never ends."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*_: object, **__: object) -> Any:
            if self._hangs:
                await asyncio.Event().wait()
            raise StoreUnavailable

        return call


class Half:
    """A store of which nothing can be read."""

    def __init__(self, *, hangs: bool) -> None:
        self.history = self.episodes = self.operations = self.slots = Away(hangs=hangs)


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_database_that_is_away_costs_what_is_kept_there(*, hangs: bool) -> None:
    """The check is there; what is missing is named; it takes as long as one reading."""
    half: Any = Half(hangs=hangs)
    view = await maker(half, kept_s=0.2).preview("morning")
    shown = "\n".join(rows(view))
    assert view.summary == "Tue 24 Nov, 23:00 — shop is healthy"
    assert "Not looked at: history" in shown
    assert not any(isinstance(block, Picture) for block in view.blocks)


async def test_a_name_that_is_none_is_told_the_others(store: PostgresStore) -> None:
    """And an empty one means the first."""
    with pytest.raises(UsageError, match='There is no digest "evening"'):
        await maker(store).preview("evening")
    with pytest.raises(UsageError, match="No digest is configured"):
        await maker(store, policy=WatchPolicy()).posts("")
    assert (await maker(store).preview("")).summary.endswith("shop is healthy")


async def test_the_clock_sends_it_once_and_its_details_into_its_thread(store: PostgresStore, store_url: str) -> None:
    """From the schedule over the outbox to what people see."""
    await a_day(store)
    clock = SteppedClock(datetime(2026, 11, 24, 7, 59, tzinfo=UTC))
    made = maker(store, clock=clock)
    (job,) = made.jobs()
    assert job.schedule == MORNING
    runner = Runner([job], store=store, calendar=CronCalendar(), clock=clock)
    while await runner.step():
        pass
    clock.step(120)
    assert await runner.step()
    while await runner.step():
        pass
    screen = RecordingNotifier()
    delivery = Delivery(store, screen, clock, random.Random(3))
    while await delivery.step():
        pass
    with psycopg.connect(store_url) as connection:
        assert connection.execute("SELECT count(*) FROM outbox WHERE state = 'delivered'").fetchone() == (4,)
    main = {message.post.place.channel: message.id for message in screen.delivered if message.post.kind == "digest"}
    below = {m.post.place.channel: m.post.place.thread for m in screen.delivered if m.post.kind != "digest"}
    assert main == below
    assert set(main) == {"C1", "C2"}
