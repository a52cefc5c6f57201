"""Tails of logs: bounded, redacted, and in plain words when there is none."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.cluster import ContainerLogs, KubernetesHttp
from bot.cluster.log_text import LONGEST_LINE
from bot.cluster.logs import KEPT_BYTES, READ_BYTES, SIDE_BY_SIDE
from bot.cluster.runs import KEPT_LINES, RunId
from bot.domain.snapshot import LogExcerpt, LogKey, LogQuery
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.errors import UsageError
from tests.support.fake_api import Answer, FakeApi, drop, silence, status, text

CLUSTER = ClusterName("prod")
SCOPE = Scope(CLUSTER, Namespace("shop"))
PATH = "/api/v1/namespaces/shop/pods/a/log"
KEY = LogKey("a", "main", previous=False)
RESPONSES = json.loads((Path(__file__).parents[2] / "fixtures" / "cluster" / "responses.json").read_bytes())


async def tail(http: KubernetesHttp, key: LogKey = KEY, *, lines: int = 10, timeout_s: float = 5.0) -> LogExcerpt:
    return (await ContainerLogs({CLUSTER: http}, timeout_s=timeout_s).tails(SCOPE, [key], lines=lines))[key]


async def test_the_last_lines_are_asked_for_and_given_oldest_first(api: FakeApi, http: KubernetesHttp) -> None:
    """The server cuts by lines; the container and the run are named."""
    api.on(PATH, text("one\ntwo\nthree\n"))
    assert (await tail(http, lines=3)).lines == ("one", "two", "three")
    await tail(http, LogKey("a", "main", previous=True), lines=3)
    assert [query for _, query in api.asked] == [
        {"container": "main", "tailLines": "3", "timestamps": "true"},
        {"container": "main", "tailLines": "3", "timestamps": "true", "previous": "true"},
    ]


@pytest.mark.parametrize(
    ("recorded", "problem"),
    [
        ("log-previous-none", "there is no log of a run before this one"),
        ("log-container-unknown", "the pod has no container main"),
        ("log-container-creating", "the container has not started: ContainerCreating"),
        ("log-config-error", "the container has not started: CreateContainerConfigError"),
        ("log-image-pull", "the container has not started: its image cannot be pulled"),
        ("log-pod-initializing", "the container has not started: PodInitializing"),
        ("log-unscheduled", "the pod is not scheduled yet, so there is no log"),
        ("log-pod-missing", "the pod a is gone"),
        ("log-previous-gone", "the container of that run was removed, and its log with it"),
    ],
)
async def test_every_recorded_way_of_having_no_log_is_told_in_words(
    api: FakeApi, http: KubernetesHttp, recorded: str, problem: str
) -> None:
    """Held against the answers of a real server; one of them is a 200."""
    answer = next(r["response"] for r in RESPONSES if r["name"] == recorded)
    body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
    api.on(PATH, text("" if answer["status"] == 204 else body, answer["status"]))
    assert await tail(http) == LogExcerpt(problem=problem)


@pytest.mark.parametrize(
    ("answer", "part"),
    [(status(500, "kubelet down"), "kubelet down"), (status(403, "no"), "Not allowed"), (drop(), "broke off")],
    ids=["500", "403", "drop"],
)
async def test_one_log_that_fails_does_not_void_the_others(
    api: FakeApi, http: KubernetesHttp, answer: Answer, part: str
) -> None:
    """Its excerpt has the problem, the others have their lines."""
    api.on(PATH, answer)
    api.on(PATH.replace("/a/", "/b/"), text("fine\n"))
    other = LogKey("b", "main", previous=False)
    excerpts = await ContainerLogs({CLUSTER: http}).tails(SCOPE, [KEY, other], lines=5)
    assert part in excerpts[KEY].problem
    assert excerpts[other].lines == ("fine",)


async def test_a_log_that_does_not_come_is_given_up(api: FakeApi, http: KubernetesHttp) -> None:
    """A frozen kubelet costs the time limit."""
    api.on(PATH, silence())
    assert "did not answer in time" in (await tail(http, timeout_s=0.2)).problem


async def test_an_endless_log_is_bounded_and_said_to_be(api: FakeApi, http: KubernetesHttp) -> None:
    """Reading stops; what was read last is kept."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(2 * READ_BYTES // 2**20):
            await response.write(b"x" * 1023 + b"\n" + b"y" * (2**20 - 1024))
        return response

    api.on(PATH, endless)
    excerpt = await tail(http, lines=5)
    assert "longer than 8 MiB" in excerpt.problem
    assert all(len(line) <= LONGEST_LINE for line in excerpt.lines)


async def test_no_more_than_a_few_are_read_side_by_side(api: FakeApi, http: KubernetesHttp) -> None:
    """Log requests are exempt from the server's fairness, so we are fair ourselves."""
    running = most = 0
    full = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == SIDE_BY_SIDE:
            full.set()
        await full.wait()
        await asyncio.sleep(0.02)
        running -= 1
        return web.Response(text="x\n")

    keys = [LogKey(f"pod-{number}", "main", previous=False) for number in range(30)]
    for key in keys:
        api.on(f"/api/v1/namespaces/shop/pods/{key.pod}/log", slow)
    excerpts = await ContainerLogs({CLUSTER: http}).tails(SCOPE, keys, lines=1)
    assert len(excerpts) == 30
    assert most == SIDE_BY_SIDE


ENDED_AT = datetime(2026, 11, 24, 22, tzinfo=UTC)
PREVIOUS = LogKey("a", "main", previous=True)


class Runs:
    """Which run a key means, as a test says."""

    def __init__(self) -> None:
        self.ended: RunId | None = RunId("uid", "main", 1, ENDED_AT)

    def of(self, scope: Scope, key: LogKey) -> RunId | None:
        del scope, key
        return self.ended


async def test_the_log_of_an_ended_run_is_fetched_once(api: FakeApi, http: KubernetesHttp) -> None:
    """Whichever way it is asked for and however many lines, until another run has ended; failures are asked again."""
    runs = Runs()
    logs = ContainerLogs({CLUSTER: http}, run_of=runs.of)
    api.on(PATH, status(500, "not now"), text("crash 1\nbye\n"))
    assert (await logs.tails(SCOPE, [PREVIOUS], lines=5))[PREVIOUS].problem
    for key in (PREVIOUS, KEY, PREVIOUS):
        assert (await logs.tails(SCOPE, [key], lines=5))[key].lines == ("crash 1", "bye")
        assert (await logs.tails(SCOPE, [key], lines=1))[key].lines == ("bye",)
    assert api.times(PATH) == 2
    assert {query["tailLines"] for _, query in api.asked} == {str(KEPT_LINES)}

    runs.ended = RunId("uid", "main", 2, ENDED_AT + timedelta(minutes=1))
    api.on(PATH, text("crash 2\n"))
    assert (await logs.tails(SCOPE, [KEY], lines=5))[KEY].lines == ("crash 2",)
    assert api.times(PATH) == 3


async def test_the_log_of_a_running_container_is_always_fetched(api: FakeApi, http: KubernetesHttp) -> None:
    """It goes on."""
    runs = Runs()
    runs.ended = None
    logs = ContainerLogs({CLUSTER: http}, run_of=runs.of)
    api.on(PATH, text("one\n"))
    await logs.tails(SCOPE, [KEY], lines=5)
    await logs.tails(SCOPE, [KEY], lines=5)
    assert api.times(PATH) == 2


async def test_a_run_that_counts_anew_is_another_run(api: FakeApi, http: KubernetesHttp) -> None:
    """The same number, another end."""
    runs = Runs()
    logs = ContainerLogs({CLUSTER: http}, run_of=runs.of)
    api.on(PATH, text("old\n"), text("new\n"))
    await logs.tails(SCOPE, [KEY], lines=5)
    runs.ended = RunId("uid", "main", 1, ENDED_AT + timedelta(hours=1))
    assert (await logs.tails(SCOPE, [KEY], lines=5))[KEY].lines == ("new",)


async def test_a_remembered_log_is_used_when_it_cannot_be_had_any_more(api: FakeApi, http: KubernetesHttp) -> None:
    """More lines are wanted than are kept, but the kubelet has removed the container."""
    runs = Runs()
    logs = ContainerLogs({CLUSTER: http}, run_of=runs.of)
    lines = [f"line {number}" for number in range(300)]
    api.on(PATH, text("\n".join(lines[-KEPT_LINES:])), text("unable to retrieve container logs for containerd://abc"))
    await logs.tails(SCOPE, [KEY], lines=20)
    excerpt = (await logs.tails(SCOPE, [KEY], lines=300))[KEY]
    assert excerpt.lines == tuple(lines[-KEPT_LINES:])
    assert not excerpt.problem
    assert api.times(PATH) == 2


async def test_a_run_that_began_meanwhile_is_not_taken_for_the_one_that_ended(
    api: FakeApi, http: KubernetesHttp
) -> None:
    """Its lines are younger than the end of the other; they are shown once and not remembered."""
    runs = Runs()
    logs = ContainerLogs({CLUSTER: http}, run_of=runs.of)
    api.on(PATH, text("2026-11-24T22:00:20.123456789Z the next run\n"), text("2026-11-24T21:59:59.5Z crash\n"))
    assert (await logs.tails(SCOPE, [KEY], lines=5))[KEY].lines == ("the next run",)
    assert (await logs.tails(SCOPE, [KEY], lines=5))[KEY].lines == ("crash",)
    await logs.tails(SCOPE, [KEY], lines=5)
    assert api.times(PATH) == 2


async def test_lines_are_read_with_their_times_and_since_when(api: FakeApi, http: KubernetesHttp) -> None:
    """As the server stamps them; a span goes to the server."""
    api.on(PATH, text("2026-11-24T22:00:00.5Z one\n2026-11-24T22:00:01Z two\n"))
    read = (await ContainerLogs({CLUSTER: http}).read(SCOPE, [LogQuery(key=KEY, tail=7, since_s=90)]))[KEY]
    assert [(line.at, line.text) for line in read.lines] == [
        (ENDED_AT + timedelta(seconds=0.5), "one"),
        (ENDED_AT + timedelta(seconds=1), "two"),
    ]
    asked = {"container": "main", "tailLines": "7", "timestamps": "true", "sinceSeconds": "90"}
    assert api.asked == [(PATH, asked)]


async def test_an_unknown_cluster_is_a_slip(http: KubernetesHttp) -> None:
    """With what there is."""
    with pytest.raises(UsageError):
        await ContainerLogs({CLUSTER: http}).tails(Scope(ClusterName("x"), Namespace("y")), [KEY], lines=1)


STAMPED = "2026-11-24T21:59:00Z "


def long_log(lines: int) -> str:
    """Give a log of more bytes than are kept, whose lines begin with a secret."""
    return "".join(f"{STAMPED}password=hunter2hunter2 {number} {'x' * 30_000}\n" for number in range(lines))


async def test_of_a_log_that_is_cut_only_whole_lines_are_told(api: FakeApi, http: KubernetesHttp) -> None:
    """No rest of a line: it would have no time, and might be the end of a secret. What is missing is said."""
    api.on(PATH, text(long_log(40)))
    read = (await ContainerLogs({CLUSTER: http}).read(SCOPE, [LogQuery(key=KEY, tail=40)]))[KEY]
    assert read.problem == "only its last 1 MiB was read"
    assert 30 < len(read.lines) < 40
    assert all(line.at is not None and line.text.startswith("password=[masked] ") for line in read.lines)


@pytest.mark.parametrize("over", [0, 1], ids=["fits", "one byte more"])
async def test_a_log_of_just_what_is_kept_is_whole(api: FakeApi, http: KubernetesHttp, over: int) -> None:
    """The first line goes only if a byte of it is missing."""
    rest = "last\n"
    api.on(PATH, text("y" * (KEPT_BYTES - len(rest) - 1 + over) + "\n" + rest))
    excerpt = await tail(http)
    assert (len(excerpt.lines), excerpt.problem) == ((2, "") if not over else (1, "only its last 1 MiB was read"))


async def test_a_line_that_begins_where_the_kept_part_does_is_kept(api: FakeApi, http: KubernetesHttp) -> None:
    """What was dropped ended with a line."""
    api.on(PATH, text("dropped\nfirst " + "y" * (KEPT_BYTES - 12) + "\nlast\n"[:6]))
    assert [line[:5] for line in (await tail(http)).lines] == ["first", "last"]


async def test_a_cut_log_of_an_ended_run_is_not_remembered_as_whole(api: FakeApi, http: KubernetesHttp) -> None:
    """What is known of it answers for as many lines; who wants more asks again. Enough lines are no problem."""
    api.on(PATH, text(long_log(40)))
    logs = ContainerLogs({CLUSTER: http}, run_of=Runs().of)
    for lines, problem, asked in ((5, "", 1), (20, "", 1), (60, "only its last 1 MiB was read", 2)):
        excerpt = (await logs.tails(SCOPE, [PREVIOUS], lines=lines))[PREVIOUS]
        assert (excerpt.problem, len(api.asked)) == (problem, asked)
        assert len(excerpt.lines) == lines or lines == 60
