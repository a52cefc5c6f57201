"""Logs: which part is served, and following them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sandbox.cluster.server import ClusterServer
from sandbox.cluster.sources import LogUnavailable
from sandbox.cluster.store import ObjectStore

_LOG = "/api/v1/namespaces/rag-engine/pods/p/log"
_ENDED = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-24T21:59:30Z"}}


@pytest.fixture
def three_lines(make_pod: Any, logs: Any, clock: Any) -> None:
    """One line a second; then ten seconds pass."""
    make_pod("p")
    logs.write("p", "main", "one", "two", "three")
    clock.advance(10)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "one\ntwo\nthree\n"),
        ({"tailLines": "2"}, "two\nthree\n"),
        ({"tailLines": "0"}, ""),
        ({"tailLines": "9"}, "one\ntwo\nthree\n"),
        ({"limitBytes": "6"}, "one\ntw"),
        ({"tailLines": "2", "limitBytes": "4"}, "two\n"),
        ({"sinceSeconds": "9"}, "two\nthree\n"),
        ({"sinceTime": "2026-11-24T22:00:02Z"}, "three\n"),
        ({"tailLines": "1", "timestamps": "true"}, "2026-11-24T22:00:02.000000000Z three\n"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("three_lines")
async def test_parts(client: Any, query: dict[str, str], text: str) -> None:
    """Filters by time first, then the tail, then the bytes, which cut the end."""
    answer = await client.get(_LOG, **query)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.data.decode() == text


async def test_bytes_that_are_no_text_survive(client: Any, make_pod: Any, logs: Any) -> None:
    """A log is bytes: what is no UTF-8 arrives as it was written."""
    make_pod("p")
    logs.write("p", "main", b"\xff caf\xc3\xa9".decode("utf-8", "surrogateescape"))
    assert (await client.get(_LOG)).data == b"\xff caf\xc3\xa9\n"


async def test_previous_is_another_file(client: Any, make_pod: Any, logs: Any) -> None:
    """A restarted container has the crashed run as its previous log."""
    make_pod("p", last_state=_ENDED)
    logs.write("p", "main", "new run")
    logs.write("p", "main", "crashed", previous=True)

    assert (await client.get(_LOG)).data == b"new run\n"
    assert (await client.get(_LOG, previous="true")).data == b"crashed\n"


async def test_waiting_for_restart_serves_the_crashed_run(client: Any, make_pod: Any, logs: Any) -> None:
    """In CrashLoopBackOff the current log is there."""
    make_pod("p", state={"waiting": {"reason": "CrashLoopBackOff"}}, last_state=_ENDED)
    logs.write("p", "main", "crashed")
    assert (await client.get(_LOG)).data == b"crashed\n"


async def test_only_regular_containers_count_for_the_choice(
    client: Any, store: ObjectStore, make_pod: Any, logs: Any
) -> None:
    """With one regular container none need be named; init containers can be."""
    pod = make_pod("p")
    init = {"name": "setup", "state": {"terminated": {"exitCode": 0}}, "restartCount": 0}
    spec = {**pod["spec"], "initContainers": [{"name": "setup"}]}
    store.update("pods", {**pod, "spec": spec, "status": {**pod["status"], "initContainerStatuses": [init]}})
    logs.write("p", "main", "from main")
    logs.write("p", "setup", "from setup")

    assert (await client.get(_LOG)).data == b"from main\n"
    assert (await client.get(_LOG, container="setup")).data == b"from setup\n"


async def test_choice_names_the_init_containers(client: Any, store: ObjectStore, make_pod: Any) -> None:
    """With several regular containers the message lists all that can be asked for."""
    pod = make_pod("p", containers=["a", "b"])
    store.update("pods", {**pod, "spec": {**pod["spec"], "initContainers": [{"name": "setup"}]}})
    message = (await client.get(_LOG)).body["message"]
    assert message.endswith("choose one of: [a b] or one of the init containers: [setup]")


@pytest.mark.parametrize(
    "query",
    [
        {"tailLines": "-1"},
        {"limitBytes": "0"},
        {"sinceSeconds": "0"},
        {"sinceSeconds": "5", "sinceTime": "2026-11-24T22:00:00Z"},
    ],
    ids=str,
)
async def test_bad_options(client: Any, make_pod: Any, query: dict[str, str]) -> None:
    """422 on PodLogOptions, with a cause."""
    make_pod("p")
    answer = await client.get(_LOG, **query)
    assert (answer.status, answer.body["details"]["kind"]) == (422, "PodLogOptions")
    assert answer.body["details"]["causes"]


async def test_refusals_of_the_node_pass_through(client: Any, make_pod: Any, logs: Any) -> None:
    """What the source refuses is answered as a Status, or as the text of an odd success."""
    make_pod("p", last_state=_ENDED)
    logs.files["p", "main", True] = LogUnavailable(500, "node does not answer", "InternalError")
    refused = await client.get(_LOG, previous="true")
    assert (refused.status, refused.body["message"]) == (500, "node does not answer")

    logs.files["p", "main", True] = LogUnavailable(200, "unable to retrieve container logs for containerd://x", "")
    gone = await client.get(_LOG, previous="true")
    assert (gone.status, gone.data) == (200, b"unable to retrieve container logs for containerd://x")


async def test_following_ends_after_the_container(client: Any, make_pod: Any, logs: Any) -> None:
    """New lines come at once, the last ones too; then a clean end."""
    make_pod("p")
    logs.write("p", "main", "one", "two")
    logs.running.add(("p", "main"))
    async with client.request("GET", _LOG, params={"follow": "true", "tailLines": "1"}) as response:
        assert await response.content.readline() == b"two\n"
        logs.write("p", "main", "three")
        assert await response.content.readline() == b"three\n"
        logs.running.clear()
        logs.write("p", "main", "last words")
        assert await response.content.read() == b"last words\n"


async def test_following_does_not_go_on_into_the_next_run(
    client: Any, make_pod: Any, logs: Any, store: ObjectStore
) -> None:
    """A restart ends the stream, after the last words of the run that was followed."""
    pod = make_pod("p")
    logs.write("p", "main", "one", "two")
    logs.running.add(("p", "main"))
    async with client.request("GET", _LOG, params={"follow": "true"}) as response:
        assert await response.content.readline() == b"one\n"
        logs.files.clear()
        logs.write("p", "main", "one", "two", "last words", previous=True)
        logs.write("p", "main", "next run")
        restarted = {**pod["status"]["containerStatuses"][0], "restartCount": 1}
        store.update("pods", {**pod, "status": {**pod["status"], "containerStatuses": [restarted]}})
        assert await response.content.read() == b"two\nlast words\n"


async def test_following_does_not_mind_old_lines_going(client: Any, make_pod: Any, logs: Any) -> None:
    """The file may lose its beginning: nothing is repeated or left out, lines of the same moment neither."""
    make_pod("p")
    logs.write("p", "main", "one", "two", "three")
    logs.running.add(("p", "main"))
    async with client.request("GET", _LOG, params={"follow": "true", "tailLines": "1"}) as response:
        assert await response.content.readline() == b"three\n"
        file = logs.files["p", "main", False]
        file[:] = [file[2], replace(file[2], text="same moment"), replace(file[2], text="and this")]
        assert await response.content.readline() == b"same moment\n"
        assert await response.content.readline() == b"and this\n"
        logs.running.clear()
        assert await response.content.read() == b""


async def test_following_ends_when_the_pod_is_gone(client: Any, make_pod: Any, logs: Any, store: ObjectStore) -> None:
    """A deleted pod has no log to wait for."""
    make_pod("p")
    logs.running.add(("p", "main"))
    async with client.request("GET", _LOG, params={"follow": "true"}) as response:
        store.delete("pods", "rag-engine", "p")
        assert await asyncio.wait_for(response.content.read(), 60) == b""


async def test_stop_ends_followers(server: ClusterServer, client: Any, make_pod: Any, logs: Any) -> None:
    """A server that stops leaves nobody hanging."""
    make_pod("p")
    logs.write("p", "main", "one")
    logs.running.add(("p", "main"))
    async with client.request("GET", _LOG, params={"follow": "true"}) as response:
        await response.content.readline()
        async with asyncio.timeout(60):
            await server.stop()
