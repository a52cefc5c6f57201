"""Tails of logs: bounded, redacted, and in plain words when there is none."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster import ContainerLogs, KubernetesHttp
from bot.cluster.logs import LONGEST_LINE, READ_BYTES, SIDE_BY_SIDE, RunId, excerpt_of
from bot.domain.snapshot import LogExcerpt, LogKey
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
        {"container": "main", "tailLines": "3"},
        {"container": "main", "tailLines": "3", "previous": "true"},
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

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return web.Response(text="x\n")

    keys = [LogKey(f"pod-{number}", "main", previous=False) for number in range(30)]
    for key in keys:
        api.on(f"/api/v1/namespaces/shop/pods/{key.pod}/log", slow)
    excerpts = await ContainerLogs({CLUSTER: http}).tails(SCOPE, keys, lines=1)
    assert len(excerpts) == 30
    assert most == SIDE_BY_SIDE


async def test_the_log_of_an_ended_run_is_fetched_once(api: FakeApi, http: KubernetesHttp) -> None:
    """Until the container has restarted once more; current logs are always fetched, failures too."""
    restarts = 1

    def run_of(_: Scope, key: LogKey) -> RunId:
        return RunId("uid", key.container, restarts)

    logs = ContainerLogs({CLUSTER: http}, run_of=run_of)
    previous = LogKey("a", "main", previous=True)
    api.on(PATH, status(500, "not now"), text("crash 1\n"))
    assert (await logs.tails(SCOPE, [previous], lines=5))[previous].problem
    for _ in range(3):
        assert (await logs.tails(SCOPE, [previous], lines=5))[previous].lines == ("crash 1",)
    assert api.times(PATH) == 2

    restarts = 2
    api.on(PATH, text("crash 2\n"))
    assert (await logs.tails(SCOPE, [previous], lines=5))[previous].lines == ("crash 2",)
    await logs.tails(SCOPE, [KEY], lines=5)
    await logs.tails(SCOPE, [KEY], lines=5)
    assert api.times(PATH) == 5


async def test_an_unknown_cluster_is_a_slip(http: KubernetesHttp) -> None:
    """With what there is."""
    with pytest.raises(UsageError):
        await ContainerLogs({CLUSTER: http}).tails(Scope(ClusterName("x"), Namespace("y")), [KEY], lines=1)


def test_secrets_are_masked_and_counted_even_over_lines() -> None:
    """A private key spans lines; it is masked as one."""
    body = b"start\npassword=hunter22\n-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nend\n"
    excerpt = excerpt_of(body, 10)
    assert excerpt.lines == ("start", "password=[masked]", "[masked]", "end")
    assert excerpt.masked == 2


def test_bytes_that_are_no_text_and_lines_without_end_do_no_harm() -> None:
    """Replacement characters, an ellipsis, no escape sequence."""
    excerpt = excerpt_of(b"\xff\xfe\x1b[31mred\n" + b"z" * 50_000, 10)
    assert excerpt.lines[0].endswith("red")
    assert "\x1b" not in excerpt.lines[0]
    assert len(excerpt.lines[1]) == LONGEST_LINE
    assert excerpt.lines[1].endswith("…")


def test_the_answer_for_a_removed_container_is_no_log() -> None:
    """But a program may print such words somewhere in its log."""
    gone = b"unable to retrieve container logs for containerd://abc"
    assert excerpt_of(gone, 5).problem
    assert excerpt_of(b"first\n" + gone, 5).lines[0] == "first"


def test_an_empty_log_has_no_lines_and_no_problem() -> None:
    """It can be had; there is nothing in it."""
    assert excerpt_of(b"", 5) == LogExcerpt()


@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_bytes_make_at_most_the_lines_that_were_asked_for(body: bytes, lines: int) -> None:
    """Each is one line, within its bound."""
    excerpt = excerpt_of(body, lines)
    assert len(excerpt.lines) <= lines
    assert all("\n" not in line and len(line) <= LONGEST_LINE for line in excerpt.lines)
