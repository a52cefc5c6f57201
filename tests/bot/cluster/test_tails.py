"""Tails of logs that go on: remembered for a short while, never for longer than is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.cluster import ContainerLogs, KubernetesHttp
from bot.cluster.runs import RunId, run_now
from bot.cluster.tails import FRESH_FOR, KEPT_FOR, RunningTails
from bot.domain.objects import Pod
from bot.domain.snapshot import LogExcerpt, LogKey, LogLine, LogQuery, LogRead
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.text import Redacted
from tests.support.builders import container, crash_looping, log_of, pod
from tests.support.fake_api import FakeApi, status, text
from tests.support.waiting import turns, until

CLUSTER = ClusterName("prod")
SCOPE = Scope(CLUSTER, Namespace("shop"))
PATH = "/api/v1/namespaces/shop/pods/a/log"
KEY = LogKey("a", "main", previous=False)
RUN = RunId("uid", "main", 0)


@dataclass(slots=True)
class Moments:
    """A clock that stands until it is moved."""

    at: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def pass_by(self, passed: timedelta) -> None:
        self.at += passed


@dataclass(slots=True)
class Stage:
    """Logs in front of a server that counts what it is asked for, and says so in the log."""

    logs: ContainerLogs
    tails: RunningTails
    clock: Moments
    api: FakeApi
    runs: dict[LogKey, RunId | None] = field(default_factory=lambda: {KEY: RUN})

    async def tail(self, key: LogKey = KEY, *, lines: int = 5) -> LogExcerpt:
        return (await self.logs.tails(SCOPE, [key], lines=lines))[key]

    @property
    def reads(self) -> int:
        return len(self.api.asked)


@pytest.fixture
def stage(api: FakeApi, http: KubernetesHttp) -> Stage:
    clock, runs = Moments(), dict[LogKey, RunId | None]({KEY: RUN})
    tails = RunningTails(lambda _, key: runs.get(key), clock)

    async def count(_: web.Request) -> web.Response:
        return web.Response(text=f"read {len(api.asked)}\n")

    api.on(PATH, count)
    return Stage(ContainerLogs({CLUSTER: http}, running=tails), tails, clock, api, runs)


@asynccontextmanager
async def refreshing(tails: RunningTails) -> AsyncIterator[None]:
    running = asyncio.create_task(tails.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def eventually(stage: Stage, reads: int) -> None:
    """Wait for so many reads, and for the answer to the last of them."""

    async def look() -> int:
        return stage.reads

    await until(look, lambda seen: seen >= reads, every_s=0.005)
    await turns()


async def test_a_log_that_was_just_read_is_not_read_again(stage: Stage) -> None:
    """Neither at once nor some seconds later; the lines are given as they are."""
    for _ in range(3):
        assert await stage.tail() == log_of("read 1")
        stage.clock.pass_by(FRESH_FOR / 4)
    assert stage.reads == 1


async def test_an_older_one_says_its_age_and_is_read_again_meanwhile(stage: Stage) -> None:
    """The next one to ask has the new one."""
    async with refreshing(stage.tails):
        await stage.tail()
        stage.clock.pass_by(timedelta(seconds=42))
        assert await stage.tail() == log_of("read 1", problem="as it was 42 s ago")
        assert await stage.tail() == log_of("read 1", problem="as it was 42 s ago")
        await eventually(stage, 2)
        assert await stage.tail() == log_of("read 2")
    assert stage.reads == 2


async def test_what_is_too_old_is_read_before_it_is_given(stage: Stage) -> None:
    """Nobody sees a log of more than a minute ago."""
    async with refreshing(stage.tails):
        await stage.tail()
        stage.clock.pass_by(KEPT_FOR)
        assert await stage.tail() == log_of("read 2")


async def test_nothing_old_is_given_where_nobody_reads_it_again(stage: Stage) -> None:
    """Without a background there is no second read to wait for."""
    await stage.tail()
    stage.clock.pass_by(FRESH_FOR)
    assert await stage.tail() == log_of("read 2")


async def test_that_nothing_was_written_is_said_of_now_alone(stage: Stage) -> None:
    """An empty log has no line to write its age beside."""
    async with refreshing(stage.tails):
        stage.api.on(PATH, text(""))
        assert await stage.tail() == LogExcerpt()
        stage.clock.pass_by(FRESH_FOR)
        stage.api.on(PATH, text("at last\n"))
        assert await stage.tail() == log_of("at last")


async def test_another_run_is_another_log(stage: Stage) -> None:
    """A restart is known from the watch before anybody asks for its log; as is the end of a run."""
    await stage.tail()
    stage.runs[KEY] = replace(RUN, number=1)
    assert (await stage.tail()).lines == ("read 2",)
    stage.runs[KEY] = None
    assert (await stage.tail()).lines == ("read 3",)
    assert (await stage.tail()).lines == ("read 4",)


async def test_more_lines_are_another_question(stage: Stage) -> None:
    """Sixty lines do not answer for a hundred."""
    await stage.tail(lines=5)
    await stage.tail(lines=6)
    assert [query["tailLines"] for _, query in stage.api.asked] == ["5", "6"]


async def test_a_reader_of_the_log_has_it_fresh(stage: Stage) -> None:
    """The verb `logs` shows what is there now, whatever the diagnosis has read."""
    await stage.tail()
    read = await stage.logs.read(SCOPE, [LogQuery(key=KEY, tail=5)])
    assert [line.text for line in read[KEY].lines] == ["read 2"]


async def test_a_log_that_could_not_be_read_is_asked_for_again(stage: Stage) -> None:
    """A trouble is told as it is, and not remembered."""
    stage.api.on(PATH, status(403, "no"))
    assert (await stage.tail()).problem
    stage.api.on(PATH, text("here\n"))
    assert await stage.tail() == log_of("here")


async def test_a_refresh_that_fails_leaves_what_there_is(stage: Stage) -> None:
    """Until that is too old."""
    async with refreshing(stage.tails):
        await stage.tail()
        stage.api.on(PATH, status(403, "no"))
        stage.clock.pass_by(FRESH_FOR)
        assert (await stage.tail()).lines == ("read 1",)
        await eventually(stage, 2)
        assert (await stage.tail()).problem == "as it was 15 s ago"
        stage.clock.pass_by(KEPT_FOR)
        assert not (await stage.tail()).lines


async def test_many_who_ask_at_once_read_once(stage: Stage) -> None:
    """Also when the one that reads gives up: then another one does."""
    gate, asked = asyncio.Event(), 0

    async def fetch() -> LogRead:
        nonlocal asked
        asked += 1
        await gate.wait()
        return LogRead((LogLine(None, Redacted("once")),))

    asking = [asyncio.create_task(stage.tails.read(SCOPE, KEY, 5, fetch)) for _ in range(9)]
    await asyncio.sleep(0.01)
    assert asked == 1
    asking[0].cancel()
    asking[3].cancel()
    await asyncio.sleep(0.01)
    assert asked == 2
    gate.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in results] == [n in (0, 3) for n in range(9)]
    assert all(each.lines[0].text == "once" for each in results if isinstance(each, LogRead))
    assert asked == 2


async def test_what_is_remembered_is_bounded() -> None:
    """In number and in characters; what was asked for last stays."""
    clock = Moments()
    tails = RunningTails(lambda _, key: RunId(key.pod, "main", 0), clock, most_tails=3, most_characters=100)
    reads = 0

    async def fetch(size: int = 10) -> LogRead:
        nonlocal reads
        reads += 1
        return LogRead((LogLine(None, Redacted("x" * size)),))

    for name in ("a", "b", "c", "a", "d"):
        await tails.read(SCOPE, replace(KEY, pod=name), 5, fetch)
    assert (len(tails), reads) == (3, 4)
    await tails.read(SCOPE, replace(KEY, pod="a"), 5, fetch)
    assert reads == 4
    await tails.read(SCOPE, replace(KEY, pod="big"), 5, lambda: fetch(95))
    assert len(tails) == 1
    await tails.read(SCOPE, replace(KEY, pod="bigger"), 5, lambda: fetch(101))
    assert len(tails) == 0
    await tails.read(SCOPE, KEY, 5, fetch)
    clock.pass_by(KEPT_FOR)
    await tails.read(SCOPE, replace(KEY, pod="b"), 5, fetch)
    assert len(tails) == 1


@pytest.mark.parametrize(
    ("shown", "key", "run"),
    [
        (pod(None, container(restarts=4, name="main"), name="a"), KEY, RunId("pod-a", "main", 4)),
        (pod(None, container(name="main"), name="a"), replace(KEY, previous=True), None),
        (pod(None, container(name="main"), name="a"), replace(KEY, container="other"), None),
        (pod(None, crash_looping(name="main"), name="a"), KEY, None),
    ],
    ids=["it runs", "the run before", "no such container", "it waits"],
)
def test_only_a_run_that_goes_on_is_one(shown: Pod, key: LogKey, run: RunId | None) -> None:
    """What has ended is known for good, and what has not begun has no log."""
    found = run_now(shown, key)
    assert found == (replace(run, pod_uid=shown.meta.uid) if run is not None else None)
